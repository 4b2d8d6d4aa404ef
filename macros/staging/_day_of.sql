{#- The day of a time, and how times are compared with days. Times are UTC; a day is a day of the time zone that is in force on it (the
var time_zones), and of UTC where none is. Whatever asks for the day of a time goes through here, so that a row has the same day
everywhere. While there is no other zone than UTC, the SQL is that of days of UTC.

A zone follows another with its first day: rows until that day begins in the zone before belong to the days before, which keep them. The
first day itself is longer or shorter by what the two zones differ. No time belongs to two days, and none to no day.

Nothing here asks when a day begins in UTC: that can be twice or never, and engines answer it differently. It asks for the day of a time.
-#}

{% macro _day_of(timestamp) -%}
    cast({{ prevalence._local_time(timestamp) }} as date)
{%- endmacro %}

{#- What the clock of the measurement shows at a time; on the first day of a zone, not before the day begins. -#}
{% macro _local_time(timestamp) -%}
    {%- set zones = prevalence._time_zones() -%}
    {%- if zones | length == 1 -%}
        {{- prevalence._zoned_time(timestamp, zones[0]) -}}
    {%- else -%}
    case
            when {{ timestamp }} is null then cast(null as timestamp)
            {% for zone in zones[:-1] -%}
            when
                {{ prevalence._zoned_time(timestamp, zone) }} < cast('{{ zones[loop.index].valid_from }} 00:00:00' as timestamp)
                then {{ prevalence._zoned_time(timestamp, zone) }}
            {% endfor -%}
            else {{ prevalence._zoned_time(timestamp, zones[-1]) }}
        end
    {%- endif -%}
{%- endmacro %}

{% macro _zoned_time(timestamp, zone) -%}
    {%- set local_time -%}
        {%- if zone.time_zone == 'UTC' -%}
            {{ timestamp }}
        {%- else -%}
            {{ prevalence._in_time_zone(timestamp, "'" ~ zone.time_zone ~ "'") | trim }}
        {%- endif -%}
    {%- endset -%}
    {%- if zone.valid_from -%}
        greatest({{ local_time }}, cast('{{ zone.valid_from }} 00:00:00' as timestamp))
    {%- else -%}
        {{- local_time -}}
    {%- endif -%}
{%- endmacro %}

{#- Whether a time is not before a day, or before it. `midnight` is the day as a timestamp: an SQL expression. The plain comparison, up to
a day off, is for readers of Parquet files, which skip by it what lies elsewhere. -#}
{% macro _is_from_day(timestamp, midnight) -%}
    {%- if prevalence._has_days_of_utc() -%}
        {{ timestamp }} >= {{ midnight }}
    {%- else -%}
        {{ timestamp }} >= {{ midnight }} - interval '1' day
        and {{ prevalence._day_of(timestamp) }} >= cast({{ midnight }} as date)
    {%- endif -%}
{%- endmacro %}

{% macro _is_before_day(timestamp, midnight) -%}
    {%- if prevalence._has_days_of_utc() -%}
        {{ timestamp }} < {{ midnight }}
    {%- else -%}
        {{ timestamp }} < {{ midnight }} + interval '1' day
        and {{ prevalence._day_of(timestamp) }} < cast({{ midnight }} as date)
    {%- endif -%}
{%- endmacro %}

{#- Whether a time lies so many hours or more after the end of a day; `strictly`: more. -#}
{% macro _is_after_day(timestamp, day, hours, strictly=false) -%}
    {%- if prevalence._has_days_of_utc() -%}
        {{ timestamp }} {{ '>' if strictly else '>=' }} {{ prevalence._day_plus_hours(day, 24 + hours) }}
    {%- else -%}
        {%- set earlier = "(" ~ timestamp ~ " - interval '" ~ hours ~ "' hour"
            ~ (" - interval '1' microsecond" if strictly else "") ~ ")" -%}
        {{ prevalence._day_of(earlier) }} > {{ day }}
    {%- endif -%}
{%- endmacro %}

{#- What a day's fingerprint says of its zone: nothing on days of UTC. -#}
{% macro _zone_mark(day) -%}
    {%- for zone in prevalence._time_zones() | reverse -%}
        {%- set mark = "''" if zone.time_zone == 'UTC' else "'|zone=" ~ zone.time_zone ~ "'" -%}
        {%- if zone.valid_from -%}
            case when {{ day }} >= cast('{{ zone.valid_from }}' as date) then {{ mark }} else {% else -%}
            {{- mark -}}
        {%- endif -%}
    {%- endfor -%}
    {%- for zone in prevalence._time_zones() if zone.valid_from %} end{% endfor -%}
{%- endmacro %}

{% macro _has_days_of_utc() -%}
    {%- set zones = prevalence._time_zones() -%}
    {{ return(zones | length == 1 and zones[0].time_zone == 'UTC') }}
{%- endmacro %}

{#- The var time_zones as a list of {valid_from, time_zone} that begins with the zone of all days before any other (valid_from none).
Raises where the var is not such a list. -#}
{% macro _time_zones(given=none) -%}
    {%- set given = (var('time_zones', none) if given is none else given) or [] -%}
    {%- set zones = [] -%}
    {%- set example = "Remedy: a list such as [{valid_from: '2027-01-01', time_zone: America/Los_Angeles}]; days before are days of UTC." -%}
    {%- if given is string or given is mapping or given is not iterable -%}
        {{ exceptions.raise_compiler_error("The var time_zones is " ~ given ~ ", which is no list. " ~ example) }}
    {%- endif -%}
    {%- for row in given -%}
        {%- set place = "Row " ~ loop.index ~ " of the var time_zones" -%}
        {%- if row is not mapping or row.keys() | reject('in', ['valid_from', 'time_zone']) | list or not row.get('time_zone') -%}
            {{ exceptions.raise_compiler_error(place ~ " is " ~ row ~ ": it has to have time_zone, may have valid_from, and nothing "
                ~ "else. " ~ example) }}
        {%- endif -%}
        {%- if row['time_zone'] not in modules.pytz.all_timezones_set -%}
            {{ exceptions.raise_compiler_error(place ~ " names the time zone " ~ row['time_zone'] ~ ", which nobody knows. Remedy: a "
                ~ "name of the IANA database, written as there: America/Los_Angeles, Asia/Kolkata, UTC.") }}
        {%- endif -%}
        {%- set valid_from = row.get('valid_from') | string if row.get('valid_from') else none -%}
        {%- if valid_from is none and loop.index > 1 -%}
            {{ exceptions.raise_compiler_error(place ~ " has no valid_from, so nobody can tell on which day its zone follows the one "
                ~ "before. " ~ example) }}
        {%- endif -%}
        {%- if valid_from is not none and not prevalence._is_calendar_day(valid_from) -%}
            {{ exceptions.raise_compiler_error(place ~ " has the valid_from " ~ valid_from ~ ", which is no day. Remedy: a day like "
                ~ "2027-01-01, the first one of the zone.") }}
        {%- endif -%}
        {%- if valid_from is not none and zones and zones[-1].valid_from and valid_from <= zones[-1].valid_from -%}
            {{ exceptions.raise_compiler_error(place ~ " begins on " ~ valid_from ~ ", which is not after " ~ zones[-1].valid_from
                ~ ", when the row before it begins. Remedy: one row for each change, in the order of their days.") }}
        {%- endif -%}
        {%- if valid_from is not none and not zones -%}
            {%- do zones.append({'valid_from': none, 'time_zone': 'UTC'}) -%}
        {%- endif -%}
        {%- do zones.append({'valid_from': valid_from, 'time_zone': row['time_zone']}) -%}
    {%- endfor -%}
    {{ return(zones or [{'valid_from': none, 'time_zone': 'UTC'}]) }}
{%- endmacro %}

{% macro _is_calendar_day(text) -%}
    {%- if not modules.re.fullmatch('[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])', text) -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set month = modules.datetime.date(text[:4] | int, text[5:7] | int, 1) -%}
    {{ return((month + modules.datetime.timedelta(days=(text[8:] | int) - 1)).month == month.month) }}
{%- endmacro %}
