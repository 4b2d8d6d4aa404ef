{{ config(materialized='view', event_time='unit_date') }}

with

classified_interactions as (

    select *
    from {{ ref('stg_interactions_classified') }}

),

final as (

    select
        interaction_id,
        surface,
        occurred_at,
        -- signed out, and without a session: as null, or all of them are one user's
        case when not {{ prevalence._is_missing('user_id') }} then user_id end as user_id,
        case when not {{ prevalence._is_missing('session_id') }} then session_id end as session_id,
        country,
        received_at,
        client_stream_id,
        client_sequence,
        app_version,
        experiment_id,
        experiment_arm,
        row_date as unit_date,
        row_disposition = 'late' as is_late
    from classified_interactions
    -- compared, because DuckDB takes one row of five to pass a condition that it knows nothing of, and half to be true
    where is_used = true

)

select * from final
