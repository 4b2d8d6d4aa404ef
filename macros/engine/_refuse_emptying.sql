{#- Stops `--empty` before it writes to a warehouse in which something has been drawn: all that a run makes anew, marts among it, would
have no rows until the next run. -#}
{% macro _refuse_emptying() -%}
    {%- if execute and flags.EMPTY and flags.WHICH in ['run', 'build', 'seed'] -%}
        {%- set records = adapter.get_relation(database=target.database, schema='draws', identifier='draw_records') -%}
        {%- if records is not none and run_query('select 1 from ' ~ records ~ ' limit 1').rows | length > 0 -%}
            {{ exceptions.raise_compiler_error(
                '--empty builds each table that is not for ever without rows, and this warehouse holds draws: its marts would be '
                ~ 'empty until the next run. Nothing was built. Remedy: leave --empty out; or, to see whether the models build, name a '
                ~ 'new file by PREVALENCE_DUCKDB_PATH (on Spark: another database).'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
