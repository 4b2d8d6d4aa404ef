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
        case when {{ prevalence._sv_is_period(spec.period, spec.periods[0]) }} then 1 else 2 end as _sv_period
    from {{ spec.relation }}
    where
        {{ prevalence._sv_is_period(spec.period, spec.periods[0]) }}
        or {{ prevalence._sv_is_period(spec.period, spec.periods[1]) }}

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

{#- The condition that a row's period is the one that `text`, an SQL string, names.

Text is compared as text. A time and a number are written in more than one way ('2026-10-05' is midnight, 0 is 0.0), so
these are compared as what they are; what cannot be read as such is no period, and no error.
-#}
{% macro _sv_is_period(period, text) -%}
    {%- set as_text = 'cast((' ~ period ~ ') as string)' -%}
    {%- set type = 'upper(typeof(' ~ period ~ '))' -%}
    {#- a date has one way of being written, which needs no second look -#}
    {%- set is_plain_date = modules.re.match("^'[0-9]{4}-[0-9]{2}-[0-9]{2}'$", text) is not none -%}
(
            {{ as_text }} = {{ text }}
            or case
                when {{ type }} like '%CHAR%' or {{ type }} = 'STRING' then false
                {%- if is_plain_date %}
                when {{ type }} = 'DATE' then false
                {%- endif %}
                when {{ type }} = 'DATE' or {{ type }} like 'TIMESTAMP%'
                    then try_cast({{ as_text }} as timestamp) = try_cast({{ text }} as timestamp)
                when {{ type }} = 'BOOLEAN' then {{ as_text }} = lower({{ text }})
                -- as doubles, which numbers of more than 15 digits share with their neighbours
                when abs(try_cast({{ text }} as double)) < 1e15
                    then try_cast({{ as_text }} as double) = try_cast({{ text }} as double)
                else try_cast({{ as_text }} as decimal(38, 0)) = try_cast({{ text }} as decimal(38, 0))
            end
        )
{%- endmacro %}
