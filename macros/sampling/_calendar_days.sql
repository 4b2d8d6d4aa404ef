{#- Every day of the measured period, as rows of one date column `calendar_date`.

Written out as literals, so that it needs no engine's series function and a day without rows is still a row.
-#}
{% macro _calendar_days() -%}
    {%- set first = modules.datetime.date.fromisoformat(var('period_start_date')) -%}
    {%- set end = modules.datetime.date.fromisoformat(var('period_end_date')) -%}
    {%- for number in range((end - first).days) -%}
        {{ 'union all ' if not loop.first }}select cast('{{ first + modules.datetime.timedelta(days=number) }}' as date) as calendar_date
        {% endfor -%}
{%- endmacro %}
