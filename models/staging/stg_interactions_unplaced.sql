{{ config(materialized='table') }}

with

interactions as (

    select *
    from {{ source('raw', 'interactions') }}

),

staged_days as (

    select
        unit_date,
        has_logs
    from {{ ref('stg_measured_days') }}
    where is_staged

),

-- of a day that stays as it was measured, some rows may be left
unplaced_rows as (

    select
        interactions.*,
        staged_days.unit_date is not null as is_kept
    from interactions
    left join staged_days
        on {{ prevalence._day_of('interactions.occurred_at') }} = staged_days.unit_date
    where staged_days.unit_date is null or not staged_days.has_logs

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
        {{ prevalence._day_of('occurred_at') }} as row_date,
        case when is_kept then 'kept' else 'quarantined' end as row_disposition,
        case
            when is_kept then cast(null as string)
            when occurred_at is null then 'missing_occurred_at'
            else 'outside_period'
        end as quarantine_reason
    from unplaced_rows

)

select * from final
