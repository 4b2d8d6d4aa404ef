-- Draws with replacement from six units, of which all 216 outcomes can be listed: the estimate of the outcome (2, 1, 2)
-- and its standard error under two sets of draw probabilities, worked out by hand from the Hansen-Hurwitz formula.
with

draws as (

    select
        size_measure,
        draw,
        exposure,
        is_positive,
        1 / (3 * cast(draw_probability as double)) as design_weight
    from (
        values
        ('exposure', 1, 50, 1, '0.25'), ('exposure', 2, 100, 0, '0.5'), ('exposure', 3, 50, 1, '0.25'),
        ('exposure and score', 1, 50, 1, '0.71713147410358566'),
        ('exposure and score', 2, 100, 0, '0.079681274900398409'),
        ('exposure and score', 3, 50, 1, '0.71713147410358566')
    ) as outcome_draws (size_measure, draw, exposure, is_positive, draw_probability) -- noqa: AL05

),

totals as (

    {{ prevalence.survey_estimates(
        'draws', y='is_positive * exposure / cast(200 as double)', stratum='size_measure', design='pps_with_replacement',
        total=true, by=[['size_measure']]
    ) | indent(4) }}

),

ratios as (

    {{ prevalence.survey_estimates(
        'draws', y='is_positive * exposure', x='exposure', stratum='size_measure', design='pps_with_replacement',
        by=[['size_measure']]
    ) | indent(4) }}

),

known as (

    select
        size_measure,
        cast(total as double) as total,
        cast(std_error as double) as std_error,
        cast(ratio as double) as ratio
    from (
        values
        ('exposure', '0.66666666666666667', '0.33333333333333333', '0.66666666666666667'),
        ('exposure and score', '0.23240740740740741', '0.11620370370370370', '0.1')
    ) as known_values (size_measure, total, std_error, ratio) -- noqa: AL05

)

select
    known.size_measure,
    totals.estimate as total,
    totals.std_error,
    ratios.estimate as ratio
from known
left join totals
    on known.size_measure = totals.size_measure
left join ratios
    on known.size_measure = ratios.size_measure
where
    coalesce(abs(totals.estimate - known.total) > 1e-10, true)
    or coalesce(abs(totals.std_error - known.std_error) > 1e-10, true)
    or coalesce(abs(ratios.estimate - known.ratio) > 1e-10, true)
