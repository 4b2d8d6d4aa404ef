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
        user_id,
        session_id,
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
