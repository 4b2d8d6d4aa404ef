{{ config(enabled=var('demo_world', false), materialized='table', alias='server_events', schema='raw') }}

with

requests as (

    select *
    from {{ ref('world_requests') }}

),

-- The server knows of requests whose client log was lost, and misses a few itself.
final as (

    select
        'e' || substr(interaction_id, 2) as event_id,
        interaction_id,
        {{ prevalence._add_seconds(
            'occurred_at', 'cast(floor(2 * ' ~ prevalence._world_unit('request_key', 'server delay') ~ ') as bigint)'
        ) }} as occurred_at,
        surface,
        server_country as country
    from requests
    where {{ prevalence._world_unit('request_key', 'server loss') }} >= 0.001

)

select * from final
