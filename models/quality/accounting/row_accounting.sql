{{ config(materialized='view') }}

with

log_rows as (

    select
        source_name,
        row_day,
        landed_rows,
        used_rows,
        late_rows,
        duplicate_rows,
        quarantined_rows,
        unaccounted_rows
    from {{ ref('log_row_accounting') }}

),

label_rows as (

    select
        source_name,
        row_day,
        landed_rows,
        used_rows,
        late_rows,
        duplicate_rows,
        quarantined_rows,
        unaccounted_rows
    from {{ ref('label_row_accounting') }}

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
        unaccounted_rows
    from log_rows

    union all

    select
        source_name,
        row_day,
        landed_rows,
        used_rows,
        late_rows,
        duplicate_rows,
        quarantined_rows,
        unaccounted_rows
    from label_rows

)

select * from final
