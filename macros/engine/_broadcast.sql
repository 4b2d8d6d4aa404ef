{#- A hint, to stand right after SELECT, that the named relation of a join is small and goes to every task.

Without it Spark may move the large side instead, to as many tasks as the join has keys: all units of a plan's day to
one. DuckDB builds its hash table from the smaller side anyway, and gets a comment.

Arguments:
    relations: names or aliases, within the same SELECT, of relations with a row per group and not per unit.
-#}
{% macro _broadcast(relations) -%}
    {{ return(adapter.dispatch('_broadcast', 'prevalence')(relations)) }}
{%- endmacro %}

{% macro default___broadcast(relations) -%}{{ prevalence._refuse_engine('_broadcast') }}{%- endmacro %}

{% macro duckdb___broadcast(relations) -%}
    /* small: {{ relations | join(', ') }} */
{%- endmacro %}

{% macro spark___broadcast(relations) -%}
    /*+ broadcast({{ relations | join(', ') }}) */
{%- endmacro %}
