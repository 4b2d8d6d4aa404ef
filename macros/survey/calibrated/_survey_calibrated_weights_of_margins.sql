{#- CTEs _sv_totals_<i> to _sv_calibrated, made of _sv_rows and the totals of the margins: weights of
post-stratification, or raking, from the table of cells alone. _sv_wg is the calibrated weight.

`spec`: _survey_calibrated_spec.sql
-#}
{% macro _survey_calibrated_weights_of_margins(spec) -%}
{%- for margin in spec.margins %}

_sv_totals_{{ loop.index }} as (

    select
        {{ prevalence._sv_margin_key(margin['columns']) }} as _sv_margin,
        cast({{ margin.get('total', 'total') }} as double) as _sv_total
    from {{ margin['totals'] }}

),
{%- endfor %}

_sv_cell_weights as (

    select
        {{ spec.names | join(',\n        ') }},
        row_number() over (order by {{ spec.names | join(', ') }}) as _sv_cell,
        sum(_sv_w) as _sv_cell_weight,
        {{ 'cast(count(*) as double)' if spec.method == 'raking' else 'sum(_sv_w)' }} as _sv_regression_weight
    from _sv_rows
    group by {{ spec.names | join(', ') }}

),

_sv_cells as (

    select
        _sv_cell_weights.*,
        {%- for name in spec.names %}
        dense_rank() over (order by _sv_cell_weights.{{ name }}) as _sv_category_{{ loop.index }},
        _sv_totals_{{ loop.index }}._sv_total as _sv_total_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_cell_weights
    {%- for name in spec.names %}
    left join _sv_totals_{{ loop.index }}
        on _sv_cell_weights.{{ name }} = _sv_totals_{{ loop.index }}._sv_margin
    {%- endfor %}

),

_sv_margin_sums as (
    {% for name in spec.names %}
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
        {%- for name in spec.names %}
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
                when
                    {%- for name in spec.names %}
                    {{ 'and ' if not loop.first }}_sv_cells._sv_total_{{ loop.index }} > 0
                    {%- endfor %}
                    then 0
                else 1
            end
        ) over ()
        {%- for name in spec.names %}
        + case
            when
                max(_sv_cells._sv_category_{{ loop.index }}) over ()
                = _sv_margin_checks._sv_categories_{{ loop.index }}
                then 0
            else 1
        end
        {%- endfor %} as _sv_problems
        {%- if spec.method == 'raking' %},
        array_agg({{ prevalence._sv_cell_items(spec.names) }}) over () as _sv_list
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
                    {% if spec.method == 'raking' -%}
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
            {% for name in spec.names -%}
            {{ 'and ' if not loop.first }}_sv_rows.{{ name }} = _sv_cell_factors.{{ name }}
            {% endfor %}

),
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
