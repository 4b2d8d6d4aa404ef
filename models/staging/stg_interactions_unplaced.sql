{{ config(materialized='table') }}

with

interactions as (

    select *
    from {{ source('raw', 'interactions') }}

),

staged_days as (

    select unit_date
    from {{ ref('stg_measured_days') }}
    where is_staged

),

unplaced_rows as (

    select interactions.*
    from interactions
    left join staged_days
        on cast(interactions.occurred_at as date) = staged_days.unit_date
    where staged_days.unit_date is null

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
        experiment_arm,
        cast(occurred_at as date) as row_date,
        'quarantined' as row_disposition,
        case
            when occurred_at is null then 'missing_occurred_at'
            else 'outside_period'
        end as quarantine_reason
    from unplaced_rows

)

select * from final
