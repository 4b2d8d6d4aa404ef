{#- CTEs _sv_source and _sv_values, made of the relation: the arguments' values in each row of the two periods, and what
it adds to the sums of either, with _sv_invalid for one that cannot be used.

`spec`: _survey_difference_spec.sql
-#}
{% macro _survey_difference_rows(spec) -%}
_sv_source as (

    select
        {{- prevalence._sv_row_values(spec.columns, spec.y, spec.x, spec.weight) }}
        {{ spec.stratum if spec.stratum is not none else 'cast(0 as bigint)' }} as _sv_stratum,
        {%- if spec.psu is not none %}
        {{ spec.psu }} as _sv_psu,
        {%- endif %}
        {{- prevalence._sv_row_design(spec.inclusion_probability, spec.population_psus) }}
        case cast(({{ spec.period }}) as string) when {{ spec.periods[0] }} then 1 else 2 end as _sv_period
    from {{ spec.relation }}
    where cast(({{ spec.period }}) as string) in ({{ spec.periods | join(', ') }})

),

_sv_values as (

    select
        {%- for column in spec.columns %}
        _sv_value_{{ loop.index }},
        {%- endfor %}
        {%- for key in spec.strata %}
        {{ key }},
        {%- endfor %}
        {%- if spec.psu is not none %}
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
        {{ prevalence._sv_row_check(spec.needs) }}
    from _sv_source

),
{%- endmacro %}
