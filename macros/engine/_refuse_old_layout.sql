{#- Stops dbt before it writes to a warehouse of the layout before draws had a schema of their own: they would be drawn again beside
those that are there (prevalence/migration). -#}
{% macro _refuse_old_layout() -%}
    {%- if execute and flags.WHICH in ['run', 'build', 'seed', 'test'] -%}
        {%- set drawn = adapter.get_relation(database=target.database, schema='frames', identifier='draw_units') -%}
        {%- if drawn is not none -%}
            {{ exceptions.raise_compiler_error(
                'This warehouse has the layout of an earlier version: its draws are in frames.draw_units. Remedy: '
                ~ '`prevalence migrate`, which moves them and changes none; then the same command again.'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
