{#- The bounds of the day that a microbatch model is working on, cut to the measured period.

Outside a batch (compiling, linting, unit tests) they are the period's own bounds. -#}

{% macro _batch_start(days_before=0) -%}
    {%- set start = var('period_start_date') ~ ' 00:00:00' -%}
    {%- if model.batch -%}
        {%- set start = model.batch.event_time_start.strftime('%Y-%m-%d %H:%M:%S') -%}
    {%- endif -%}
    (cast('{{ start }}' as timestamp) - interval '{{ days_before }}' day)
{%- endmacro %}

{% macro _batch_end() -%}
    {%- set end = var('period_end_date') ~ ' 00:00:00' -%}
    {%- if model.batch -%}
        {%- set end = [end, model.batch.event_time_end.strftime('%Y-%m-%d %H:%M:%S')] | min -%}
    {%- endif -%}
    cast('{{ end }}' as timestamp)
{%- endmacro %}

{#- The configuration that every model built day by day shares.

Arguments:
    event_time: the column by which dbt filters the batches of models further down.
    day: the column that holds a batch's day, by which Spark stores the table; default: event_time.
-#}
{% macro _daily(event_time, day=none) -%}
    {{ config(
        materialized='incremental',
        incremental_strategy='microbatch',
        event_time=event_time,
        partition_by=day or event_time,
        begin=var('period_start_date'),
        batch_size='day',
        lookback=var('lookback_days'),
        concurrent_batches=false
    ) }}
{%- endmacro %}
