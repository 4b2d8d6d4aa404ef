{{ config(materialized='table') }}

with

landed_rows as (

    select
        {{ prevalence._day_of('submitted_at') }} as row_date,
        'landed' as row_disposition
    from {{ source('raw', 'label_events') }}

),

disposed_rows as (

    select
        row_date,
        row_disposition
    from {{ ref('stg_label_events_classified') }}

),

counted_rows as (

    select * from landed_rows
    union all
    select * from disposed_rows

),

days as (

    select
        coalesce(cast(row_date as string), 'undated') as row_day,
        cast(count_if(row_disposition = 'landed') as bigint) as landed_rows,
        cast(count_if(row_disposition = 'used') as bigint) as used_rows,
        cast(count_if(row_disposition = 'late') as bigint) as late_rows,
        cast(count_if(row_disposition = 'duplicate') as bigint) as duplicate_rows,
        cast(count_if(row_disposition = 'quarantined') as bigint) as quarantined_rows
    from counted_rows
    group by coalesce(cast(row_date as string), 'undated')

),

final as (

    select
        'label_events' as source_name,
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
