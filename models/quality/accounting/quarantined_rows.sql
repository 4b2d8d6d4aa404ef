{{ config(materialized='view') }}

with

log_rows as (

    select
        source_name,
        row_day,
        quarantine_reason,
        row_key,
        row_json,
        copy_number
    from {{ ref('quarantined_log_rows') }}

),

label_events as (

    select
        source_name,
        row_day,
        quarantine_reason,
        row_key,
        row_json,
        copy_number
    from {{ ref('quarantined_label_events') }}

),

final as (

    select
        source_name,
        row_day,
        quarantine_reason,
        row_key,
        row_json,
        copy_number
    from log_rows

    union all

    select
        source_name,
        row_day,
        quarantine_reason,
        row_key,
        row_json,
        copy_number
    from label_events

)

select * from final
