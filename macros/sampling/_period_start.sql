{#- First day of the period that a day lies in: periods of one length follow each other from the day on which one begins.

Arguments:
    day: a date.
    periods: name of the relation or alias with the columns of the seed `periods`.
-#}
{% macro _period_start(day, periods='periods') -%}
    {%- set anchor -%}
    case {{ periods }}.anchored_to
            -- the first Monday of the calendar that engines count days by
            when 'monday' then cast('1970-01-05' as date)
            {% if var('period_start_date') -%}
            else cast('{{ var('period_start_date') }}' as date)
            {%- else -%}
            else (select min(unit_date) from {{ ref('stg_measured_days') }})
            {%- endif %}
        end
    {%- endset -%}
    {{ prevalence._add_days(
        anchor,
        periods ~ '.days * floor(' ~ prevalence._days_between(anchor, day) ~ ' / cast(' ~ periods ~ '.days as double))'
    ) }}
{%- endmacro %}
