{#- The change of an estimate between two periods, with the covariance that units in both periods carry.

Both periods are one pooled sample, in which each is a domain. A PSU in both is one PSU: the products of its two scores
are the covariance (and so are the zeros of PSUs in one period only, which is why the stratum's size is the pooled one).
With Poisson sampling every row is a draw of its own, and the covariance is 0; with coordinated Poisson sampling the
rows of one PSU are drawn by one random number, and what both periods drew is the covariance. `independent` samples have a design for
each period: its strata are those of the period, and nothing is shared. The relative change is linearised, too.

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.survey_difference(
        relation=ref('fct_unit_labels'), y='is_violating', stratum='plan_id', psu='content_id',
        period='week_start_date', from_period='2026-10-05', to_period='2026-10-12'
    ) }}
-#}
{% macro survey_difference(
    relation,
    y,
    x='1.0',
    weight='design_weight',
    design='stratified',
    stratum=none,
    psu=none,
    population_psus=none,
    inclusion_probability=none,
    period=none,
    from_period=none,
    to_period=none,
    relative=false,
    by=[[]],
    total=false,
    level=0.95,
    lonely_psu='fail',
    independent=false,
    degrees_of_freedom='sum',
    interval='wald_t'
) -%}
{{ prevalence._check_survey_difference(
    y, x, weight, design, stratum, psu, population_psus, inclusion_probability, period, from_period, to_period, relative,
    by, total, level, lonely_psu, independent, degrees_of_freedom, interval
) -}}
{%- set columns = prevalence._by_columns(by) -%}
{%- set keys = prevalence._sv_keys(columns) -%}
{%- set domain = ['_sv_set'] + keys -%}
{%- set strata = ['_sv_stratum', '_sv_period'] if independent else ['_sv_stratum'] -%}
{%- set over_stratum = 'over (partition by ' ~ strata | join(', ') ~ ')' -%}
{%- set over_domain = 'over (partition by ' ~ domain | join(', ') ~ ')' -%}
{%- set variables = ['a1', 'b1', 'a2', 'b2'] -%}
{%- set both = [(1, 1), (1, 2), (2, 2)] -%}
{%- set is_poisson = design in ['poisson', 'coordinated_poisson'] -%}
{%- set is_coordinated = design == 'coordinated_poisson' -%}
{%- set periods = [prevalence._sv_text(from_period), prevalence._sv_text(to_period)] -%}
{%- set counts = ['rows', 'labeled1', 'labeled2', 'positive', 'invalid'] -%}
{%- set sums = ['w1', 'w2', 'wyy1', 'wyx1', 'wxx1', 'wyy2', 'wyx2', 'wxx2'] -%}
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
        {%- if psu is not none %}
        {{ psu }} as _sv_psu,
        {%- endif %}
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
        case cast(({{ period }}) as string) when {{ periods[0] }} then 1 else 2 end as _sv_period
    from {{ relation }}
    where cast(({{ period }}) as string) in ({{ periods | join(', ') }})

),

