{{ config(materialized='table') }}

with

accounting as (

    select
        source_name,
        landed_rows,
        used_rows,
        duplicate_rows,
        quarantined_rows,
        unaccounted_rows
    from {{ ref('label_row_accounting') }}

),

totals as (

    select
        sum(landed_rows) as landed_rows,
        sum(used_rows) as used_rows,
        sum(duplicate_rows) as duplicate_rows,
        sum(quarantined_rows) as quarantined_rows,
        -- days with too many and days with too few must not cancel
        sum(abs(unaccounted_rows)) as unaccounted_rows
    from accounting

),

final as (

    select
        'label_events' as source_name,
        cast(coalesce(landed_rows, 0) as bigint) as landed_rows,
        cast(coalesce(used_rows, 0) as bigint) as used_rows,
        cast(coalesce(unaccounted_rows, 0) as bigint) as unaccounted_rows,
        coalesce(cast(duplicate_rows as double) / nullif(cast(landed_rows as double), 0), cast(0 as double))
            as duplicate_share,
        coalesce(cast(quarantined_rows as double) / nullif(cast(landed_rows as double), 0), cast(0 as double))
            as quarantined_share
    from totals

)

select * from final
