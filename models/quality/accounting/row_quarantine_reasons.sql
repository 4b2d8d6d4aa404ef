{{ config(materialized='view') }}

with

log_reasons as (

    select *
    from {{ ref('log_quarantine_reasons') }}

),

quarantined_label_events as (

    select *
    from {{ ref('stg_label_events_classified') }}
    where row_disposition = 'quarantined'

),

final as (

    select
        source_name,
        row_day,
        quarantine_reason,
        row_count
    from log_reasons

    union all

    select
        'label_events' as source_name,
        coalesce(cast(row_date as string), 'undated') as row_day,
        quarantine_reason,
        cast(count(*) as bigint) as row_count
    from quarantined_label_events
    group by coalesce(cast(row_date as string), 'undated'), quarantine_reason

)

select * from final
