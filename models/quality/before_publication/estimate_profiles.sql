{{ config(materialized='view') }}

with

estimates as (

    select
        plan_id,
        policy_id,
        unit_type,
        estimator,
        period_type,
        period_start,
        pivot_name,
        pivot_value,
        prevalence,
        std_error,
        interval_lower,
        interval_upper,
        sampled_units,
        status
    from {{ ref('est_prevalence') }}

),

domain_days as (

    select distinct
        sample_date,
        week_start_date,
        block_start_date
    from {{ ref('est_unit_domains') }}

),

draws as (

    select
        plan_id,
        sample_date,
        frame_exposure
    from {{ ref('draw_units') }}

),

-- the exposure that each drawn day stands for, and the longer periods it is part of
drawn_days as (

    select
        draws.plan_id,
        draws.sample_date,
        domain_days.week_start_date,
        domain_days.block_start_date,
        cast(max(draws.frame_exposure) as double) as frame_exposure
    from draws
    left join domain_days
        on draws.sample_date = domain_days.sample_date
    group by draws.plan_id, draws.sample_date, domain_days.week_start_date, domain_days.block_start_date

),

drawn_periods as (

    select
        plan_id,
        'day' as period_type,
        count(distinct sample_date) as drawn_periods
    from drawn_days
    group by plan_id

    union all

    select
        plan_id,
        'week' as period_type,
        count(distinct week_start_date) as drawn_periods
    from drawn_days
    group by plan_id

    union all

    select
        plan_id,
        '28_days' as period_type,
        count(distinct block_start_date) as drawn_periods
    from drawn_days
    group by plan_id

),

-- the overall figures of days, set against those of the week and the 28 days they belong to
day_figures as (

    select
        estimates.plan_id,
        estimates.policy_id,
        estimates.unit_type,
        estimates.estimator,
        estimates.prevalence,
        estimates.sampled_units,
        drawn_days.week_start_date,
        drawn_days.block_start_date,
        drawn_days.frame_exposure
    from estimates
    inner join drawn_days
        on
            estimates.plan_id = drawn_days.plan_id
            and estimates.period_start = drawn_days.sample_date
    where estimates.period_type = 'day' and estimates.pivot_name = 'overall'

),

rolled_up_days as (

    select
        plan_id,
        policy_id,
        unit_type,
        estimator,
        'week' as period_type,
        week_start_date as period_start,
        sum(sampled_units) as sampled_units,
        case
            when count(*) = count(prevalence)
                then sum(frame_exposure * prevalence) / nullif(sum(frame_exposure), 0)
        end as prevalence
    from day_figures
    group by plan_id, policy_id, unit_type, estimator, week_start_date

    union all

    select
        plan_id,
        policy_id,
        unit_type,
        estimator,
        '28_days' as period_type,
        block_start_date as period_start,
        sum(sampled_units) as sampled_units,
        case
            when count(*) = count(prevalence)
                then sum(frame_exposure * prevalence) / nullif(sum(frame_exposure), 0)
        end as prevalence
    from day_figures
    group by plan_id, policy_id, unit_type, estimator, block_start_date

),

roll_up_differences as (

    select
        estimates.plan_id,
        estimates.policy_id,
        estimates.unit_type,
        estimates.estimator,
        estimates.period_type,
        max(abs(estimates.sampled_units - rolled_up_days.sampled_units)) as roll_up_unit_difference,
        -- rounded: where both agree what is left are last digits, which differ between runs
        max(
            round(abs(estimates.prevalence - rolled_up_days.prevalence) / nullif(estimates.std_error, 0), 9)
        ) as roll_up_deviation
    from estimates
    inner join rolled_up_days
        on
            estimates.plan_id = rolled_up_days.plan_id
            and estimates.policy_id = rolled_up_days.policy_id
            and estimates.unit_type = rolled_up_days.unit_type
            and estimates.estimator = rolled_up_days.estimator
            and estimates.period_type = rolled_up_days.period_type
            and estimates.period_start = rolled_up_days.period_start
    where estimates.pivot_name = 'overall'
    group by estimates.plan_id, estimates.policy_id, estimates.unit_type, estimates.estimator, estimates.period_type

),

-- pivots that put each unit into exactly one value; a content-day is seen on several surfaces and in several countries
pivot_sums as (

    select
        plan_id,
        policy_id,
        unit_type,
        estimator,
        period_type,
        period_start,
        pivot_name,
        sum(sampled_units) as sampled_units
    from estimates
    where
        pivot_name = 'content_age'
        or (unit_type in ('component', 'interaction') and pivot_name in ('surface', 'country'))
    group by plan_id, policy_id, unit_type, estimator, period_type, period_start, pivot_name

),

overall_figures as (

    select
        plan_id,
        policy_id,
        unit_type,
        estimator,
        period_type,
        period_start,
        prevalence,
        sampled_units
    from estimates
    where pivot_name = 'overall'

),

pivot_differences as (

    select
        overall_figures.plan_id,
        overall_figures.policy_id,
        overall_figures.unit_type,
        overall_figures.estimator,
        overall_figures.period_type,
        max(abs(overall_figures.sampled_units - pivot_sums.sampled_units)) as pivot_unit_difference
    from overall_figures
    inner join pivot_sums
        on
            overall_figures.plan_id = pivot_sums.plan_id
            and overall_figures.policy_id = pivot_sums.policy_id
            and overall_figures.unit_type = pivot_sums.unit_type
            and overall_figures.estimator = pivot_sums.estimator
            and overall_figures.period_type = pivot_sums.period_type
            and overall_figures.period_start = pivot_sums.period_start
    group by
        overall_figures.plan_id, overall_figures.policy_id, overall_figures.unit_type, overall_figures.estimator,
        overall_figures.period_type

),

