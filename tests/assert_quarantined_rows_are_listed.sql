-- The lists of rows that were set aside hold as many rows per source and reason as the accounting counts.
with

counted_rows as (

    select
        source_name,
        quarantine_reason,
        sum(row_count) as row_count
    from {{ ref('row_quarantine_reasons') }}
    where quarantine_reason <> 'outside_period'
    group by source_name, quarantine_reason

),

quarantined_rows as (

    select
        source_name,
        quarantine_reason
    from {{ ref('quarantined_rows') }}

),

listed_rows as (

    select
        source_name,
        quarantine_reason,
        count(*) as row_count
    from quarantined_rows
    group by source_name, quarantine_reason

)

select
    coalesce(counted_rows.source_name, listed_rows.source_name) as source_name,
    coalesce(counted_rows.quarantine_reason, listed_rows.quarantine_reason) as quarantine_reason,
    counted_rows.row_count as counted_rows,
    listed_rows.row_count as listed_rows
from counted_rows
full outer join listed_rows
    on
        counted_rows.source_name = listed_rows.source_name
        and counted_rows.quarantine_reason = listed_rows.quarantine_reason
where coalesce(counted_rows.row_count, 0) <> coalesce(listed_rows.row_count, 0)
