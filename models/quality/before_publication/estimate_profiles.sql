{{ config(materialized='view') }}

{%- set key = ['plan_id', 'policy_id', 'policy_version', 'unit_type', 'estimator', 'period_type'] %}
{%- set part = ['plan_id', 'policy_id', 'policy_version'] %}
{%- set period_key = key + ['period_start'] %}

with

estimates as (

    select *
    from {{ ref('est_prevalence') }}

),

pivots as (

    select *
    from {{ ref('pivots') }}

),

measured_period_days as (

    select *
    from {{ ref('est_period_days') }}

),

draws as (

    select *
    from {{ ref('draw_units') }}

),

-- the exposure that each drawn day stands for
drawn_days as (

    select
        plan_id,
        sample_date,
        cast(max(frame_exposure) as double) as frame_exposure
    from draws
    group by plan_id, sample_date

),

-- each measured day once for each of its periods
period_days as (

    select
        measured_period_days.*,
        drawn_days.frame_exposure
    from measured_period_days
    inner join drawn_days
        on
            measured_period_days.plan_id = drawn_days.plan_id
            and measured_period_days.sample_date = drawn_days.sample_date

),

measured_periods as (

    select
        {{ part | join(',\n        ') }},
        period_type,
        count(distinct period_start) as measured_periods
    from measured_period_days
    group by {{ part | join(', ') }}, period_type

),

overall_figures as (

    select *
    from estimates
    where pivot_name = 'overall'

),

-- the overall figures of days, as parts of the longer periods they belong to
day_figures as (

    select
        period_days.*,
        overall_figures.unit_type,
        overall_figures.estimator,
        overall_figures.prevalence,
        overall_figures.sampled_units
    from overall_figures
    inner join period_days
        on
            {{ prevalence._same_key('overall_figures', 'period_days', part) }}
            and overall_figures.period_start = period_days.sample_date
    where overall_figures.period_type = 'day' and period_days.period_type <> 'day'

),

rolled_up_days as (

    select
        {{ period_key | join(',\n        ') }},
        sum(sampled_units) as sampled_units,
        case
            when count(*) = count(prevalence)
                then sum(frame_exposure * prevalence) / nullif(sum(frame_exposure), 0)
        end as prevalence
    from day_figures
    group by {{ period_key | join(', ') }}

),

-- pivots that put each unit into exactly one value; a content-day is seen on several surfaces and in several countries
pivot_sums as (

    select
        {{ 'estimates.' ~ period_key | join(',\n        estimates.') }},
        estimates.pivot_name,
        sum(estimates.sampled_units) as sampled_units
    from estimates
    inner join pivots
        on
            estimates.pivot_name = pivots.pivot_name
            and estimates.unit_type = pivots.unit_type
    where pivots.divides_units and pivots.pivot_name <> 'overall'
    group by {{ 'estimates.' ~ period_key | join(', estimates.') }}, estimates.pivot_name

),

judge_figures as (

    select *
    from overall_figures
    where estimator = 'judge'

),

compared_figures as (

    select
        overall_figures.*,
        abs(overall_figures.sampled_units - rolled_up_days.sampled_units) as roll_up_unit_difference,
        -- rounded: where both agree what is left are last digits, which differ between runs
        round(
            abs(overall_figures.prevalence - rolled_up_days.prevalence) / nullif(overall_figures.std_error, 0), 9
        ) as roll_up_deviation,
        abs(overall_figures.sampled_units - pivot_sums.sampled_units) as pivot_unit_difference,
        case
            when overall_figures.estimator = 'two_phase' and overall_figures.period_type = '28_days'
                then
                    abs(overall_figures.prevalence - judge_figures.prevalence)
                    / nullif(overall_figures.prevalence, 0)
        end as judge_correction_share
    from overall_figures
    left join rolled_up_days
        on {{ prevalence._same_key('overall_figures', 'rolled_up_days', period_key) }}
    left join pivot_sums
        on {{ prevalence._same_key('overall_figures', 'pivot_sums', period_key) }}
    left join judge_figures
        on
            {{ prevalence._same_key(
                'overall_figures', 'judge_figures', part + ['unit_type', 'period_type', 'period_start']
            ) }}

),

comparisons as (

    select
        {{ key | join(',\n        ') }},
        max(roll_up_unit_difference) as roll_up_unit_difference,
        max(roll_up_deviation) as roll_up_deviation,
        max(pivot_unit_difference) as pivot_unit_difference,
        max(judge_correction_share) as judge_correction_share
    from compared_figures
    group by {{ key | join(', ') }}

),

profiles as (

    select
        {{ key | join(',\n        ') }},
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
    group by {{ key | join(', ') }}

),

final as (

    select
        profiles.plan_id,
        profiles.policy_id,
        profiles.policy_version,
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
        cast(coalesce(measured_periods.measured_periods, 0) - profiles.overall_rows as bigint) as missing_overall_rows,
        coalesce(
            cast(profiles.overall_nulls as double) / nullif(cast(profiles.overall_rows as double), 0), cast(1 as double)
        ) as overall_null_share,
        profiles.smallest_prevalence,
        profiles.largest_prevalence,
        profiles.relative_half_width,
        comparisons.judge_correction_share,
        cast(comparisons.roll_up_unit_difference as bigint) as roll_up_unit_difference,
        comparisons.roll_up_deviation,
        cast(comparisons.pivot_unit_difference as bigint) as pivot_unit_difference
    from profiles
    left join measured_periods
        on {{ prevalence._same_key('profiles', 'measured_periods', part + ['period_type']) }}
    left join comparisons
        on {{ prevalence._same_key('profiles', 'comparisons', key) }}

)

select * from final
