{{ config(materialized='table') }}

with

components as {{ prevalence._inlined() }} (

    select *
    from {{ source('raw', 'components') }}

),

staged_days as (

    select
        unit_date,
        has_logs
    from {{ ref('stg_measured_days') }}
    where is_staged

),

used_interactions as {{ prevalence._inlined() }} (

    select
        interactions.interaction_id,
        staged_days.has_logs
    from {{ ref('stg_interactions') }} as interactions
    inner join staged_days
        on interactions.unit_date = staged_days.unit_date

),

-- what lies in staging with its logs is most of all; the few others are looked up in all of it
open_rows as (

    select components.*
    from components
    left join used_interactions
        on
            components.interaction_id = used_interactions.interaction_id
            and used_interactions.has_logs
    where used_interactions.interaction_id is null

),

open_ids as (

    select interaction_id
    from open_rows
    group by interaction_id

),

kept_ids as (

    select open_ids.interaction_id
    from used_interactions
    inner join open_ids
        on used_interactions.interaction_id = open_ids.interaction_id

),

landed_interactions as (

    select
        interactions.interaction_id,
        bool_or(coalesce(not staged_days.has_logs, false)) as is_kept,
        bool_and(interactions.occurred_at is not null and staged_days.unit_date is null) as is_outside_period
    from {{ source('raw', 'interactions') }} as interactions
    inner join open_ids
        on interactions.interaction_id = open_ids.interaction_id
    left join staged_days
        on {{ prevalence._day_of('interactions.occurred_at') }} = staged_days.unit_date
    group by interactions.interaction_id

),

judged_rows as (

    select
        open_rows.*,
        kept_ids.interaction_id is not null or coalesce(landed_interactions.is_kept, false) as is_kept,
        landed_interactions.interaction_id is null as is_alone,
        landed_interactions.is_outside_period
    from open_rows
    left join kept_ids
        on open_rows.interaction_id = kept_ids.interaction_id
    left join landed_interactions
        on open_rows.interaction_id = landed_interactions.interaction_id

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
        was_viewed,
        cast(null as timestamp) as occurred_at,
        cast(null as date) as row_date,
        case when is_kept then 'kept' else 'quarantined' end as row_disposition,
        case
            when is_kept then cast(null as string)
            when {{ prevalence._is_missing('interaction_id') }} then 'missing_interaction_id'
            when is_alone then 'interaction_missing'
            when is_outside_period then 'outside_period'
            else 'interaction_not_used'
        end as quarantine_reason
    from judged_rows

)

select * from final
