{#- Estimates with weights that are calibrated to known totals: post-stratification, raking, linear (GREG) and logit.

The variance is that of the residuals of a base-weighted regression on what was calibrated to, times the calibrated
weights (Deville and Sarndal 1992), whatever the distance. The residual of a domain is not zero outside the domain, so
every domain goes over the whole sample once more. Post-stratification and raking need only the table of cells. The
regression behind raking by margins is R's: all rows count the same, and the margins are swept ten times.

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.survey_calibrated_estimates(
        relation=ref('fct_unit_labels'), y='is_violating', stratum='stratum', method='post_stratification',
        margins=[{'columns': ['country'], 'totals': ref('frame_countries')}], by=[[], ['surface']]
    ) }}
-#}
{% macro survey_calibrated_estimates(
    relation,
    y,
    x='1.0',
    weight='design_weight',
    design='stratified',
    stratum=none,
    psu=none,
    population_psus=none,
    inclusion_probability=none,
    method=none,
    margins=none,
    auxiliaries=none,
    bounds=none,
    by=[[]],
    total=false,
    interval='korn_graubard',
    level=0.95,
    lonely_psu='fail'
) -%}
{{ prevalence._check_survey_calibrated_estimates(
    y, x, weight, design, stratum, psu, population_psus, inclusion_probability, method, margins, auxiliaries, bounds, by,
    total, interval, level, lonely_psu
) -}}
{%- set columns = prevalence._by_columns(by) -%}
{%- set keys = prevalence._sv_keys(columns) -%}
{%- set domain = ['_sv_set'] + keys -%}
{%- set with_margins = margins is not none -%}
{%- set names = [] -%}
{%- set auxiliary_totals = [] -%}
{%- if with_margins -%}
    {%- for margin in margins -%}
        {%- do names.append('_sv_margin_' ~ loop.index) -%}
    {%- endfor -%}
{%- else -%}
    {%- for expression, auxiliary_total in auxiliaries.items() -%}
        {%- do names.append('_sv_auxiliary_' ~ loop.index) -%}
        {%- do auxiliary_totals.append('cast(' ~ auxiliary_total ~ ' as double)') -%}
    {%- endfor -%}
{%- endif -%}
with

_sv_source as (

    select
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        cast(({{ y }}) as double) as _sv_y,
        cast(({{ x }}) as double) as _sv_x,
        cast(({{ weight }}) as double) as _sv_w,
        {{ stratum if stratum is not none else 'cast(0 as bigint)' }} as _sv_stratum,
        {{ psu if psu is not none else 'cast(0 as bigint)' }} as _sv_psu,
        {% if inclusion_probability is not none -%}
        cast(({{ inclusion_probability }}) as double)
        {%- else -%}
        cast(1 as double)
        {%- endif %} as _sv_pi,
        {% if population_psus is not none -%}
        cast(({{ population_psus }}) as double)
        {%- else -%}
        cast('infinity' as double)
        {%- endif %} as _sv_population,
        {%- if with_margins %}
        {%- for margin in margins %}
        {{ prevalence._sv_margin_key(margin['columns']) }} as {{ names[loop.index0] }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- else %}
        {%- for expression in auxiliaries %}
        cast(({{ expression }}) as double) as {{ names[loop.index0] }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- endif %}
    from {{ relation }}

),

_sv_rows as (

    select
        *,
        case
            when
                {{ prevalence._is_finite('_sv_w') }}
                and _sv_w > 0
                and {{ prevalence._is_finite('_sv_x') }}
                and (_sv_y is null or {{ prevalence._is_finite('_sv_y') }})
                and _sv_stratum is not null
                and _sv_psu is not null
                and _sv_pi > 0
                and _sv_pi <= 1
                and _sv_population > 0
                {%- if not with_margins %}
                {%- for name in names %}
                and {{ prevalence._is_finite(name) }}
                {%- endfor %}
                {%- endif %}
                then 0
            else 1
        end as _sv_invalid
    from _sv_source

),
{%- if with_margins %}
{%- for margin in margins %}

