-- A day that staging has taken in has units and frames. Remedy: run again, which finishes what a killed run has left; or, with a plain
-- dbt build, with --event-time-start and --event-time-end around the days that are listed here.
with

staged_days as (

    select unit_date
    from {{ ref('stg_measured_days') }}
    where is_staged

),

usable_days as (

    select distinct row_date as unit_date
    from {{ ref('log_day_counts') }}
    where
        source_name = 'interactions'
        and row_disposition in ('used', 'late')

),

built_days as (

    select distinct unit_date
    from {{ ref('unit_interactions') }}

),

framed_days as (

    select unit_date
    from {{ ref('frame_days') }}

)

select
    staged_days.unit_date,
    built_days.unit_date is null as lacks_units,
    framed_days.unit_date is null as lacks_frames
from staged_days
inner join usable_days
    on staged_days.unit_date = usable_days.unit_date
left join built_days
    on staged_days.unit_date = built_days.unit_date
left join framed_days
    on staged_days.unit_date = framed_days.unit_date
where
    built_days.unit_date is null
    or framed_days.unit_date is null
