{{ config(materialized='table') }}

with

interactions as (

    select *
    from {{ source('raw', 'interactions') }}
    where
        occurred_at is null
        or occurred_at < cast('{{ var("period_start_date") }}' as timestamp)
        or occurred_at >= cast('{{ var("period_end_date") }}' as timestamp)

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
    from interactions

)

select * from final