_sv_values as (

    select
        {%- for column in columns %}
        _sv_value_{{ loop.index }},
        {%- endfor %}
        {%- for key in strata %}
        {{ key }},
        {%- endfor %}
        {%- if psu is not none %}
        _sv_psu,
        {%- endif %}
        _sv_population,
        case when _sv_pi > 0 and _sv_pi <= 1 then 1 - _sv_pi else 1 end as _sv_f,
        1 as _sv_rows,
        case when _sv_y > 0 then 1 else 0 end as _sv_positive,
        {%- for number in [1, 2] %}
        -- a labeled row is 0 in the period that it is not in; an unlabeled row is null in both
        case when _sv_y is not null then case when _sv_period = {{ number }} then _sv_w * _sv_y else 0 end end
            as _sv_a{{ number }},
        case when _sv_y is not null then case when _sv_period = {{ number }} then _sv_w * _sv_x else 0 end end
            as _sv_b{{ number }},
        case when _sv_y is not null and _sv_period = {{ number }} then 1 else 0 end as _sv_labeled{{ number }},
        case when _sv_y is not null and _sv_period = {{ number }} then _sv_w end as _sv_w{{ number }},
        case when _sv_period = {{ number }} then _sv_w * _sv_y * _sv_y end as _sv_wyy{{ number }},
        case when _sv_period = {{ number }} then _sv_w * _sv_y * _sv_x end as _sv_wyx{{ number }},
        case when _sv_y is not null and _sv_period = {{ number }} then _sv_w * _sv_x * _sv_x end as _sv_wxx{{ number }},
        {%- endfor %}
        case
            when
                {{ prevalence._is_finite('_sv_w') }}
                and _sv_w > 0
                and {{ prevalence._is_finite('_sv_x') }}
                and (_sv_y is null or {{ prevalence._is_finite('_sv_y') }})
                and _sv_stratum is not null
                {%- if psu is not none %}
                and _sv_psu is not null
                {%- endif %}
                and _sv_pi > 0
                and _sv_pi <= 1
                and _sv_population > 0
                then 0
            else 1
        end as _sv_invalid
    from _sv_source

),

{{ prevalence._sv_members('_sv_values', by, columns) }}
{%- if is_coordinated %}

