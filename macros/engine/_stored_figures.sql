{#- The table of a model as it was stored by the run before, from which what has not changed is taken over; none where everything is
computed: at first, with --full-refresh, where the table has not got the column, in unit tests, and on Spark, which drops a table of
Parquet before it writes the next one.

Arguments:
    name: of the model; it lies in the schema of the model that asks.
    column: name of a column of that table.
-#}
{% macro _stored_figures(name, column='inputs_fingerprint') -%}
    {{ return(adapter.dispatch('_stored_figures', 'prevalence')(name, column)) }}
{%- endmacro %}

{% macro default___stored_figures(name, column) -%}{{ prevalence._refuse_engine('_stored_figures') }}{%- endmacro %}

{% macro duckdb___stored_figures(name, column) -%}
    {%- if not execute or not flags.INTROSPECT or flags.FULL_REFRESH or model.resource_type != 'model' -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set stored = adapter.get_relation(this.database, this.schema, name) -%}
    {%- if not stored or column not in adapter.get_columns_in_relation(stored) | map(attribute='name') -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(stored) }}
{%- endmacro %}

{% macro spark___stored_figures(name, column) -%}{{ return(none) }}{%- endmacro %}
