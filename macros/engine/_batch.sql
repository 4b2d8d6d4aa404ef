{#- The bounds of the day that a microbatch model is working on, cut to the vars period_start_date and period_end_date where they are
given. Outside a batch (compiling, linting, unit tests) they are these vars, or the ends of every calendar. -#}

{% macro _batch_start() -%}
    {%- set starts = [(var('period_start_date') or '0001-01-01') ~ ' 00:00:00'] -%}
    {%- if model.batch -%}
        {%- do starts.append(model.batch.event_time_start.strftime('%Y-%m-%d %H:%M:%S')) -%}
    {%- endif -%}
    cast('{{ starts | max }}' as timestamp)
{%- endmacro %}

{% macro _batch_end() -%}
    {%- set ends = [(var('period_end_date') or '9999-12-31') ~ ' 00:00:00'] -%}
    {%- if model.batch -%}
        {%- do ends.append(model.batch.event_time_end.strftime('%Y-%m-%d %H:%M:%S')) -%}
    {%- endif -%}
    cast('{{ ends | min }}' as timestamp)
{%- endmacro %}

{#- The configuration that every model built day by day shares.

Arguments:
    event_time: the column by which dbt filters the batches of models further down.
    day: the column that holds a batch's day, by which Spark stores the table; default: event_time.
    keeps_days: a day that stg_landed_days says is kept stays as it is, also when the batch has no row of it. The model leaves
        out such days itself.
-#}
{% macro _daily(event_time, day=none, keeps_days=false) -%}
    {%- if keeps_days -%}
        {#- `day` is the column of the days on both sides: the engine deletes the day's rows before it takes in the batch's -#}
        {%- do config(
            meta={'keeps_days': true},
            incremental_predicates=[
                (day or event_time) ~ ' not in (select unit_date from staging.stg_landed_days where is_kept)'
            ]
        ) -%}
    {%- endif -%}
    {{ config(
        materialized='incremental',
        incremental_strategy='microbatch',
        event_time=event_time,
        partition_by=day or event_time,
        begin=var('period_start_date') or var('demo_world_start_date'),
        batch_size='day',
        lookback=var('lookback_days'),
        concurrent_batches=false
    ) }}
{%- endmacro %}
