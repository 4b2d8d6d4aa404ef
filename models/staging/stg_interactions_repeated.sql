{{ config(materialized='table') }}

with

-- Days before the period count, too: an event belongs to its first day, whichever days are measured.
usable_interactions as (

    select
        interaction_id,
        cast(occurred_at as date) as row_date
    from {{ source('raw', 'interactions') }}
    where
        not {{ prevalence._is_missing('interaction_id') }}
        and surface is not null
        and occurred_at >= {{ prevalence._batch_start(days_before=var('deduplication_days')) }}
        and occurred_at < {{ prevalence._batch_end() }}

),

final as (

    select
        interaction_id,
        min(row_date) as first_date,
        max(row_date) as last_date
    from usable_interactions
    group by interaction_id
    having min(row_date) < max(row_date)

)

select * from final
