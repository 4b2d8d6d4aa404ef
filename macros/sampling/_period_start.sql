{#- First and last day of the period that a day lies in. Rolling periods are not cut by their first day: est_period_days makes them
from their last. -#}

{#- First day of the period.

Arguments:
    day: a date.
    periods: name of the relation or alias with the columns of the seed `periods`, and `anchor_date`, a day on which a block
        begins where that is recorded.
-#}
{% macro _period_start(day, periods='periods') -%}
    {%- set anchor -%}
    case {{ periods }}.anchored_to when 'week_start' then {{ prevalence._week_anchor() }} else {{ periods }}.anchor_date end
    {%- endset -%}
    case
        when {{ periods }}.cut = 'calendar' then {{ prevalence._calendar_start(day, periods) }}
        else {{ prevalence._add_days(
            anchor,
            periods ~ '.days * floor(' ~ prevalence._days_between(anchor, day) ~ ' / cast(' ~ periods ~ '.days as double))'
        ) }}
    end
{%- endmacro %}

{#- Last day of the period that begins on a day. As many days on as a month, quarter or year has at most is always a day of the
next one. -#}
{% macro _period_end(period_start, periods='periods') -%}
    case
        when {{ periods }}.cut = 'calendar'
            then {{ prevalence._add_days(
                prevalence._calendar_start(prevalence._add_days(period_start, periods ~ '.days'), periods), '-1'
            ) }}
        else {{ prevalence._add_days(period_start, periods ~ '.days - 1') }}
    end
{%- endmacro %}

{% macro _calendar_start(day, periods) -%}
    cast(
        case {{ periods }}.anchored_to
            when 'month' then date_trunc('month', {{ day }})
            when 'quarter' then date_trunc('quarter', {{ day }})
            when 'year' then date_trunc('year', {{ day }})
        end as date
    )
{%- endmacro %}

{#- A day on which a week begins: the first one of the calendar that engines count days by. -#}
{% macro _week_anchor() -%}
    {%- set weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] -%}
    {%- set first = var('week_starts_on') | string | lower -%}
    {%- if first not in weekdays -%}
        {{ exceptions.raise_compiler_error(
            "var week_starts_on is " ~ var('week_starts_on') ~ ". Remedy: one of " ~ weekdays | join(', ') ~ "."
        ) }}
    {%- endif -%}
    cast('1970-01-{{ '%02d' % (5 + weekdays.index(first)) }}' as date)
{%- endmacro %}
