{#- CTEs _sv_source and _sv_values, made of the relation: the arguments' values in each row, and what it adds to the
sums of each replicate, with _sv_invalid for one that cannot be used.

`spec`: _survey_replicate_spec.sql
-#}
{% macro _survey_replicate_rows(spec) -%}
_sv_source as (

    select
        {{- prevalence._sv_row_values(spec.columns, spec.y, spec.x, spec.weight) }}
        {%- for expression in spec.replicate_weights %}
        cast(({{ expression }}) as double) as _sv_r{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ spec.relation }}

),

_sv_values as (

    -- a row without y is outside the domain of labeled units: it is counted, and adds to no sum
    select
        {%- for column in spec.columns %}
        _sv_value_{{ loop.index }},
        {%- endfor %}
        {%- for number in spec.used %}
        _sv_r{{ number }} * _sv_y as _sv_a_{{ number }},
        {%- if not spec.total %}
        case when _sv_y is not null then _sv_r{{ number }} * _sv_x end as _sv_b_{{ number }},
        {%- endif %}
        {%- endfor %}
        {%- if spec.degrees_of_freedom is none %}
        {%- set factors = [] %}
        {%- for number in spec.replicates %}
        {%- do factors.append('round(_sv_r' ~ number ~ ' / nullif(_sv_w, 0), 6)') %}
        {%- endfor %}
        {{ prevalence._array(factors) | trim }} as _sv_pattern,
        {%- endif %}
        _sv_w * _sv_y as _sv_a,
        case when _sv_y is not null then _sv_w * _sv_x end as _sv_b,
        case when _sv_y is not null then _sv_w end as _sv_w,
        _sv_w * _sv_y * _sv_y as _sv_wyy,
        _sv_w * _sv_y * _sv_x as _sv_wyx,
        case when _sv_y is not null then _sv_w * _sv_x * _sv_x end as _sv_wxx,
        case when _sv_y > 0 then power(_sv_w * _sv_y, 2) end as _sv_a2,
        case when _sv_y > 0 then power(_sv_w * _sv_y, 4) end as _sv_a4,
        case when _sv_y is not null then 1 else 0 end as _sv_labeled,
        case when _sv_y > 0 then 1 else 0 end as _sv_positive,
        case when _sv_y < _sv_x then 1 else 0 end as _sv_below,
        case when _sv_y < 0 or _sv_y > _sv_x then 1 else 0 end as _sv_not_share,
        {{ prevalence._sv_row_check(spec.needs) }}
    from _sv_source

),
{%- endmacro %}
