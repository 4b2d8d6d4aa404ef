-- What clocks show by this engine's rules of time zones, against the rules that are installed with dbt: those of the
-- zones in the var time_zones, and of two more, to the second around each change from 2018 to 2029. Engines bring rules
-- of their own; where they differ, a day would have other rows on one engine than on the other. Remedy: the newest
-- versions of the engine and of pytz, which constraints.txt names; of Java the newest update.
{% set zones = ['America/Los_Angeles', 'Asia/Kolkata'] %}
{% for zone in prevalence._time_zones() if zone.time_zone not in zones and zone.time_zone != 'UTC' %}
    {%- do zones.append(zone.time_zone) -%}
{% endfor %}

with

expected_times as (

    {% for zone in zones %}
    {%- for utc_time, local_time in prevalence._clock_changes(zone) %}
    select
        '{{ zone }}' as time_zone,
        cast('{{ utc_time }}' as timestamp) as utc_time,
        cast('{{ local_time }}' as timestamp) as expected_time
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

)

select
    time_zone,
    utc_time,
    expected_time,
    {{ prevalence._in_time_zone('utc_time', 'time_zone') }} as found_time
from expected_times
where {{ prevalence._in_time_zone('utc_time', 'time_zone') }} <> expected_time