_sv_ordered_members as (

    -- rows of a PSU from the smallest probability to the largest: a unit that is drawn with the smaller one is drawn
    -- with the larger one, too
    select
        *,
        {%- for name in variables %}
        coalesce(
            sum(_sv_{{ name }}) over (
                partition by {{ (domain + strata + ['_sv_psu']) | join(', ') }}
                order by _sv_f desc
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as _sv_before_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_members

),
{%- endif %}
{%- if psu is not none %}

_sv_psus as (

    select
        {{ (domain + strata + ['_sv_psu']) | join(',\n        ') }},
        {%- for name in counts + sums + variables %}
        sum(_sv_{{ name }}) as _sv_{{ name }},
        {%- endfor %}
        {%- if is_coordinated %}
        {%- for left in variables %}
        {%- for right in variables[loop.index0:] %}
        sum(
            _sv_f * (
                _sv_{{ left }} * _sv_{{ right }}
                + _sv_{{ left }} * _sv_before_{{ right }}
                + _sv_{{ right }} * _sv_before_{{ left }}
            )
        ) as _sv_q{{ left }}{{ right }},
        {%- endfor %}
        {%- endfor %}
        {%- endif %}
        max(_sv_f) as _sv_f,
        min(_sv_population) as _sv_population,
        max(_sv_population) as _sv_population_maximum
    from {{ '_sv_ordered_members' if is_coordinated else '_sv_members' }}
    group by {{ (domain + strata + ['_sv_psu']) | join(', ') }}

),
{%- endif %}

_sv_strata as (

    select
        {{ (domain + strata) | join(',\n        ') }},
        {%- for name in counts + sums + variables %}
        sum(_sv_{{ name }}) as _sv_{{ name }},
        {%- endfor %}
        cast(count(*) as double) as _sv_psus,
        cast(count(_sv_a1) as double) as _sv_domain_psus,
        sum(case when _sv_labeled1 > 0 and _sv_labeled2 > 0 then 1 else 0 end) as _sv_overlap,
        max(_sv_f) as _sv_f,
        min(_sv_population) as _sv_population_minimum,
        max({{ '_sv_population' if psu is none else '_sv_population_maximum' }}) as _sv_population_maximum,
        {%- for left in variables %}
        {%- set outer = loop.index0 %}
        {%- for right in variables[outer:] %}
        {% if is_coordinated -%}
        sum(_sv_q{{ left }}{{ right }})
        {%- elif design == 'poisson' -%}
        sum(_sv_f * _sv_{{ left }} * _sv_{{ right }})
        {%- else -%}
        covar_pop(_sv_{{ left }}, _sv_{{ right }}) * count(_sv_a1)
        {%- endif %} as _sv_m{{ left }}{{ right }}{{ ',' if not (loop.last and outer == 3) }}
        {%- endfor %}
        {%- endfor %}
    from {{ '_sv_members' if psu is none else '_sv_psus' }}
    group by {{ (domain + strata) | join(', ') }}

),

_sv_designs as (

    select
        *,
        max(case when _sv_set = 0 then _sv_psus end) {{ over_stratum }} as _sv_n,
        max(case when _sv_set = 0 then _sv_population_maximum end) {{ over_stratum }} as _sv_n_population,
        min(case when _sv_set = 0 then _sv_population_minimum end) {{ over_stratum }}
            as _sv_n_population_least,
        max(case when _sv_set = 0 then _sv_f end) {{ over_stratum }} as _sv_f_most,
        {%- for number in [1, 2] %}
        {%- if total %}
        cast(0 as double) as _sv_ratio{{ number }},
        {%- else %}
        sum(_sv_a{{ number }}) {{ over_domain }} / nullif(sum(_sv_b{{ number }}) {{ over_domain }}, 0)
            as _sv_ratio{{ number }},
        {%- endif %}
        {%- endfor %}
        case when _sv_domain_psus > 0 then 1 else 0 end as _sv_in_domain
    from _sv_strata

),

_sv_scores as (

    select
        *,
        case
            when _sv_n_population_least = _sv_n_population and _sv_n <= _sv_n_population * (1 + 1e-9) then 0
            else _sv_rows
        end as _sv_population_invalid,
        case
            {%- if is_poisson %}
            when _sv_f_most = 0 then 1
            {%- else %}
            when _sv_n >= _sv_n_population * (1 - 1e-9) then 1
            {%- endif %}
            else 0
        end as _sv_census,
        case when _sv_n_population = cast('infinity' as double) then 1 else 1 - _sv_n / nullif(_sv_n_population, 0) end
            as _sv_unsampled_share,
        {%- for number in [1, 2] %}
        _sv_a{{ number }} - _sv_ratio{{ number }} * _sv_b{{ number }} as _sv_z{{ number }},
        sum(_sv_a{{ number }} - _sv_ratio{{ number }} * _sv_b{{ number }}) {{ over_domain }} as _sv_all_z{{ number }},
        {%- endfor %}
        {%- for left, right in both %}
        _sv_ma{{ left }}a{{ right }}
        - _sv_ratio{{ right }} * _sv_m{{ 'a' ~ left ~ 'b' ~ right }}
        - _sv_ratio{{ left }} * _sv_m{{ 'a1b1' if left == right == 1 else ('a2b2' if left == right else 'b1a2') }}
        + _sv_ratio{{ left }} * _sv_ratio{{ right }} * _sv_mb{{ left }}b{{ right }} as _sv_zz{{ left }}{{ right }},
        {%- endfor %}
        sum(_sv_in_domain * _sv_n) {{ over_domain }} as _sv_all_psus
    from _sv_designs

),

_sv_terms as (

    select
        *,
        {%- for left, right in both %}
        {%- if is_poisson %}
        _sv_zz{{ left }}{{ right }} as _sv_term{{ left }}{{ right }},
        {%- else %}
        case
            when _sv_census = 1 then 0
            when _sv_n > 1
                then
                    _sv_unsampled_share * _sv_n / (_sv_n - 1)
                    * (
                        _sv_zz{{ left }}{{ right }}
                        + _sv_z{{ left }} * _sv_z{{ right }} * (1 / nullif(_sv_domain_psus, 0) - 1 / _sv_n)
                    )
            {%- if lonely_psu == 'adjust' %}
            else
                _sv_unsampled_share * (_sv_z{{ left }} - _sv_all_z{{ left }} / _sv_all_psus)
                * (_sv_z{{ right }} - _sv_all_z{{ right }} / _sv_all_psus)
            {%- elif lonely_psu != 'fail' %}
            else 0
            {%- endif %}
        end as _sv_term{{ left }}{{ right }},
        {%- endif %}
        {%- endfor %}
        case when {{ 'false' if is_poisson else '_sv_n = 1 and _sv_census = 0' }} then 1 else 0 end as _sv_lonely
    from _sv_scores

),

_sv_domains as (

    select
        {{ domain | join(',\n        ') }},
        {%- for name in counts + sums + variables %}
        sum(_sv_{{ name }}) as _sv_{{ name }},
        {%- endfor %}
        sum(_sv_population_invalid) as _sv_population_invalid,
        sum(_sv_domain_psus) as _sv_domain_psus,
        sum(_sv_in_domain) as _sv_domain_strata,
        {%- if degrees_of_freedom == 'satterthwaite' %}
        {%- for number in [1, 2] %}
        cast(sum(case when _sv_period = {{ number }} then _sv_domain_psus - _sv_in_domain end) as double)
            as _sv_df{{ number }},
        {%- endfor %}
        {%- endif %}
        sum(_sv_overlap) as _sv_overlap,
        sum(_sv_in_domain * _sv_lonely) as _sv_lonely_psus,
        min(case when _sv_in_domain = 1 then _sv_census end) as _sv_census,
        max(_sv_ratio1) as _sv_ratio1,
        max(_sv_ratio2) as _sv_ratio2,
        {%- for left, right in both %}
        sum(_sv_in_domain * _sv_term{{ left }}{{ right }}) as _sv_terms{{ left }}{{ right }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_terms
    group by {{ domain | join(', ') }}

),

_sv_covariances as (

    select
        *,
        {%- if lonely_psu == 'average' %}
        _sv_domain_strata / nullif(_sv_domain_strata - _sv_lonely_psus, 0) as _sv_factor,
        {%- elif lonely_psu == 'fail' %}
        case when _sv_lonely_psus = 0 then cast(1 as double) end as _sv_factor,
        {%- else %}
        cast(1 as double) as _sv_factor,
        {%- endif %}
        {%- for number in [1, 2] %}
        {%- if total %}
        _sv_a{{ number }} as _sv_estimate{{ number }},
        cast(1 as double) as _sv_scale{{ number }},
        _sv_wyy{{ number }} - _sv_a{{ number }} * _sv_a{{ number }} / nullif(_sv_w{{ number }}, 0) as _sv_spread{{ number }},
        {%- else %}
        _sv_ratio{{ number }} as _sv_estimate{{ number }},
        nullif(_sv_b{{ number }}, 0) as _sv_scale{{ number }},
        _sv_wyy{{ number }} - 2 * _sv_ratio{{ number }} * _sv_wyx{{ number }}
        + _sv_ratio{{ number }} * _sv_ratio{{ number }} * _sv_wxx{{ number }} as _sv_spread{{ number }},
        {%- endif %}
        {%- endfor %}
        cast(_sv_domain_psus as double) as _sv_pooled_psus
    from _sv_domains

),

_sv_slopes as (

    -- how the change answers to each of the two estimates
    select
        *,
        {% if relative == 'log' -%}
        -1 / nullif(_sv_estimate1, 0) as _sv_slope1,
        1 / nullif(_sv_estimate2, 0) as _sv_slope2,
        case when _sv_estimate1 > 0 and _sv_estimate2 > 0 then ln(_sv_estimate2 / _sv_estimate1) end as _sv_change,
        {%- elif relative -%}
        -_sv_estimate2 / nullif(_sv_estimate1 * _sv_estimate1, 0) as _sv_slope1,
        1 / nullif(_sv_estimate1, 0) as _sv_slope2,
        _sv_estimate2 / nullif(_sv_estimate1, 0) - 1 as _sv_change,
        {%- else -%}
        cast(-1 as double) as _sv_slope1,
        cast(1 as double) as _sv_slope2,
        _sv_estimate2 - _sv_estimate1 as _sv_change,
        {%- endif %}
        {%- for number in [1, 2] %}
        _sv_factor * _sv_terms{{ number }}{{ number }} / (_sv_scale{{ number }} * _sv_scale{{ number }})
            as _sv_variance{{ number }},
        {%- endfor %}
        _sv_factor * _sv_terms12 / (_sv_scale1 * _sv_scale2) as _sv_covariance
    from _sv_covariances

),

_sv_variances as (

    select
        *,
        _sv_slope1 * _sv_slope1 * _sv_variance1 as _sv_part1,
        _sv_slope2 * _sv_slope2 * _sv_variance2 as _sv_part2,
        2 * _sv_slope1 * _sv_slope2 * _sv_covariance as _sv_shared
    from _sv_slopes

),

_sv_moments as (

    select
        {{ domain | join(',\n        ') }},
        _sv_rows,
        _sv_labeled1,
        _sv_labeled2,
        _sv_labeled1 + _sv_labeled2 as _sv_sampled,
        _sv_positive,
        -- a change is no share: its interval is Wald's
        1 as _sv_not_share,
        false as _sv_is_none,
        false as _sv_is_all,
        coalesce(_sv_w1, 0) + coalesce(_sv_w2, 0) as _sv_sum_of_weights,
        cast(null as double) as _sv_a2,
        cast(null as double) as _sv_a4,
        cast(null as double) as _sv_maximum,
        cast(null as double) as _sv_b,
        least(_sv_rows, _sv_invalid + _sv_population_invalid) as _sv_invalid,
        _sv_change as _sv_estimate,
        -- what is below 1e-12 of the parts is rounding
        case
            when _sv_part1 + _sv_shared + _sv_part2 <= 1e-12 * (_sv_part1 + _sv_part2) then 0
            else _sv_part1 + _sv_shared + _sv_part2
        end as _sv_variance,
        _sv_slope1 * _sv_slope1 * _sv_spread1 * _sv_w1 / nullif(_sv_labeled1 - 1, 0) / (_sv_scale1 * _sv_scale1)
        + _sv_slope2 * _sv_slope2 * _sv_spread2 * _sv_w2 / nullif(_sv_labeled2 - 1, 0) / (_sv_scale2 * _sv_scale2)
            as _sv_simple_variance,
        {% if degrees_of_freedom == 'satterthwaite' -%}
        -- a period that does not vary takes no part; one that varies on no degree of freedom leaves none
        case
            when _sv_part1 > 0 and _sv_df1 <= 0 or _sv_part2 > 0 and _sv_df2 <= 0 then 0
            when _sv_part1 + _sv_part2 > 0
                then
                    power(_sv_part1 + _sv_part2, 2) / (
                        coalesce(power(_sv_part1, 2) / nullif(_sv_df1, 0), 0)
                        + coalesce(power(_sv_part2, 2) / nullif(_sv_df2, 0), 0)
                    )
            else _sv_df1 + _sv_df2
        end
        {%- else -%}
        _sv_domain_psus - _sv_domain_strata
        {%- endif %} as _sv_df,
        _sv_lonely_psus,
        _sv_census,
        _sv_estimate1,
        _sv_estimate2,
        _sv_variance1,
        _sv_variance2,
        _sv_covariance,
        _sv_overlap
    from _sv_variances

),

{% set given = "_sv_status not in ('invalid_rows', 'no_sampled_units')" -%}
{{ prevalence._survey_figures(
    by=by,
    total=total,
    interval=interval,
    level=level,
    lonely_psu=lonely_psu,
    zero_positive_bound='clopper_pearson',
    zero_positive_law='with_replacement',
    extra_status={'name': 'no_sampled_units', 'condition': '_sv_labeled1 = 0 or _sv_labeled2 = 0'},
    extra_columns=[
        {'name': 'estimate_from', 'expression': "case when _sv_status <> 'invalid_rows' then _sv_estimate1 end"},
        {'name': 'estimate_to', 'expression': "case when _sv_status <> 'invalid_rows' then _sv_estimate2 end"},
        {'name': 'variance_from', 'expression': 'case when ' ~ given ~ ' then _sv_variance1 end'},
        {'name': 'variance_to', 'expression': 'case when ' ~ given ~ ' then _sv_variance2 end'},
        {'name': 'covariance', 'expression': 'case when ' ~ given ~ ' then _sv_covariance end'},
        {'name': 'overlapping_psus', 'expression': 'cast(_sv_overlap as bigint)'}
    ]
) }}
{%- endmacro %}

{% macro _check_survey_difference(
    y, x, weight, design, stratum, psu, population_psus, inclusion_probability, period, from_period, to_period, relative,
    by, total, level, lonely_psu, independent, degrees_of_freedom, interval
) -%}
    {%- set name = 'survey_difference' -%}
    {%- set required = {'y': y, 'x': x, 'weight': weight, 'period': period} -%}
    {%- for argument, value in required.items() -%}
        {{- prevalence._check_expression(name, argument, value, required=true) -}}
    {%- endfor -%}
    {%- set optional = {
        'stratum': stratum, 'psu': psu, 'population_psus': population_psus, 'inclusion_probability': inclusion_probability
    } -%}
    {%- set takes = {
        'stratified': ['stratum', 'psu', 'population_psus'],
        'pps_with_replacement': ['stratum', 'psu'],
        'poisson': ['stratum', 'inclusion_probability'],
        'coordinated_poisson': ['stratum', 'psu', 'inclusion_probability']
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
    {%- if 'inclusion_probability' in takes[design] and inclusion_probability is none -%}
        {{ prevalence._refuse(name, "design '" ~ design ~ "' requires inclusion_probability; received none") }}
    {%- endif -%}
    {%- if design == 'coordinated_poisson' and psu is none -%}
        {{ prevalence._refuse(name, "design 'coordinated_poisson' requires psu, what has one random number; received none") }}
    {%- endif -%}
    {%- if from_period is none or to_period is none or from_period | string == to_period | string -%}
        {{ prevalence._refuse(
            name, "from_period and to_period must be two values of period; received '" ~ from_period ~ "' and '"
            ~ to_period ~ "'"
        ) }}
    {%- endif -%}
    {%- if relative != 'log' -%}
        {%- if relative is not boolean -%}
            {{ prevalence._refuse(name, "relative must be true, false or 'log'; received '" ~ relative ~ "'") }}
        {%- endif -%}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'independent', independent) -}}
    {{- prevalence._check_choice(name, 'degrees_of_freedom', degrees_of_freedom, ['sum', 'satterthwaite']) -}}
    {%- if degrees_of_freedom == 'satterthwaite' and not independent -%}
        {{ prevalence._refuse(
            name, "degrees_of_freedom 'satterthwaite' belongs to independent=true; received '" ~ independent ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_choice(name, 'interval', interval, ['wald_t', 'wald_z']) -}}
    {{- prevalence._check_boolean(name, 'total', total) -}}
    {{- prevalence._check_level(name, level) -}}
    {{- prevalence._check_choice(
        name, 'lonely_psu', lonely_psu, ['fail', 'remove', 'certainty', 'adjust', 'average']
    ) -}}
    {{- prevalence._check_by(
        name, by,
        prevalence._result_columns() + [
            'estimate_from', 'estimate_to', 'variance_from', 'variance_to', 'covariance', 'overlapping_psus'
        ]
    ) -}}
{%- endmacro %}

{#- A value as an SQL string; one that is quoted already stays as it is. -#}
{% macro _sv_text(value) -%}
    {%- set text = value | string -%}
    {%- if text[0] == "'" and text[-1] == "'" and text | length > 1 -%}
    {{ return(text) }}
    {%- else -%}
    {{ return("'" ~ text | replace("'", "''") ~ "'") }}
    {%- endif -%}
{%- endmacro %}
