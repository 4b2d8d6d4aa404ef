{#- The rows of a relation once per grouping set, and what is said of grouping sets elsewhere. -#}

{#- Internal names of the `by` columns. -#}
{% macro _sv_keys(columns) -%}
    {%- set keys = [] -%}
    {%- for column in columns -%}
        {%- do keys.append('_sv_by_' ~ loop.index) -%}
    {%- endfor -%}
    {{ return(keys) }}
{%- endmacro %}

{#- The numbers of the grouping sets that a column is in. -#}
{% macro _sv_sets_of(column, by) -%}
    {%- set sets = [] -%}
    {%- for grouping_set in by if column in grouping_set -%}
        {%- do sets.append(by.index(grouping_set) + 1) -%}
    {%- endfor -%}
    {{ return(sets | join(', ')) }}
{%- endmacro %}

{#- The CTEs _sv_sets and _sv_members: each row of `relation` once per grouping set, with the set's number and its
columns alone.

Set 0 is the one without columns, which is the design's, and always there; the others are numbered as in `by`, from 1.
Written as a cross join since that is what `grouping sets` does, and linters of one of the engines cannot read those.
-#}
{% macro _sv_members(relation, by, columns) -%}
_sv_sets as (

    select cast(0 as bigint) as _sv_set
    {%- for grouping_set in by %}
    {%- if grouping_set %}
    union all
    select cast({{ loop.index }} as bigint) as _sv_set
    {%- endif %}
    {%- endfor %}

),

_sv_members as (

    select
        {{ relation }}.*,
        _sv_sets._sv_set
        {%- for column in columns %},
        case
            when _sv_sets._sv_set in ({{ prevalence._sv_sets_of(column, by) }})
                then {{ relation }}._sv_value_{{ loop.index }}
        end as _sv_by_{{ loop.index }}
        {%- endfor %}
    from {{ relation }}
    cross join _sv_sets

),
{%- endmacro %}

{#- Whether a row of _sv_fitted, where every domain has every row, belongs to the domain that its `by` columns name. -#}
{% macro _sv_is_member(by, columns) -%}
    {%- if not columns -%}
    true
    {%- else -%}
    (
        {%- for column in columns %}
        {{ 'and ' if not loop.first }}(
            _sv_fitted._sv_set not in ({{ prevalence._sv_sets_of(column, by) }})
            or _sv_fitted._sv_value_{{ loop.index }} is not distinct from _sv_fitted._sv_by_{{ loop.index }}
        )
        {%- endfor %}
    )
    {%- endif -%}
{%- endmacro %}

{#- The condition that two relations of a join agree in all of the columns, where null agrees with null. -#}
{% macro _sv_same(columns, left, right) -%}
    {%- for column in columns -%}
    {{ ' and ' if not loop.first }}{{ left }}.{{ column }} is not distinct from {{ right }}.{{ column }}
    {%- endfor -%}
{%- endmacro %}

{#- The column grouping_set: the columns of the row's set, or overall. -#}
{% macro _sv_grouping_set(by) -%}
    {%- if by | select | list -%}
    case
            {%- for grouping_set in by %}
            {%- if grouping_set %}
            when _sv_set = {{ loop.index }} then '{{ grouping_set | join(',') }}'
            {%- endif %}
            {%- endfor %}
            else 'overall'
        end
    {%- else -%}
    'overall'
    {%- endif -%}
{%- endmacro %}
