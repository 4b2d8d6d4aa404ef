{{ config(materialized='view') }}

with

log_rows as (

    select *
    from {{ ref('quarantined_log_rows') }}

),

label_events as (

    select *
    from {{ ref('quarantined_label_events') }}

),

all_rows as (

    select * from log_rows
    union all
    select * from label_events

),

final as (

    select
        source_name,
        row_day,
        quarantine_reason,
        row_key,
        row_json,
        copy_number
    from all_rows

)

select * from final
