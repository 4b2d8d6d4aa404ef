{{ config(enabled=var('demo_world', false), materialized='table', schema='truth', alias='prevalence') }}

with

day_sums as (

    select
        *,
        cast(day_start_at as date) as day_date
    from {{ ref('world_prevalence_days') }}

),

periods as (

    select period_rows.period_type
    from (values ('day'), ('week'), ('28_days')) as period_rows (period_type)

),

-- a content on two days is two units, so days add up
dated_sums as (

    select
        day_sums.*,
        periods.period_type,
        case periods.period_type
            when 'day' then day_sums.day_date
            when 'week' then {{ prevalence._week_start('day_sums.day_date') }}
            else {{ prevalence._add_days('day_sums.day_date', '-(day_sums.day_number % 28)') }}
        end as period_start
    from day_sums
    cross join periods

),

final as (

    select
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        cast(sum(units) as bigint) as units,
        cast(sum(exposure) as bigint) as exposure,
        cast(sum(violating_exposure) as bigint) as violating_exposure,
        cast(sum(violating_exposure) as double) / cast(sum(exposure) as double) as true_prevalence
    from dated_sums
    group by period_type, period_start, policy_id, unit_type, pivot_name, pivot_value

)

select * from final
