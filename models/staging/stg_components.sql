{{ config(materialized='view', event_time='unit_date') }}

with

classified_components as (

    select *
    from {{ ref('stg_components_classified') }}

),

final as (

    select
        interaction_id,
        position,
        component_type,
        content_id,
        text,
        uri,
        media_hash,
        coalesce(was_viewed, true) as was_viewed,
        occurred_at,
        row_date as unit_date,
        row_disposition = 'late' as is_late
    from classified_components
    -- compared, because DuckDB takes one row of five to pass a condition that it knows nothing of, and half to be true
    where is_used = true

)

select * from final
