{#- CTEs _sv_domains to _sv_moments, made of _sv_terms: strata added up to domains, and the change between the
periods, in the names that _survey_figures works on.

`spec`: _survey_difference_spec.sql
-#}
{% macro _survey_difference_moments(spec) -%}
_sv_found_domains as (

    select
        {{ spec.domain | join(',\n        ') }},
        {%- for name in spec.counts + spec.sums + spec.variables %}
        sum(_sv_{{ name }}) as _sv_{{ name }},
        {%- endfor %}
        sum(_sv_population_invalid) as _sv_population_invalid,
        sum(_sv_domain_psus) as _sv_domain_psus,
        sum(_sv_in_domain) as _sv_domain_strata,
        {%- if spec.degrees_of_freedom == 'satterthwaite' %}
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
        {%- for left, right in spec.both %}
        sum(_sv_in_domain * _sv_term{{ left }}{{ right }}) as _sv_terms{{ left }}{{ right }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_terms
    group by {{ spec.domain | join(', ') }}

),

_sv_domains as (

    -- where neither period has a row there is still the row of all, which says so
    select
        coalesce(_sv_found_domains._sv_set, _sv_all._sv_no_set) as _sv_set,
        {%- for name in spec.domain[1:] %}
        _sv_found_domains.{{ name }},
        {%- endfor %}
        {%- for name in spec.counts + ['population_invalid', 'domain_psus', 'domain_strata', 'overlap', 'lonely_psus'] %}
        coalesce(_sv_found_domains._sv_{{ name }}, 0) as _sv_{{ name }},
        {%- endfor %}
        {%- for name in spec.sums + spec.variables + (
            ['df1', 'df2'] if spec.degrees_of_freedom == 'satterthwaite' else []
        ) + ['census', 'ratio1', 'ratio2'] %}
        _sv_found_domains._sv_{{ name }},
        {%- endfor %}
        {%- for left, right in spec.both %}
        _sv_found_domains._sv_terms{{ left }}{{ right }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_found_domains
    full join (select cast(0 as bigint) as _sv_no_set) as _sv_all
        on _sv_found_domains._sv_set = _sv_all._sv_no_set

),

_sv_covariances as (

    select
        *,
        {%- if spec.lonely_psu == 'average' %}
        _sv_domain_strata / nullif(_sv_domain_strata - _sv_lonely_psus, 0) as _sv_factor,
        {%- elif spec.lonely_psu == 'fail' %}
        case when _sv_lonely_psus = 0 then cast(1 as double) end as _sv_factor,
        {%- else %}
        cast(1 as double) as _sv_factor,
        {%- endif %}
        {%- for number in [1, 2] %}
        {%- if spec.total %}
        _sv_a{{ number }} as _sv_estimate{{ number }},
        cast(1 as double) as _sv_scale{{ number }},
        _sv_wyy{{ number }} - _sv_a{{ number }} * _sv_a{{ number }} / nullif(_sv_w{{ number }}, 0)
            as _sv_spread{{ number }},
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
        {% if spec.relative == 'log' -%}
        -1 / nullif(_sv_estimate1, 0) as _sv_slope1,
        1 / nullif(_sv_estimate2, 0) as _sv_slope2,
        case when _sv_estimate1 > 0 and _sv_estimate2 > 0 then ln(_sv_estimate2 / _sv_estimate1) end as _sv_change,
        {%- elif spec.relative -%}
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
        {{ spec.domain | join(',\n        ') }},
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
        {% if spec.degrees_of_freedom == 'satterthwaite' -%}
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
{%- endmacro %}
