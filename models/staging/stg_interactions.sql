{{ config(materialized='view', event_time='unit_date') }}

with

classified_interactions as (

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
        row_date,
        row_disposition
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
    where row_disposition in ('used', 'late')

)

select * from final
