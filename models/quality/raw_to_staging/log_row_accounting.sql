{{ config(materialized='table') }}

with

row_counts as (

    select *
    from {{ ref('log_row_counts') }}

),

-- days of interactions and of what belongs to them
kept_days as (

    select cast(unit_date as string) as row_day
    from {{ ref('stg_measured_days') }}
    where is_staged and not has_logs

),

days as (

    select
        source_name,
        row_day,
        cast(sum(case when row_disposition = 'landed' then row_count else 0 end) as bigint) as landed_rows,
        cast(sum(case when row_disposition = 'used' then row_count else 0 end) as bigint) as used_rows,
        cast(sum(case when row_disposition = 'late' then row_count else 0 end) as bigint) as late_rows,
        cast(sum(case when row_disposition = 'duplicate' then row_count else 0 end) as bigint) as duplicate_rows,
        cast(sum(case when row_disposition = 'quarantined' then row_count else 0 end) as bigint) as quarantined_rows,
        cast(sum(case when row_disposition = 'kept' then row_count else 0 end) as bigint) as kept_rows
    from row_counts
    group by source_name, row_day

),

final as (

    select
        days.source_name,
        days.row_day,
        days.landed_rows,
        days.used_rows,
        days.late_rows,
        days.duplicate_rows,
        days.quarantined_rows,
        days.landed_rows - days.used_rows - days.late_rows - days.duplicate_rows - days.quarantined_rows
            as unaccounted_rows,
        days.kept_rows,
        days.source_name not in ('interactions', 'components', 'logged_draws') or kept_days.row_day is null as has_logs
    from days
    left join kept_days
        on days.row_day = kept_days.row_day

)

select * from final