judge_corrections as (

    select
        headline_figures.plan_id,
        headline_figures.policy_id,
        headline_figures.unit_type,
        headline_figures.estimator,
        headline_figures.period_type,
        max(
            abs(headline_figures.prevalence - judge_figures.prevalence) / nullif(headline_figures.prevalence, 0)
        ) as judge_correction_share
    from overall_figures as headline_figures
    inner join overall_figures as judge_figures
        on
            headline_figures.plan_id = judge_figures.plan_id
            and headline_figures.policy_id = judge_figures.policy_id
            and headline_figures.unit_type = judge_figures.unit_type
            and headline_figures.period_type = judge_figures.period_type
            and headline_figures.period_start = judge_figures.period_start
    where
        headline_figures.estimator = 'two_phase'
        and judge_figures.estimator = 'judge'
        and headline_figures.period_type = '28_days'
    group by
        headline_figures.plan_id, headline_figures.policy_id, headline_figures.unit_type, headline_figures.estimator,
        headline_figures.period_type

),

profiles as (

    select
        plan_id,
        policy_id,
        unit_type,
        estimator,
        period_type,
        count(*) as estimates,
        count_if(coalesce(status = 'ok', false)) as ok_estimates,
        count_if(coalesce(status <> 'ok', false) and prevalence is null) as null_estimates,
        count_if(
            status is null
            or (
                coalesce(status in ('ok', 'degenerate_proportion', 'census'), false)
                and (prevalence is null or interval_lower is null or interval_upper is null)
            )
        ) as unexplained_nulls,
        -- a bound that is null is not compared; one without the other is wrong
        count_if(
            coalesce(
                interval_lower > prevalence
                or interval_upper < prevalence
                or interval_lower < 0
                or interval_upper > 1, false
            )
            or (interval_lower is null) <> (interval_upper is null)
            or (prevalence is null and interval_lower is not null)
            or coalesce(isnan(prevalence) or isnan(interval_lower) or isnan(interval_upper), false)
        ) as invalid_intervals,
        count_if(
            coalesce(std_error < 0 or isnan(std_error) or std_error > 1e300, false)
        ) as invalid_standard_errors,
        count_if(coalesce(status = 'invalid_rows', false)) as invalid_row_estimates,
        count_if(pivot_name = 'overall') as overall_rows,
        count_if(pivot_name = 'overall' and prevalence is null) as overall_nulls,
        min(prevalence) as smallest_prevalence,
        max(prevalence) as largest_prevalence,
        max(
            case
                when pivot_name = 'overall' and period_type = '28_days'
                    then (interval_upper - interval_lower) / 2 / nullif(prevalence, 0)
            end
        ) as relative_half_width
    from estimates
    group by plan_id, policy_id, unit_type, estimator, period_type

),

final as (

    select
        profiles.plan_id,
        profiles.policy_id,
        profiles.unit_type,
        profiles.estimator,
        profiles.period_type,
        cast(profiles.estimates as bigint) as estimates,
        cast(profiles.ok_estimates as bigint) as ok_estimates,
        cast(profiles.null_estimates as bigint) as null_estimates,
        cast(profiles.unexplained_nulls as bigint) as unexplained_nulls,
        cast(profiles.invalid_intervals as bigint) as invalid_intervals,
        cast(profiles.invalid_standard_errors as bigint) as invalid_standard_errors,
        case
            when profiles.estimator <> 'judge' then cast(profiles.invalid_row_estimates as bigint)
        end as published_invalid_row_estimates,
        cast(coalesce(drawn_periods.drawn_periods, 0) - profiles.overall_rows as bigint) as missing_overall_rows,
        coalesce(
            cast(profiles.overall_nulls as double) / nullif(cast(profiles.overall_rows as double), 0), cast(1 as double)
        ) as overall_null_share,
        profiles.smallest_prevalence,
        profiles.largest_prevalence,
        profiles.relative_half_width,
        judge_corrections.judge_correction_share,
        cast(roll_up_differences.roll_up_unit_difference as bigint) as roll_up_unit_difference,
        roll_up_differences.roll_up_deviation,
        cast(pivot_differences.pivot_unit_difference as bigint) as pivot_unit_difference
    from profiles
    left join drawn_periods
        on
            profiles.plan_id = drawn_periods.plan_id
            and profiles.period_type = drawn_periods.period_type
    left join roll_up_differences
        on
            profiles.plan_id = roll_up_differences.plan_id
            and profiles.policy_id = roll_up_differences.policy_id
            and profiles.unit_type = roll_up_differences.unit_type
            and profiles.estimator = roll_up_differences.estimator
            and profiles.period_type = roll_up_differences.period_type
    left join pivot_differences
        on
            profiles.plan_id = pivot_differences.plan_id
            and profiles.policy_id = pivot_differences.policy_id
            and profiles.unit_type = pivot_differences.unit_type
            and profiles.estimator = pivot_differences.estimator
            and profiles.period_type = pivot_differences.period_type
    left join judge_corrections
        on
            profiles.plan_id = judge_corrections.plan_id
            and profiles.policy_id = judge_corrections.policy_id
            and profiles.unit_type = judge_corrections.unit_type
            and profiles.estimator = judge_corrections.estimator
            and profiles.period_type = judge_corrections.period_type

)

select * from final
