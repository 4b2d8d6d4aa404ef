{{ config(enabled=var('demo_world', false), materialized='table', alias='interactions', schema='raw') }}

with

landed_requests as (

    select *
    from {{ ref('world_requests') }}
    where not is_lost

),

-- Both parts read the table for themselves, so that the filter of a reader who wants one day reaches it.
repeated_requests as (

    select *
    from {{ ref('world_requests') }}
    where extra_row is not null

),

final as (

    select
        interaction_id,
        surface,
        occurred_at,
        user_id,
        session_id,
        country,
        received_at,
        client_stream_id,
        client_sequence,
        app_version,
        experiment_id,
        experiment_arm
    from landed_requests

    union all

    -- a second copy, half of them received later, or a row that no consumer can use
    select
        case
            when extra_row = 'null_interaction_id' then null
            when extra_row = 'duplicate' then interaction_id
            else 'i' || substr({{ prevalence._world_hex('request_key', 'planted interaction') }}, 1, 20)
        end as interaction_id,
        case when extra_row <> 'null_surface' then surface end as surface,
        case
            when extra_row = 'null_occurred_at' then null
            when extra_row = 'outside_period' then cast('1970-01-01' as timestamp)
            else occurred_at
        end as occurred_at,
        user_id,
        session_id,
        country,
        case
            when extra_row = 'duplicate' and {{ prevalence._world_unit('request_key', 'copy kind') }} < 0.5
                then {{ prevalence._add_seconds('received_at', "cast(floor("
                    ~ prevalence._world_unit('request_key', 'copy delay') ~ " * 129600) as bigint)") }}
            else received_at
        end as received_at,
        client_stream_id,
        client_sequence,
        app_version,
        experiment_id,
        experiment_arm
    from repeated_requests

)

select * from final
