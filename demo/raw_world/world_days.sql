{{ config(enabled=var('demo_world', false), materialized='table', schema='demo_world', event_time='day_start_at') }}

{%- set size = prevalence._world_size() %}
{%- set weekday_weights = [98, 99, 100, 101, 106, 104, 92] %}

with

numbered_days as (

    select
        days.day_number,
        {{ prevalence._add_seconds(
            "cast('" ~ var('demo_world_start_date') ~ "' as timestamp)", 'days.day_number * 86400'
        ) }} as day_start_at,
        (days.day_number + {{ size.first_weekday }} + 700) % 7 as weekday
    from range({{ -size.oldest_cohort }}, {{ size.days }}) as days (day_number)

),

-- whole numbers only, so that no engine rounds a day's size differently
weighted_days as (

    select
        day_number,
        day_start_at,
        case
            when day_number < 0 then 0
            {%- for weight in weekday_weights %}
            when weekday = {{ loop.index0 }} then {{ weight }}
            {%- endfor %}
        end as request_weight,
        case
            {%- if not size.is_replicated %}
            when day_number < 0 then cast(floor(8000 / cast(8 - day_number as double)) as bigint)
            {%- else %}
            when day_number < 0 then 0
            -- a world's first day has the contents of all days before it, too
            when day_number % {{ size.days_per_world }} = 0 then 5000
            {%- endif %}
            else 1000
        end as content_weight
    from numbered_days

),

final as (

    select
        cast(day_number as bigint) as day_number,
        day_start_at,
        {{ prevalence._world_day_label('day_start_at') }} as day_label,
        cast(floor(
            cast({{ size.requests }} * cast(request_weight as bigint) as double)
            / cast({{ size.days * 100 }} as double)
        ) as bigint) as requests,
        cast(floor(
            cast({{ size.contents }} * cast(content_weight as bigint) as double)
            / cast(sum(content_weight) over () as double)
        ) as bigint) as contents
    from weighted_days

)

select * from final
