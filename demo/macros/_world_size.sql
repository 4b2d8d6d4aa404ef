{#- The sizes and dates of the demo world, as numbers for Jinja.

Users and contents grow with the interactions unless they are given. `demo_world_days_per_world` cuts the period into worlds of
so many days, each with users and contents of its own: many seeds in one build. A world of a single day has many more contents per
request than four weeks have; one of several days has as many.
-#}
{% macro _world_size() -%}
    {%- set day_format = '%Y-%m-%d' -%}
    {%- set first = modules.datetime.datetime.strptime(var('demo_world_start_date') | string, day_format) -%}
    {%- set end = modules.datetime.datetime.strptime(var('demo_world_end_date') | string, day_format) -%}
    {%- set days = (end - first).days -%}
    {%- set requests = var('demo_world_interactions') | int -%}
    {%- if days < 1 or requests < days -%}
        {{ exceptions.raise_compiler_error(
            "the demo world needs at least one day and one interaction a day; it was given " ~ days ~ " days and "
            ~ requests ~ " interactions"
        ) }}
    {%- endif -%}
    {%- set is_replicated = var('demo_world_days_per_world') is not none -%}
    {%- set days_per_world = (var('demo_world_days_per_world') if is_replicated else days) | int -%}
    {%- if days_per_world < 1 or days % days_per_world -%}
        {{ exceptions.raise_compiler_error(
            "demo_world_days_per_world is " ~ days_per_world ~ ", and the demo world's " ~ days
            ~ " days are no whole number of such worlds"
        ) }}
    {%- endif -%}
    {%- set worlds = days // days_per_world -%}
    {%- set users = var('demo_world_users') or (requests // 2 if days_per_world == 1 else requests // 10) -%}
    {%- set contents = var('demo_world_contents') or (requests * 2 if days_per_world == 1 else requests // 2) -%}
    {{ return({
        'days': days,
        'first_weekday': first.weekday(),
        'requests': requests,
        'is_replicated': is_replicated,
        'worlds': worlds,
        'days_per_world': days_per_world,
        'users_per_world': [20, (users | int) // worlds] | max,
        'contents': contents | int,
        'largest_cohort': (contents | int) // (worlds if is_replicated else days) + 1,
        'oldest_cohort': 60,
        'switch_day': days // 2,
        'step_day': 14,
    }) }}
{%- endmacro %}
