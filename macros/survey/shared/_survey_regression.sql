{#- Steps of a linear regression on auxiliaries: sums that SQL takes, and the Python function linear_solution over them.
Names of the auxiliaries' columns are `names`. -#}

{#- Columns _sv_xx_<i>_<j>: weighted sums of the products of auxiliaries. -#}
{% macro _sv_auxiliary_products(names, weight) -%}
        {%- for left in names %}
        {%- set outer = loop.index %}
        {%- for right in names %}
        sum({{ weight }} * {{ left }} * {{ right }}) as _sv_xx_{{ outer }}_{{ loop.index }},
        {%- endfor %}
        {%- endfor %}
{%- endmacro %}

{#- The matrix of these columns. -#}
{% macro _sv_auxiliary_matrix(names) -%}
    {%- set rows = [] -%}
    {%- for left in names -%}
        {%- set outer = loop.index -%}
        {%- set items = [] -%}
        {%- for right in names -%}
            {%- do items.append('_sv_xx_' ~ outer ~ '_' ~ loop.index) -%}
        {%- endfor -%}
        {%- do rows.append(prevalence._array(items)) -%}
    {%- endfor -%}
    {{ return(prevalence._array(rows)) }}
{%- endmacro %}

{#- The CTE _sv_slopes, made of _sv_cross_sums and _sv_multipliers: the slopes of each domain's residual. -#}
{% macro _sv_slopes(names, columns) -%}
_sv_slopes as (

    select
        {{ prevalence._columns_of('_sv_cross_sums', columns) }},
        {%- set cross = [] %}
        {%- for name in names %}
        {%- do cross.append('_sv_cross_sums._sv_xu_' ~ loop.index) %}
        {%- endfor %}
        {%- for name in names %}
        linear_solution(cast({{ loop.index }} as double), _sv_multipliers._sv_matrix, {{ prevalence._array(cross) }})
            as _sv_slope_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_cross_sums
    cross join _sv_multipliers

),
{%- endmacro %}
