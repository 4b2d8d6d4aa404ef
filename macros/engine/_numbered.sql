{#- A SELECT with as many rows for each row of a relation as a column says, numbered from 1; none where it is 0 or null.

Arguments:
    relation: name of a relation or CTE.
    count_column: whole number per row.
    columns: list of columns to return, beside `_number` (bigint).
-#}
{% macro _numbered(relation, count_column, columns) -%}
    {{ return(adapter.dispatch('_numbered', 'prevalence')(relation, count_column, columns)) }}
{%- endmacro %}

{% macro default___numbered(relation, count_column, columns) -%}{{ prevalence._refuse_engine('_numbered') }}{%- endmacro %}

{% macro duckdb___numbered(relation, count_column, columns) -%}
    select
        {{ columns | join(', ') }},
        unnest(range(1, {{ count_column }} + 1)) as _number
    from {{ relation }}
    where {{ count_column }} > 0
{%- endmacro %}

{#- a sequence to 0 would count down; the condition is also checked within, as engines may move it -#}
{% macro spark___numbered(relation, count_column, columns) -%}
    select
        {{ columns | join(', ') }},
        explode(sequence(cast(1 as bigint), greatest(cast({{ count_column }} as bigint), cast(1 as bigint)))) as _number
    from {{ relation }}
    where {{ count_column }} > 0
{%- endmacro %}
