{#- Times and what a clock in the zone shows then, by the rules that are installed with dbt (pytz): the first second of each year
from 2018 to 2029, and of each change the last one before and the first one after it. A list of pairs of texts; when dbt only parses, one
pair. -#}
{% macro _clock_changes(time_zone) -%}
    {%- set zone = modules.pytz.timezone(time_zone) -%}
    {%- set second = modules.datetime.timedelta(seconds=1) -%}
    {%- set found = [] -%}
    {%- set before = namespace(time=none, offset=none) -%}
    {%- for month in range(144 if execute else 1) -%}
        {%- for day in [1, 16] -%}
            {%- set time = modules.datetime.datetime(2018 + month // 12, 1 + month % 12, day) -%}
            {%- set offset = zone.fromutc(time).utcoffset() -%}
            {%- if before.time is not none and offset != before.offset -%}
                {#- halved until the change lies between two seconds -#}
                {%- set span = namespace(earlier=before.time, later=time) -%}
                {%- for halving in range(21) if (span.later - span.earlier) > second -%}
                    {%- set middle = span.earlier
                        + second * ((span.later - span.earlier).total_seconds() // 2) | int -%}
                    {%- if zone.fromutc(middle).utcoffset() == before.offset -%}
                        {%- set span.earlier = middle -%}
                    {%- else -%}
                        {%- set span.later = middle -%}
                    {%- endif -%}
                {%- endfor -%}
                {%- do found.extend([span.earlier, span.later]) -%}
            {%- endif -%}
            {%- set before.time = time -%}
            {%- set before.offset = offset -%}
            {%- if month % 12 == 0 and day == 1 -%}
                {%- do found.append(time) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set pairs = [] -%}
    {%- for time in found -%}
        {%- do pairs.append(
            (time.strftime('%Y-%m-%d %H:%M:%S'), zone.fromutc(time).strftime('%Y-%m-%d %H:%M:%S'))
        ) -%}
    {%- endfor -%}
    {{ return(pairs) }}
{%- endmacro %}
