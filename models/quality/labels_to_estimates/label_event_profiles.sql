{{ config(materialized='table') }}

with

accounting as (

    select *
    from {{ ref('label_row_accounting') }}

),

totals as (

    select
        coalesce(sum(landed_rows), 0) as landed_rows,
        coalesce(sum(used_rows), 0) as used_rows,
        sum(duplicate_rows) as duplicate_rows,
        sum(quarantined_rows) as quarantined_rows,
        -- days with too many and days with too few must not cancel
        coalesce(sum(abs(unaccounted_rows)), 0) as unaccounted_rows
    from accounting

),

final as (

    select
        'label_events' as source_name,
        cast(landed_rows as bigint) as landed_rows,
        cast(used_rows as bigint) as used_rows,
        cast(unaccounted_rows as bigint) as unaccounted_rows,
        coalesce(cast(duplicate_rows as double) / nullif(cast(landed_rows as double), 0), cast(0 as double))
            as duplicate_share,
        coalesce(cast(quarantined_rows as double) / nullif(cast(landed_rows as double), 0), cast(0 as double))
            as quarantined_share
    from totals

)

select * from final
