{#- Stops dbt before it writes to a warehouse of an earlier layout (prevalence/migration): before draws had a schema of their own they
would be drawn again beside those that are there, and before draw_policies all days would be asked about today's policies. -#}
{% macro _refuse_old_layout() -%}
    {%- if execute and flags.WHICH in ['run', 'build', 'seed', 'test'] -%}
        {%- set drawn = adapter.get_relation(database=target.database, schema='frames', identifier='draw_units') -%}
        {%- if drawn is not none -%}
            {{ exceptions.raise_compiler_error(
                'This warehouse has the layout of an earlier version: its draws are in frames.draw_units. Remedy: '
                ~ '`prevalence migrate`, which moves them and changes none; then the same command again.'
            ) }}
        {%- endif -%}
        {%- set asked = adapter.get_relation(
            database=target.database, schema='labels', identifier='label_possible_assignments'
        ) -%}
        {%- set policies = adapter.get_relation(database=target.database, schema='draws', identifier='draw_policies') -%}
        {#- landing makes an empty one where it finds none -#}
        {%- if asked is not none and (
            policies is none
            or (
                run_query('select 1 from ' ~ policies ~ ' limit 1').rows | length == 0
                and run_query('select 1 from ' ~ asked ~ ' limit 1').rows | length > 0
            )
        ) -%}
            {{ exceptions.raise_compiler_error(
                'This warehouse has the layout of an earlier version: draws.draw_policies is not there, which says what each drawn '
                ~ 'day is asked about. Remedy: `prevalence migrate`, which records it from what was asked; then the same command '
                ~ 'again.'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
