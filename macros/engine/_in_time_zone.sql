{#- What a clock in a time zone showed at a time, without the zone. Times of the warehouse are UTC. What lies too far off for the rules of
a zone stays as it is.

Arguments:
    timestamp: SQL expression of type timestamp.
    time_zone: SQL expression of a zone's name: 'America/Los_Angeles'.
-#}
{% macro _in_time_zone(timestamp, time_zone) -%}
    {{ return(adapter.dispatch('_in_time_zone', 'prevalence')(timestamp, time_zone)) }}
{%- endmacro %}

{% macro default___in_time_zone(timestamp, time_zone) -%}{{ prevalence._refuse_engine('_in_time_zone') }}{%- endmacro %}

{% macro duckdb___in_time_zone(timestamp, time_zone) -%}
    coalesce(try(timezone({{ time_zone }}, timezone('UTC', {{ timestamp }}))), {{ timestamp }})
{%- endmacro %}

{% macro spark___in_time_zone(timestamp, time_zone) -%}
    from_utc_timestamp({{ timestamp }}, {{ time_zone }})
{%- endmacro %}
