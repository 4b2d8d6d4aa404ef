{{ config(materialized='table') }}

with

components as (

    select *
    from {{ source('raw', 'components') }}

),

used_interactions as (

    select interaction_id
    from {{ ref('stg_interactions') }}

),

interactions as (

    select
        interaction_id,
        occurred_at
    from {{ source('raw', 'interactions') }}
    where interaction_id is not null

),

staged_days as (

    select unit_date
    from {{ ref('stg_measured_days') }}
    where is_staged

),

landed_interactions as (

    select
        interactions.interaction_id,
        bool_and(interactions.occurred_at is not null and staged_days.unit_date is null) as is_outside_period
    from interactions
    left join staged_days
        on cast(interactions.occurred_at as date) = staged_days.unit_date
    group by interactions.interaction_id

),

unplaced_rows as (

    select components.*
    from components
    left join used_interactions
        on components.interaction_id = used_interactions.interaction_id
    where used_interactions.interaction_id is null

),

final as (

    select
        unplaced_rows.interaction_id,
        unplaced_rows.position,
        unplaced_rows.component_type,
        unplaced_rows.content_id,
        unplaced_rows.text,
        unplaced_rows.uri,
        unplaced_rows.media_hash,
        unplaced_rows.was_viewed,
        cast(null as timestamp) as occurred_at,
        cast(null as date) as row_date,
        'quarantined' as row_disposition,
        case
            when {{ prevalence._is_missing('unplaced_rows.interaction_id') }} then 'missing_interaction_id'
            when landed_interactions.interaction_id is null then 'interaction_missing'
            when landed_interactions.is_outside_period then 'outside_period'
            else 'interaction_not_used'
        end as quarantine_reason
    from unplaced_rows
    left join landed_interactions
        on unplaced_rows.interaction_id = landed_interactions.interaction_id

)

select * from final
