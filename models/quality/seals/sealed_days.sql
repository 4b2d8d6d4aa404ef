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

-- the newest days each time; of the older ones a part, so that each has its turn within so many days
final as (

    select drawn_days.sample_date
    from drawn_days
    cross join last_day
    where {{ prevalence._is_sealed_day('drawn_days.sample_date', 'last_day.last_date') }}

)

select * from final
