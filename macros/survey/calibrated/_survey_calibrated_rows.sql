{#- CTEs _sv_source and _sv_rows, made of the relation: the arguments' values in each row, with _sv_invalid for one that
cannot be used.

`spec`: _survey_calibrated_spec.sql
-#}
{% macro _survey_calibrated_rows(spec) -%}
_sv_source as (

    select
        {{- prevalence._sv_row_values(spec.columns, spec.y, spec.x, spec.weight) }}
        {{ spec.stratum if spec.stratum is not none else 'cast(0 as bigint)' }} as _sv_stratum,
        {{ spec.psu if spec.psu is not none else 'cast(0 as bigint)' }} as _sv_psu,
        {{- prevalence._sv_row_design(spec.inclusion_probability, spec.population_psus) }}
        {%- if spec.with_margins %}
        {%- for margin in spec.margins %}
        {{ prevalence._sv_margin_key(margin['columns']) }} as {{ spec.names[loop.index0] }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- else %}
        {%- for expression in spec.auxiliaries %}
        cast(({{ expression }}) as double) as {{ spec.names[loop.index0] }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- endif %}
    from {{ spec.relation }}

),

_sv_rows as (

    select
        *,
        {{ prevalence._sv_row_check(spec.needs) }}
    from _sv_source

),
{%- endmacro %}
