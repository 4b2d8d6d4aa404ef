-- A run of a few days after another leaves the days between them unbuilt, without an error. Remedy: run again with
-- --event-time-start and --event-time-end around the days that are listed here.
with

landed_days as (

    select distinct cast(occurred_at as date) as unit_date
    from {{ source('raw', 'interactions') }}
    where
        not {{ prevalence._is_missing('interaction_id') }}
        and surface is not null
        and cast(occurred_at as date) in (select unit_date from {{ ref('stg_measured_days') }})

),

built_days as (

    select distinct unit_date
    from {{ ref('unit_interactions') }}

),

framed_days as (

    select distinct unit_date
    from {{ ref('frame_totals') }}

),

drawn_days as (

    select distinct sample_date as unit_date
    from {{ ref('draw_units') }}

)

select
    landed_days.unit_date,
    built_days.unit_date is null as lacks_units,
    framed_days.unit_date is null as lacks_frames,
    drawn_days.unit_date is null as lacks_draws
from landed_days
left join built_days
    on landed_days.unit_date = built_days.unit_date
left join framed_days
    on landed_days.unit_date = framed_days.unit_date
left join drawn_days
    on landed_days.unit_date = drawn_days.unit_date
where
    built_days.unit_date is null
    or framed_days.unit_date is null
    or drawn_days.unit_date is null
