{{ config(enabled=var('demo_world', false), materialized='table', schema='truth', alias='prevalence') }}

with

day_sums as (

    select
        cast(day_start_at as date) as day_date,
        day_number,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        units,
        exposure,
        violating_exposure
    from {{ ref('world_prevalence_days') }}

),

-- a content on two days is two units, so days add up
dated_sums as (

    select
        'day' as period_type,
        day_date as period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        units,
        exposure,
        violating_exposure
    from day_sums

    union all

    select
        'week' as period_type,
        {{ prevalence._week_start('day_date') }} as period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        units,
        exposure,
        violating_exposure
    from day_sums

    union all

    select
        '28_days' as period_type,
        {{ prevalence._add_days('day_date', '-(day_number % 28)') }} as period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        units,
        exposure,
        violating_exposure
    from day_sums

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
