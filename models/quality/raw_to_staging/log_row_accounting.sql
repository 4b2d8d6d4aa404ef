{{ config(materialized='table') }}

with

row_counts as (

    select *
    from {{ ref('log_row_counts') }}

),

days as (

    select
        source_name,
        row_day,
        cast(sum(case when row_disposition = 'landed' then row_count else 0 end) as bigint) as landed_rows,
        cast(sum(case when row_disposition = 'used' then row_count else 0 end) as bigint) as used_rows,
        cast(sum(case when row_disposition = 'late' then row_count else 0 end) as bigint) as late_rows,
        cast(sum(case when row_disposition = 'duplicate' then row_count else 0 end) as bigint) as duplicate_rows,
        cast(sum(case when row_disposition = 'quarantined' then row_count else 0 end) as bigint) as quarantined_rows
    from row_counts
    group by source_name, row_day

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
        landed_rows - used_rows - late_rows - duplicate_rows - quarantined_rows as unaccounted_rows
    from days

)

select * from final
