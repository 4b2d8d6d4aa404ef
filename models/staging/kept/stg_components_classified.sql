{{ prevalence._daily('row_date', keeps_days=true) }}

with

interactions as (

    select *
    from {{ ref('stg_interactions') }}

),

open_days as (

    select unit_date
    from {{ ref('stg_landed_days') }}
    where not is_kept

),

components as {{ prevalence._inlined() }} (

    select *
    from {{ source('raw', 'components') }}

),

-- a component has no time of its own: it belongs to the day of its interaction
placed_rows as {{ prevalence._inlined() }} (

    select
        components.*,
        interactions.occurred_at,
        interactions.unit_date as row_date,
        interactions.is_late,
        case
            when components.position is null then 'missing_position'
            when components.component_type is null then 'missing_component_type'
            when {{ prevalence._is_missing('components.content_id') }} then 'missing_content_id'
        end as quarantine_reason
    from components
    inner join interactions
        on components.interaction_id = interactions.interaction_id
    inner join open_days
        on interactions.unit_date = open_days.unit_date

),

ranked_rows as (

    {{ prevalence._ranked_copies(
        'placed_rows',
        key=['interaction_id', 'position'],
        part='case when quarantine_reason is null then 1 else 0 end',
        order_by='content_id asc nulls last, component_type asc nulls last, was_viewed desc nulls last, '
            ~ 'text asc nulls last, uri asc nulls last, media_hash asc nulls last',
        same='content_id'
    ) | indent(4) }}

),

-- at one place one content is seen: the first by its id, on every engine
judged_rows as (

    select
        *,
        coalesce(quarantine_reason, case when not is_first_or_same then 'another_content_at_its_place' end)
            as reason_or_none
    from ranked_rows

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
        occurred_at,
        row_date,
        case
            when reason_or_none is not null then 'quarantined'
            when row_rank > 1 then 'duplicate'
            when is_late then 'late'
            else 'used'
        end as row_disposition,
        reason_or_none is null and row_rank = 1 as is_used,
        reason_or_none as quarantine_reason
    from judged_rows

)

select * from final
