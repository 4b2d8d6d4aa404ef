{{ config(materialized='view') }}

with

records as (

    select *
    from {{ ref('draw_records') }}

),

drawn_days as (

    select distinct sample_date
    from records

),

last_day as (

    select max(sample_date) as last_date
    from drawn_days

),

once_broken_days as (

    select broken_date
    from {{ source('earlier_seals', 'once_broken_days') }}
    where table_group = 'draws'

),

-- the newest days each time; of the older ones a part, so that each has its turn within so many days; and what was
-- broken once
final as (

    select drawn_days.sample_date
    from drawn_days
    cross join last_day
    left join once_broken_days
        on drawn_days.sample_date = once_broken_days.broken_date
    where
        once_broken_days.broken_date is not null
        or {{ prevalence._is_sealed_day('drawn_days.sample_date', 'last_day.last_date') }}

)

select * from final
