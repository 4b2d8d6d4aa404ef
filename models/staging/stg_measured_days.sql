{{ config(materialized='table', event_time='unit_date') }}

with

classified_interactions as (

    select row_date
    from {{ ref('stg_interactions_classified') }}

),

staged_days as (

    select
        row_date as unit_date,
        count(*) as row_count
    from classified_interactions
    group by row_date

),

interactions as (

    select occurred_at
    from {{ source('raw', 'interactions') }}

),

landed_days as (

    select
        cast(occurred_at as date) as unit_date,
        count(*) as row_count
    from interactions
    group by cast(occurred_at as date)

),

bounds as (

    select
        min(unit_date) as first_date,
        {{ prevalence._days_between('min(unit_date)', 'max(unit_date)') }} + 1 as day_count
    from staged_days

),

numbers as (

    {{ prevalence._numbered('bounds', 'day_count', ['first_date']) | indent(4) }}

),

calendar_days as (

    select {{ prevalence._add_days('first_date', '_number - 1') }} as unit_date
    from numbers

),

final as (

    select
        calendar_days.unit_date,
        staged_days.unit_date is not null as is_staged,
        landed_days.unit_date is not null as has_logs,
        true as is_complete,
        cast(null as string) as incomplete_reason
    from calendar_days
    left join staged_days
        on calendar_days.unit_date = staged_days.unit_date
    left join landed_days
        on calendar_days.unit_date = landed_days.unit_date

)

select * from final
