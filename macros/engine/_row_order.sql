{#- The order in which a table's rows are stored, after the last SELECT of a model whose rows are summed further down.

On DuckDB with one thread a later sum of doubles follows it, so the last digit is the same in every run. On Spark rows are
summed by partitions whatever their order was, and a sort of the whole table would be paid for nothing.

Arguments:
    columns: list of column names.
-#}
{% macro _row_order(columns) -%}
    {{ return(adapter.dispatch('_row_order', 'prevalence')(columns)) }}
{%- endmacro %}

{% macro default___row_order(columns) -%}{{ prevalence._refuse_engine('_row_order') }}{%- endmacro %}

{% macro duckdb___row_order(columns) -%}
order by {{ columns | join(', ') }}
{%- endmacro %}

{% macro spark___row_order(columns) -%}{%- endmacro %}