_sv_totals_{{ loop.index }} as (

    select
        {{ prevalence._sv_margin_key(margin['columns']) }} as _sv_margin,
        cast({{ margin.get('total', 'total') }} as double) as _sv_total
    from {{ margin['totals'] }}

),
{%- endfor %}

_sv_cell_weights as (

    select
        {{ names | join(',\n        ') }},
        row_number() over (order by {{ names | join(', ') }}) as _sv_cell,
        sum(_sv_w) as _sv_cell_weight,
        {{ 'cast(count(*) as double)' if method == 'raking' else 'sum(_sv_w)' }} as _sv_regression_weight
    from _sv_rows
    group by {{ names | join(', ') }}

),

_sv_cells as (

    select
        _sv_cell_weights.*,
        {%- for name in names %}
        dense_rank() over (order by _sv_cell_weights.{{ name }}) as _sv_category_{{ loop.index }},
        _sv_totals_{{ loop.index }}._sv_total as _sv_total_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_cell_weights
    {%- for name in names %}
    left join _sv_totals_{{ loop.index }}
        on _sv_cell_weights.{{ name }} = _sv_totals_{{ loop.index }}._sv_margin
    {%- endfor %}

),

_sv_margin_sums as (
    {% for name in names %}
    select
        {{ loop.index }} as _sv_margin_number,
        count(*) - count(distinct _sv_margin) as _sv_repeated,
        sum(case when _sv_total = 0 then 0 else 1 end) as _sv_categories,
        sum(_sv_total) as _sv_sum
    from _sv_totals_{{ loop.index }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

_sv_margin_checks as (

    -- one row: categories twice, margins of other populations, and how many categories each margin has
    select
        {%- for name in names %}
        max(case when _sv_margin_number = {{ loop.index }} then _sv_categories end) as _sv_categories_{{ loop.index }},
        {%- endfor %}
        sum(_sv_repeated)
        + case when max(_sv_sum) - min(_sv_sum) <= 1e-6 * max(_sv_sum) and count(_sv_sum) = count(*) then 0 else 1 end
            as _sv_problems
    from _sv_margin_sums

),

_sv_checked_cells as (

    -- categories of the sample without a total; where there is none, as many totals as categories: no total without a
    -- sample
    select
        _sv_cells.*,
        _sv_margin_checks._sv_problems
        + sum(
            case
                when {% for name in names %}{{ 'and ' if not loop.first }}_sv_cells._sv_total_{{ loop.index }} > 0 {% endfor %}then 0
                else 1
            end
        ) over ()
        {%- for name in names %}
        + case
            when max(_sv_cells._sv_category_{{ loop.index }}) over () = _sv_margin_checks._sv_categories_{{ loop.index }} then 0
            else 1
        end
        {%- endfor %} as _sv_problems
        {%- if method == 'raking' %},
        array_agg({{ prevalence._sv_cell_items(names) }}) over () as _sv_list
        {%- endif %}
    from _sv_cells
    cross join _sv_margin_checks

),

_sv_cell_factors as (

    select
        *,
        case
            when _sv_problems = 0
                then
                    {% if method == 'raking' -%}
                    raking_factor(cast(_sv_cell as double), _sv_list)
                    {%- else -%}
                    _sv_total_1 / _sv_cell_weight
                    {%- endif %}
        end as _sv_factor
    from _sv_checked_cells

),

_sv_calibrated as (

    select
        _sv_rows.*,
        _sv_cell_factors._sv_cell,
        _sv_cell_factors._sv_regression_weight,
        _sv_cell_factors._sv_factor,
        _sv_rows._sv_w * _sv_cell_factors._sv_factor as _sv_wg
    from _sv_rows
    inner join _sv_cell_factors
        on
            {% for name in names -%}
            {{ 'and ' if not loop.first }}_sv_rows.{{ name }} = _sv_cell_factors.{{ name }}
            {% endfor %}

),
{%- else %}

_sv_auxiliary_sums as (

    select
        {%- if method == 'linear' and bounds is none %}
        {%- for name in names %}
        {%- set outer = loop.index %}
        sum(_sv_w * {{ name }}) as _sv_t{{ outer }},
        {%- endfor %}
        {%- else %}
        array_agg({{ prevalence._array(['_sv_w'] + names) }}) as _sv_list,
        {%- endif %}
        {%- for left in names %}
        {%- set outer = loop.index %}
        {%- for right in names %}
        sum(_sv_w * {{ left }} * {{ right }}) as _sv_xx_{{ outer }}_{{ loop.index }},
        {%- endfor %}
        {%- endfor %}
        count(*) as _sv_count
    from _sv_rows

),

_sv_matrices as (

    select
        *,
        {%- set matrix = [] %}
        {%- for left in names %}
        {%- set outer = loop.index %}
        {%- set items = [] %}
        {%- for right in names %}
        {%- do items.append('_sv_xx_' ~ outer ~ '_' ~ loop.index) %}
        {%- endfor %}
        {%- do matrix.append(prevalence._array(items)) %}
        {%- endfor %}
        {{ prevalence._array(matrix) }} as _sv_matrix
    from _sv_auxiliary_sums

),

_sv_multipliers as (

    select
        *,
        {%- set misses = [] %}
        {%- for auxiliary_total in auxiliary_totals %}
        {%- do misses.append(auxiliary_total ~ ' - _sv_t' ~ loop.index) %}
        {%- endfor %}
        {%- for name in names %}
        {% if method == 'linear' and bounds is none -%}
        linear_solution(cast({{ loop.index }} as double), _sv_matrix, {{ prevalence._array(misses) }})
        {%- else -%}
        {{ {'linear': 'bounded_linear', 'raking': 'raking', 'logit': 'logit'}[method] }}_multiplier(
            cast({{ loop.index }} as double), _sv_list, {{ prevalence._array(auxiliary_totals) }}
            {%- if bounds is not none %}, {{ prevalence._array(prevalence._sv_doubles(bounds)) }}{% endif %}
        )
        {%- endif %} as _sv_multiplier_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_matrices

),

_sv_auxiliary_scores as (

    select
        _sv_rows.*,
        {%- for name in names %}
        {{ '+ ' if not loop.first }}_sv_multipliers._sv_multiplier_{{ loop.index }} * _sv_rows.{{ name }}
        {%- endfor %} as _sv_score
    from _sv_rows
    cross join _sv_multipliers

),

_sv_factors as (

    select
        *,
        {% if method == 'raking' -%}
        exp(_sv_score)
        {%- elif method == 'logit' -%}
        {%- set lower, upper = bounds -%}
        {%- set growth = 'exp(' ~ (upper - lower) / ((1 - lower) * (upper - 1)) ~ ' * _sv_score)' -%}
        ({{ lower * (upper - 1) }} + {{ upper * (1 - lower) }} * {{ growth }})
        / ({{ upper - 1 }} + {{ 1 - lower }} * {{ growth }})
        {%- elif bounds is not none -%}
        case
            when 1 + _sv_score < {{ bounds[0] }} then {{ bounds[0] }}
            when 1 + _sv_score > {{ bounds[1] }} then {{ bounds[1] }}
            else 1 + _sv_score
        end
        {%- else -%}
        1 + _sv_score
        {%- endif %} as _sv_factor
    from _sv_auxiliary_scores

),

_sv_calibrated as (

    select
        *,
        _sv_w * _sv_factor as _sv_wg
    from _sv_factors

),
{%- endif %}

{{ prevalence._sv_members('_sv_calibrated', by, columns) }}

_sv_domain_sums as (

    select
        {{ domain | join(',\n        ') }},
        cast(count(*) as double) as _sv_rows,
        cast(count(_sv_y) as double) as _sv_labeled,
        sum(case when _sv_y > 0 then 1 else 0 end) as _sv_positive,
        sum(case when _sv_y < _sv_x then 1 else 0 end) as _sv_below,
        sum(case when _sv_y < 0 or _sv_y > _sv_x then 1 else 0 end) as _sv_not_share,
        sum(_sv_invalid) as _sv_invalid,
        sum(case when _sv_factor is null then 1 else 0 end) as _sv_unfitted,
        min(_sv_factor) as _sv_smallest_factor,
        max(_sv_factor) as _sv_largest_factor,
        sum(_sv_wg * _sv_y) as _sv_a,
        sum(case when _sv_y is not null then _sv_wg * _sv_x end) as _sv_b,
        sum(case when _sv_y is not null then _sv_wg end) as _sv_sum_of_weights,
        sum(_sv_wg * _sv_y * _sv_y) as _sv_wyy,
        sum(_sv_wg * _sv_y * _sv_x) as _sv_wyx,
        sum(case when _sv_y is not null then _sv_wg * _sv_x * _sv_x end) as _sv_wxx,
        sum(case when _sv_y > 0 then power(_sv_wg * _sv_y, 2) end) as _sv_a2,
        sum(case when _sv_y > 0 then power(_sv_wg * _sv_y, 4) end) as _sv_a4
    from _sv_members
    group by {{ domain | join(', ') }}

),

_sv_ratios as (

    select
        *,
        {{ 'cast(0 as double)' if total else '_sv_a / nullif(_sv_b, 0)' }} as _sv_ratio
    from _sv_domain_sums

),

_sv_member_residuals as (

    select
        _sv_members.*,
        _sv_ratios._sv_ratio,
        _sv_members._sv_y - _sv_ratios._sv_ratio * _sv_members._sv_x as _sv_u
    from _sv_members
    inner join _sv_ratios
        on
            _sv_members._sv_set = _sv_ratios._sv_set
            {%- for key in keys %}
            and _sv_members.{{ key }} is not distinct from _sv_ratios.{{ key }}
            {%- endfor %}

),
{%- if with_margins %}

_sv_cell_means as (

    select
        {{ domain | join(',\n        ') }},
        _sv_cell,
        sum({{ '_sv_u' if method == 'raking' else '_sv_w * _sv_u' }}) / max(_sv_regression_weight) as _sv_mean
    from _sv_member_residuals
    group by {{ (domain + ['_sv_cell']) | join(', ') }}

),

_sv_fits_0 as (

    -- every cell of the sample, also those without a row of the domain
    select
        {%- for key in domain %}
        _sv_ratios.{{ key }},
        {%- endfor %}
        _sv_cell_factors._sv_cell,
        _sv_cell_factors._sv_regression_weight,
        {%- for name in names %}
        _sv_cell_factors._sv_category_{{ loop.index }},
        {%- endfor %}
        _sv_ratios._sv_ratio,
        coalesce(_sv_cell_means._sv_mean, 0) as _sv_mean,
        {{ 'coalesce(_sv_cell_means._sv_mean, 0)' if method == 'raking' else 'cast(0 as double)' }} as _sv_left
    from _sv_ratios
    cross join _sv_cell_factors
    left join _sv_cell_means
        on
            _sv_cell_factors._sv_cell = _sv_cell_means._sv_cell
            {%- for key in domain %}
            and _sv_ratios.{{ key }} is not distinct from _sv_cell_means.{{ key }}
            {%- endfor %}

),
{%- set fits = namespace(number=0) %}
{%- if method == 'raking' %}
{%- for sweep in range(10) %}
{%- for name in names %}
{%- set over_category = 'over (partition by ' ~ domain | join(', ') ~ ', _sv_category_' ~ loop.index ~ ')' %}

_sv_fits_{{ fits.number + 1 }} as (

    select
        {{ domain | join(',\n        ') }},
        _sv_cell,
        _sv_regression_weight,
        {%- for other in names %}
        _sv_category_{{ loop.index }},
        {%- endfor %}
        _sv_ratio,
        _sv_mean,
        _sv_left - sum(_sv_regression_weight * _sv_left) {{ over_category }} / sum(_sv_regression_weight) {{ over_category }}
            as _sv_left
    from _sv_fits_{{ fits.number }}

),
{%- set fits.number = fits.number + 1 %}
{%- endfor %}
{%- endfor %}
{%- endif %}

_sv_fitted as (

    select
        _sv_calibrated.*,
        {%- for key in domain %}
        _sv_fits_{{ fits.number }}.{{ key }},
        {%- endfor %}
        _sv_fits_{{ fits.number }}._sv_ratio,
        _sv_fits_{{ fits.number }}._sv_mean - _sv_fits_{{ fits.number }}._sv_left as _sv_fitted
    from _sv_calibrated
    inner join _sv_fits_{{ fits.number }}
        on _sv_calibrated._sv_cell = _sv_fits_{{ fits.number }}._sv_cell

),
{%- else %}

_sv_domain_cross as (

    select
        {{ domain | join(',\n        ') }},
        max(_sv_ratio) as _sv_ratio,
        {%- for name in names %}
        coalesce(sum(_sv_w * {{ name }} * _sv_u), 0) as _sv_xu_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_member_residuals
    group by {{ domain | join(', ') }}

),

_sv_slopes as (

    select
        {%- for key in domain %}
        _sv_domain_cross.{{ key }},
        {%- endfor %}
        _sv_domain_cross._sv_ratio,
        {%- set cross = [] %}
        {%- for name in names %}
        {%- do cross.append('_sv_domain_cross._sv_xu_' ~ loop.index) %}
        {%- endfor %}
        {%- for name in names %}
        linear_solution(cast({{ loop.index }} as double), _sv_multipliers._sv_matrix, {{ prevalence._array(cross) }})
            as _sv_slope_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_domain_cross
    cross join _sv_multipliers

),

_sv_fitted as (

    select
        _sv_calibrated.*,
        {%- for key in domain %}
        _sv_slopes.{{ key }},
        {%- endfor %}
        _sv_slopes._sv_ratio,
        {%- for name in names %}
        {{ '+ ' if not loop.first }}_sv_slopes._sv_slope_{{ loop.index }} * _sv_calibrated.{{ name }}
        {%- endfor %} as _sv_fitted
    from _sv_calibrated
    cross join _sv_slopes

),
{%- endif %}

_sv_units as (

    -- every row of the sample for every domain: its residual is the domain's y - R x, or 0, less what was fitted
    select
        {%- for key in domain %}
        _sv_fitted.{{ key }},
        {%- endfor %}
        _sv_fitted._sv_stratum,
        _sv_fitted._sv_psu,
        _sv_fitted._sv_population,
        _sv_fitted._sv_pi,
        case when {{ prevalence._sv_is_member(by, columns) }} and _sv_fitted._sv_y is not null then 1 else 0 end as _sv_labeled,
        _sv_fitted._sv_wg * (
            case
                when {{ prevalence._sv_is_member(by, columns) }} and _sv_fitted._sv_y is not null
                    then _sv_fitted._sv_y - _sv_fitted._sv_ratio * _sv_fitted._sv_x
                else 0
            end - _sv_fitted._sv_fitted
        ) as _sv_z
    from _sv_fitted

),
{%- if psu is not none %}

_sv_psus as (

    select
        {{ domain | join(',\n        ') }},
        _sv_stratum,
        _sv_psu,
        max(_sv_labeled) as _sv_labeled,
        min(_sv_population) as _sv_population,
        max(_sv_population) as _sv_population_maximum,
        min(_sv_pi) as _sv_pi,
        sum(_sv_z) as _sv_z
    from _sv_units
    group by {{ (domain + ['_sv_stratum', '_sv_psu']) | join(', ') }}

),
{%- endif %}

_sv_strata as (

    select
        {{ domain | join(',\n        ') }},
        _sv_stratum,
        cast(count(*) as double) as _sv_n,
        sum(_sv_labeled) as _sv_domain_psus,
        min(_sv_population) as _sv_population_least,
        max({{ '_sv_population' if psu is none else '_sv_population_maximum' }}) as _sv_n_population,
        sum((1 - _sv_pi) * _sv_z * _sv_z) as _sv_open_squares,
        min(_sv_pi) as _sv_pi_least,
        sum(_sv_z) as _sv_z,
        var_pop(_sv_z) as _sv_spread
    from {{ '_sv_units' if psu is none else '_sv_psus' }}
    group by {{ (domain + ['_sv_stratum']) | join(', ') }}

),

_sv_shares as (

    select
        *,
        case
            when _sv_population_least = _sv_n_population and _sv_n <= _sv_n_population * (1 + 1e-9) then 0
            else 1
        end as _sv_misfit,
        case
            {%- if design == 'poisson' %}
            when _sv_pi_least = 1 then 1
            {%- else %}
            when _sv_n >= _sv_n_population * (1 - 1e-9) then 1
            {%- endif %}
            else 0
        end as _sv_census,
        case when _sv_n_population = cast('infinity' as double) then 1 else 1 - _sv_n / nullif(_sv_n_population, 0) end
            as _sv_unsampled_share,
        sum(_sv_z) over (partition by {{ domain | join(', ') }})
        / sum(_sv_n) over (partition by {{ domain | join(', ') }}) as _sv_centre
    from _sv_strata

),

_sv_terms as (

    select
        *,
        {%- if design == 'poisson' %}
        0 as _sv_lonely,
        _sv_open_squares as _sv_term
        {%- else %}
        case when _sv_n = 1 and _sv_census = 0 then 1 else 0 end as _sv_lonely,
        case
            when _sv_census = 1 then 0
            when _sv_n > 1 then _sv_unsampled_share * _sv_n / (_sv_n - 1) * _sv_spread * _sv_n
            {%- if lonely_psu == 'adjust' %}
            else _sv_unsampled_share * power(_sv_z - _sv_centre, 2)
            {%- elif lonely_psu != 'fail' %}
            else 0
            {%- endif %}
        end as _sv_term
        {%- endif %}
    from _sv_shares

),

_sv_domain_terms as (

    select
        {{ domain | join(',\n        ') }},
        sum(_sv_term) as _sv_terms,
        sum(_sv_lonely) as _sv_lonely_psus,
        sum(_sv_domain_psus) as _sv_domain_psus,
        sum(case when _sv_domain_psus > 0 then 1 else 0 end) as _sv_domain_strata,
        count(*) as _sv_strata,
        max(_sv_misfit) as _sv_misfit,
        min(_sv_census) as _sv_census
    from _sv_terms
    group by {{ domain | join(', ') }}

),

_sv_joined as (

    select
        _sv_ratios.*,
        _sv_domain_terms._sv_lonely_psus,
        _sv_domain_terms._sv_census,
        _sv_domain_terms._sv_misfit,
        _sv_domain_terms._sv_domain_psus - _sv_domain_terms._sv_domain_strata as _sv_df,
        {%- if lonely_psu == 'fail' %}
        case when _sv_domain_terms._sv_lonely_psus = 0 then _sv_domain_terms._sv_terms end
        {%- elif lonely_psu == 'average' %}
        _sv_domain_terms._sv_terms * _sv_domain_terms._sv_strata
        / nullif(_sv_domain_terms._sv_strata - _sv_domain_terms._sv_lonely_psus, 0)
        {%- else %}
        _sv_domain_terms._sv_terms
        {%- endif %} as _sv_terms
    from _sv_ratios
    left join _sv_domain_terms
        on
            _sv_ratios._sv_set = _sv_domain_terms._sv_set
            {%- for key in keys %}
            and _sv_ratios.{{ key }} is not distinct from _sv_domain_terms.{{ key }}
            {%- endfor %}

),

_sv_spreads as (

    select
        *,
        {% if total -%}
        cast(1 as double) as _sv_scale,
        _sv_wyy as _sv_spread_scale,
        _sv_wyy - _sv_a * _sv_a / nullif(_sv_sum_of_weights, 0) as _sv_spread
        {%- else -%}
        nullif(_sv_b, 0) as _sv_scale,
        _sv_wyy + _sv_ratio * _sv_ratio * _sv_wxx as _sv_spread_scale,
        _sv_wyy - 2 * _sv_ratio * _sv_wyx + _sv_ratio * _sv_ratio * _sv_wxx as _sv_spread
        {%- endif %}
    from _sv_joined

),

_sv_moments as (

    select
        {{ domain | join(',\n        ') }},
        _sv_rows,
        _sv_labeled as _sv_sampled,
        _sv_positive,
        _sv_not_share,
        _sv_positive = 0 as _sv_is_none,
        _sv_below = 0 as _sv_is_all,
        _sv_sum_of_weights,
        _sv_a2,
        _sv_a4,
        cast(null as double) as _sv_maximum,
        _sv_b,
        -- an invalid row spoils the calibration of all the others, and so does a population that cannot be
        case
            when _sv_invalid > 0 then _sv_invalid
            when _sv_misfit > 0 or max(_sv_invalid) over () > 0 then _sv_rows
            else 0
        end as _sv_invalid,
        _sv_unfitted,
        _sv_smallest_factor,
        _sv_largest_factor,
        {{ '_sv_a' if total else '_sv_ratio' }} as _sv_estimate,
        -- a calibration that reproduces y leaves rounding
        case
            when _sv_terms / (_sv_scale * _sv_scale) <= 1e-24 * (_sv_wyy * _sv_sum_of_weights) / (_sv_scale * _sv_scale) then 0
            else _sv_terms / (_sv_scale * _sv_scale)
        end as _sv_variance,
        case when _sv_spread > 1e-12 * _sv_spread_scale then _sv_spread end
        * _sv_sum_of_weights / nullif(_sv_labeled - 1, 0) / (_sv_scale * _sv_scale) as _sv_simple_variance,
        _sv_df,
        _sv_lonely_psus,
        _sv_census
    from _sv_spreads

),

{{ prevalence._survey_figures(
    by=by,
    total=total,
    interval=interval,
    level=level,
    lonely_psu=lonely_psu,
    zero_positive_bound='clopper_pearson',
    zero_positive_law='with_replacement',
    extra_status={
        'name': 'margins_do_not_fit' if with_margins else 'totals_out_of_reach', 'condition': '_sv_unfitted > 0'
    },
    extra_columns=[
        {'name': 'smallest_calibration_factor', 'expression': '_sv_smallest_factor'},
        {'name': 'largest_calibration_factor', 'expression': '_sv_largest_factor'}
    ]
) }}
{%- endmacro %}

{% macro _check_survey_calibrated_estimates(
    y, x, weight, design, stratum, psu, population_psus, inclusion_probability, method, margins, auxiliaries, bounds, by,
    total, interval, level, lonely_psu
) -%}
    {%- set name = 'survey_calibrated_estimates' -%}
    {%- set required = {'y': y, 'x': x, 'weight': weight} -%}
    {%- for argument, value in required.items() -%}
        {{- prevalence._check_expression(name, argument, value, required=true) -}}
    {%- endfor -%}
    {%- set optional = {
        'stratum': stratum, 'psu': psu, 'population_psus': population_psus, 'inclusion_probability': inclusion_probability
    } -%}
    {%- set takes = {
        'stratified': ['stratum', 'psu', 'population_psus'],
        'pps_with_replacement': ['stratum', 'psu'],
        'poisson': ['stratum', 'inclusion_probability']
    } -%}
    {{- prevalence._check_choice(name, 'design', design, takes.keys() | list) -}}
    {%- set unwanted = [] -%}
    {%- for argument, value in optional.items() -%}
        {{- prevalence._check_expression(name, argument, value) -}}
        {%- if value is not none and argument not in takes[design] -%}
            {%- do unwanted.append(argument) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- prevalence._check_not_given(name, 'design', design, unwanted, takes[design]) -}}
    {%- if design == 'poisson' and inclusion_probability is none -%}
        {{ prevalence._refuse(name, "design 'poisson' requires inclusion_probability; received none") }}
    {%- endif -%}
    {{- prevalence._check_choice(name, 'method', method, ['post_stratification', 'raking', 'linear', 'logit']) -}}
    {%- if method == 'post_stratification' and (margins is none or auxiliaries is not none) -%}
        {{ prevalence._refuse(name, "method 'post_stratification' requires margins, and takes no auxiliaries") }}
    {%- elif method in ['linear', 'logit'] and (auxiliaries is none or margins is not none) -%}
        {{ prevalence._refuse(name, "method '" ~ method ~ "' requires auxiliaries, and takes no margins") }}
    {%- elif (margins is none) == (auxiliaries is none) -%}
        {{ prevalence._refuse(name, "method 'raking' requires either margins or auxiliaries") }}
    {%- endif -%}
    {%- if margins is not none -%}
        {%- if margins is string or margins is mapping or margins is not sequence or margins | length == 0 -%}
            {{ prevalence._refuse(
                name, "margins must be a list such as [{'columns': ['country'], 'totals': ref('countries')}]; received '"
                ~ margins ~ "'"
            ) }}
        {%- endif -%}
        {%- for margin in margins -%}
            {%- if margin is not mapping or 'columns' not in margin or 'totals' not in margin
                or margin['columns'] is string or margin['columns'] is not sequence or margin['columns'] | length == 0 -%}
                {{ prevalence._refuse(
                    name, "margins must each have columns (a list) and totals (a relation); received '" ~ margin ~ "'"
                ) }}
            {%- endif -%}
        {%- endfor -%}
        {%- if method == 'post_stratification' and margins | length > 1 -%}
            {{ prevalence._refuse(
                name, "method 'post_stratification' takes one margin, which may have several columns; received "
                ~ margins | length
            ) }}
        {%- endif -%}
    {%- else -%}
        {%- if auxiliaries is not mapping or auxiliaries | length == 0 -%}
            {{ prevalence._refuse(
                name, "auxiliaries must map expressions to totals, such as {'1': 15000, 'score': 1854.5}; received '"
                ~ auxiliaries ~ "'"
            ) }}
        {%- endif -%}
        {%- for expression, value in auxiliaries.items() -%}
            {%- if value is not number -%}
                {{ prevalence._refuse(
                    name, "auxiliaries must map expressions to numbers; received '" ~ value ~ "' for " ~ expression
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if bounds is none and method == 'logit' -%}
        {{ prevalence._refuse(name, "method 'logit' requires bounds, such as [0.3, 3]; received none") }}
    {%- elif bounds is not none -%}
        {%- if method not in ['linear', 'logit'] -%}
            {{ prevalence._refuse(name, "bounds belong to the methods linear and logit; received method '" ~ method ~ "'") }}
        {%- elif bounds is string or bounds is mapping or bounds is not sequence or bounds | length != 2
            or bounds[0] is not number or bounds[1] is not number or not 0 <= bounds[0] < 1 or not bounds[1] > 1 -%}
            {{ prevalence._refuse(
                name, "bounds must be two numbers, one in [0, 1) and one above 1; received '" ~ bounds ~ "'"
            ) }}
        {%- endif -%}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'total', total) -}}
    {{- prevalence._check_choice(name, 'interval', interval, prevalence._interval_kinds().keys() | list) -}}
    {{- prevalence._check_level(name, level) -}}
    {{- prevalence._check_choice(
        name, 'lonely_psu', lonely_psu, ['fail', 'remove', 'certainty', 'adjust', 'average']
    ) -}}
    {{- prevalence._check_by(
        name, by, prevalence._result_columns() + ['smallest_calibration_factor', 'largest_calibration_factor']
    ) -}}
{%- endmacro %}

{#- One text for the values of a margin's columns, which no other values have. -#}
{% macro _sv_margin_key(columns) -%}
    {%- for column in columns -%}
    {{ ' || ' if not loop.first }}{{ prevalence._netstring('cast(' ~ column ~ ' as string)') }}
    {%- endfor -%}
{%- endmacro %}

{#- A cell as raking_factor reads it: number, weight, and each margin's category and total. -#}
{% macro _sv_cell_items(names) -%}
    {%- set items = ['cast(_sv_cell as double)', '_sv_cell_weight'] -%}
    {%- for name in names -%}
        {%- do items.append('cast(_sv_category_' ~ loop.index ~ ' as double)') -%}
        {%- do items.append('_sv_total_' ~ loop.index) -%}
    {%- endfor -%}
    {{ prevalence._array(items) }}
{%- endmacro %}

{% macro _sv_doubles(numbers) -%}
    {%- set items = [] -%}
    {%- for number in numbers -%}
        {%- do items.append('cast(' ~ number ~ ' as double)') -%}
    {%- endfor -%}
    {{ return(items) }}
{%- endmacro %}
