{#- Seals: what is stored for ever is compared with what was recorded of it, a part of it each time (docs/for-ever.md). -#}

{#- Whether a day is looked at: the newest always, of the older ones those whose turn it is. No clock: the last day says whose. -#}
{% macro _is_sealed_day(day, last_day) -%}
    (
            {{ prevalence._days_between(day, last_day) }} < {{ var('seal_days') }}
            or {{ prevalence._days_between(day, last_day) }} % {{ var('seal_turns') }} = 0
        )
{%- endmacro %}

{#- Whether nobody has taken down that rows are as they are for a reason (`prevalence accept`). The relation has table_name, plan_id,
sample_date and found, and may have policy_id. -#}
{% macro _is_not_accepted(relation) -%}
    not exists (
            select 1
            from {{ source('quality', 'accepted_changes') }} as accepted_changes
            where
                accepted_changes.table_name = {{ relation }}.table_name
                and accepted_changes.plan_id = {{ relation }}.plan_id
                and accepted_changes.sample_date = {{ relation }}.sample_date
                and accepted_changes.found = {{ relation }}.found
        )
{%- endmacro %}

{#- The key of a row as one text that a person reads. -#}
{% macro _row_name(columns) -%}
    {%- for column in columns -%}
    {{ " || ' ' || " if not loop.first }}cast({{ column }} as string)
    {%- endfor -%}
{%- endmacro %}
