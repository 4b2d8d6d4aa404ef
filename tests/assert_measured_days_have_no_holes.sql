-- A day that staging has taken in has units and frames. Remedy: run again, which finishes what a killed run has left;
-- or, with a plain dbt build, with --event-time-start and --event-time-end around the days that are listed here.
with

staged_days as (

    select unit_date
    from {{ ref('stg_measured_days') }}
    where is_staged

),

-- the last of what is built of a day's units and frames
framed_days as (

    select unit_date
    from {{ ref('frame_days') }}

)

select staged_days.unit_date
from staged_days
left join framed_days
    on staged_days.unit_date = framed_days.unit_date
where framed_days.unit_date is null
