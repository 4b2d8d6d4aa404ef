{{ config(materialized='view') }}

with

log_reasons as (

    select
        source_name,
        row_day,
        quarantine_reason,
        row_count
    from {{ ref('log_quarantine_reasons') }}

),

quarantined_label_events as (

    select
        coalesce(cast(row_date as string), 'undated') as row_day,
        quarantine_reason
    from {{ ref('stg_label_events_classified') }}
    where row_disposition = 'quarantined'

),

label_reasons as (

    select
        'label_events' as source_name,
        row_day,
        quarantine_reason,
        cast(count(*) as bigint) as row_count
    from quarantined_label_events
    group by row_day, quarantine_reason

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
        source_name,
        row_day,
        quarantine_reason,
        row_count
    from label_reasons

)

select * from final
