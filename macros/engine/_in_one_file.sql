{#- A hint right after the last `select` of a model that appends: its rows are written as one file.

Spark has no transaction on Parquet. One file appears by one rename, so a run that is killed while it appends has appended
all or nothing; that keeps a draw whole. What is appended is drawn units and what was asked and answered about them, never
the logs. DuckDB appends in a transaction.
-#}
{% macro _in_one_file() -%}
    {{ return(adapter.dispatch('_in_one_file', 'prevalence')()) }}
{%- endmacro %}

{% macro default___in_one_file() -%}{{ prevalence._refuse_engine('_in_one_file') }}{%- endmacro %}

{% macro duckdb___in_one_file() -%}{%- endmacro %}

{% macro spark___in_one_file() -%}
/*+ repartition(1) */
{%- endmacro %}
