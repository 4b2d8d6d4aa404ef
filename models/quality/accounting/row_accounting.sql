{{ config(materialized='view') }}

with

log_rows as (

    select *
    from {{ ref('log_row_accounting') }}

),

label_rows as (

    select
        *,
        cast(0 as bigint) as kept_rows,
        true as has_logs
    from {{ ref('label_row_accounting') }}

),

all_rows as (

    select * from log_rows
    union all
    select * from label_rows

),

final as (

    select
        source_name,
        row_day,
        landed_rows,
        used_rows,
        late_rows,
        duplicate_rows,
        quarantined_rows,
        unaccounted_rows,
        kept_rows,
        has_logs
    from all_rows

)

select * from final
