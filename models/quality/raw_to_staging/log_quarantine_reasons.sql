{{ config(materialized='table') }}

with

row_counts as (

    select *
    from {{ ref('log_row_counts') }}

),

landed_rows as (

    select
        source_name,
        row_day,
        sum(row_count) as landed_rows
    from row_counts
    where row_disposition = 'landed'
    group by source_name, row_day

),

-- users and scores come by the day too, but few a day; their shares are those of the whole source (log_source_profiles)
measured_days as (

    select cast(unit_date as string) as row_day
    from {{ ref('stg_measured_days') }}

),

final as (

    select
        row_counts.source_name,
        row_counts.row_day,
        row_counts.quarantine_reason,
        row_counts.row_count,
        case
            when row_counts.source_name in ('interactions', 'components') and measured_days.row_day is not null
                then cast(row_counts.row_count as double) / nullif(cast(landed_rows.landed_rows as double), 0)
        end as landed_share
    from row_counts
    left join landed_rows
        on
            row_counts.source_name = landed_rows.source_name
            and row_counts.row_day = landed_rows.row_day
    left join measured_days
        on row_counts.row_day = measured_days.row_day
    where row_counts.row_disposition = 'quarantined'

)

select * from final
