{{ config(materialized='table', event_time='unit_date') }}

with

staged_days as (

    select *
    from {{ ref('stg_staged_days') }}

),

landed_days as (

    select *
    from {{ ref('stg_landed_days') }}

),

interactions as (

    select *
    from {{ ref('stg_interactions') }}

),

bounds as (

    select
        min(unit_date) as first_date,
        max(unit_date) as last_date,
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

-- Only the last day can be an unfinished one: what follows a day has ended it. It is held against the days before it.
last_days as (

    select
        calendar_days.unit_date,
        calendar_days.unit_date = bounds.last_date as is_last_day
    from calendar_days
    cross join bounds
    where calendar_days.unit_date >= {{ prevalence._add_days('bounds.last_date', -var('completeness_days')) }}

),

last_rows as (

    select
        last_days.unit_date,
        last_days.is_last_day,
        interactions.received_at,
        hour({{ prevalence._local_time('interactions.occurred_at') }}) * 3600
        + minute({{ prevalence._local_time('interactions.occurred_at') }}) * 60
        + second({{ prevalence._local_time('interactions.occurred_at') }}) as day_second
    from interactions
    inner join last_days
        on interactions.unit_date = last_days.unit_date

),

last_day as (

    select
        unit_date,
        count(*) as row_count,
        max(day_second) as last_second
    from last_rows
    where is_last_day
    group by unit_date

),

earlier_days as (

    select
        last_rows.unit_date,
        count(*) as row_count,
        count_if(last_rows.day_second > last_day.last_second) as later_rows
    from last_rows
    cross join last_day
    where not last_rows.is_last_day
    group by last_rows.unit_date

),

earlier_sums as (

    select
        cast(median(row_count) as double) as median_rows,
        cast(sum(later_rows) as double) / cast(sum(row_count) as double) as later_share
    from earlier_days

),

-- a row of any day that was received so late says that the export is younger than the day's end
last_receipts as (

    select max(received_at) as last_received_at
    from last_rows

),

-- that none of so many rows of a finished day lies in its last part happens by chance on one day of a thousand
judged_day as (

    select
        last_day.unit_date,
        case
            when
                {{ prevalence._is_after_day(
                    'last_receipts.last_received_at', 'last_day.unit_date', var('late_after_hours')
                ) }}
                then cast(null as string)
            when last_day.row_count < {{ var('completeness_share') }} * earlier_sums.median_rows then 'few_rows'
            when
                earlier_sums.later_share > {{ var('completeness_later_share') }}
                and ln(greatest(1 - earlier_sums.later_share, 0.000001)) * last_day.row_count < ln(0.001)
                then 'ends_early'
        end as incomplete_reason
    from last_day
    cross join earlier_sums
    cross join last_receipts

),

final as (

    select
        calendar_days.unit_date,
        staged_days.unit_date is not null as is_staged,
        coalesce(landed_days.log_state = 'landed', false) as has_logs,
        landed_days.log_state,
        judged_day.incomplete_reason is null as is_complete,
        judged_day.incomplete_reason
    from calendar_days
    left join staged_days
        on calendar_days.unit_date = staged_days.unit_date
    left join landed_days
        on calendar_days.unit_date = landed_days.unit_date
    left join judged_day
        on calendar_days.unit_date = judged_day.unit_date

)

select * from final
