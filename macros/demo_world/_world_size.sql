{#- The sizes and dates of the demo world, as numbers for Jinja.

Users and contents grow with the interactions unless they are given. With replicated days every day is a world of its own, with
its own users and contents: a day of so many requests then has many more contents per request than four weeks have.
-#}
{% macro _world_size() -%}
    {%- set day_format = '%Y-%m-%d' -%}
    {%- set first = modules.datetime.datetime.strptime(var('period_start_date') | string, day_format) -%}
    {%- set end = modules.datetime.datetime.strptime(var('period_end_date') | string, day_format) -%}
    {%- set days = (end - first).days -%}
    {%- set requests = var('demo_world_interactions') | int -%}
    {%- if days < 1 or requests < days -%}
        {{ exceptions.raise_compiler_error(
            "the demo world needs at least one day and one interaction a day; it was given " ~ days ~ " days and "
            ~ requests ~ " interactions"
        ) }}
    {%- endif -%}
    {%- set is_replicated = var('demo_world_replicate_days') | as_bool -%}
    {%- set worlds = days if is_replicated else 1 -%}
    {%- set users = var('demo_world_users') or (requests // 2 if is_replicated else requests // 10) -%}
    {%- set contents = var('demo_world_contents') or (requests * 2 if is_replicated else requests // 2) -%}
    {{ return({
        'days': days,
        'first_weekday': first.weekday(),
        'requests': requests,
        'is_replicated': is_replicated,
        'users_per_world': [20, (users | int) // worlds] | max,
        'contents': contents | int,
        'oldest_cohort': 60,
        'switch_day': days // 2,
        'step_day': 14,
    }) }}
{%- endmacro %}
