{{ prevalence._daily('unit_date') }}

with

-- read five times below, which is why it is a table and not a step: Spark would join and add up anew each time
sized_units as (

    select
        unit_id,
        unit_date,
        unit_key,
        exposure,
        is_score_imputed,
        cast(round(exposure * sqrt(cast(raw_relative_risk as double))) as bigint) as risk_size
    from {{ ref('frame_interaction_sizes') }}
    where risk_scope = 'all'

),

plans as (

    select
        plan_id,
        design,
        expected_units,
        defence_share
    from {{ ref('stg_sampling_plans') }}
    where unit_type = 'interaction'

),

logged_draws as (

    select
        plan_id,
        interaction_id,
        inclusion_probability
    from {{ ref('stg_logged_draws') }}

),

day_totals as (

    select
        unit_date,
        cast(sum(exposure) as bigint) as exposure,
        cast(sum(risk_size) as bigint) as risk_size
    from sized_units
    group by unit_date

),

-- what a size is a share of: the same for every plan
plan_days as (

    select
        plans.plan_id,
        plans.design,
        plans.expected_units,
        plans.defence_share,
        day_totals.unit_date,
        day_totals.exposure,
        day_totals.risk_size
    from day_totals
    cross join plans
    where plans.design <> 'logged'

),

plan_units as (

    select {{ prevalence._broadcast(['plan_days']) }}
        plan_days.plan_id,
        plan_days.design,
        plan_days.expected_units,
        sized_units.unit_id,
        sized_units.unit_date,
        sized_units.unit_key,
        sized_units.exposure,
        sized_units.is_score_imputed,
        case
            when plan_days.design = 'simple_random' then cast(1 as bigint)
            else {{ prevalence._defensive_mixture(
                'sized_units.exposure', 'sized_units.risk_size', 'plan_days.defence_share',
                exposure_total='plan_days.exposure', risk_total='plan_days.risk_size'
            ) }}
        end as size_measure
    from sized_units
    inner join plan_days
        on sized_units.unit_date = plan_days.unit_date

),

probabilities as (

    {{ prevalence.inclusion_probabilities(
        'plan_units', unit='unit_id', size='size_measure', expected_units='expected_units',
        by=['plan_id', 'unit_date'],
        columns=['unit_key', 'design', 'expected_units', 'exposure', 'size_measure', 'is_score_imputed']
    ) | indent(4) }}

),

-- units that the logging system drew, with the probabilities that it recorded
drawn_elsewhere as (

    select {{ prevalence._broadcast(['plans']) }}
        plans.plan_id,
        sized_units.unit_id,
        sized_units.unit_date,
        sized_units.unit_key,
        plans.design,
        plans.expected_units,
        sized_units.exposure,
        cast(1 as bigint) as size_measure,
        logged_draws.inclusion_probability,
        logged_draws.inclusion_probability = 1 as is_certainty,
        sized_units.is_score_imputed
    from logged_draws
    inner join plans
        on logged_draws.plan_id = plans.plan_id
    inner join sized_units
        on logged_draws.interaction_id = sized_units.unit_key

),

final as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_imputed
    from probabilities

    union all

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_imputed
    from drawn_elsewhere

)

select * from final
