{{ config(materialized='table') }}

with

estimates as (

    select
        period_type,
        period_start,
        plan_id,
        policy_id,
        unit_type,
        estimator,
        prevalence,
        interval_lower,
        interval_upper,
        interval_level
    from {{ ref('est_prevalence') }}
    where
        estimator in ('two_phase', 'expert')
        and pivot_name = 'overall'

),

labels as (

    select
        plan_id,
        policy_id,
        sample_date,
        draws,
        exposure,
        overall_inclusion_probability,
        expert_is_violating
    from {{ ref('fct_unit_labels') }}
    where is_audited

),

coverage as (

    select
        plan_id,
        sample_date,
        frame_exposure_when_drawn,
        frame_exposure,
        uncovered_exposure,
        imputed_exposure_share,
        signed_out_share
    from {{ ref('frame_coverage') }}

),

plans as (

    select
        plan_id,
        unit_type,
        design
    from {{ ref('stg_sampling_plans') }}

),

accounting as (

    select
        source_name,
        row_day,
        quarantined_rows
    from {{ ref('log_row_accounting') }}
    where source_name in ('interactions', 'components')

),

label_days as (

    select
        plan_id,
        policy_id,
        sample_date,
        sum(draws * (exposure / overall_inclusion_probability)) as weighted_exposure,
        sum(
            case when expert_is_violating is null then draws * (exposure / overall_inclusion_probability) else 0 end
        ) as unanswered_exposure
    from labels
    group by plan_id, policy_id, sample_date

),

quarantined_days as (

    select
        row_day,
        sum(case when source_name = 'components' then quarantined_rows else 0 end) as components,
        sum(quarantined_rows) as all_rows
    from accounting
    group by row_day

),

-- Each row that was set aside could have been one view; and one more interaction, or a violation in one.
plan_days as (

    select
        coverage.plan_id,
        coverage.sample_date,
        coalesce(coverage.frame_exposure_when_drawn, 0) as covered_exposure,
        greatest(coverage.uncovered_exposure, 0) as late_exposure,
        case
            when plans.unit_type = 'content_day' then coalesce(quarantined_days.components, 0)
            else coalesce(quarantined_days.all_rows, 0)
        end as set_aside_exposure,
        coverage.frame_exposure,
        coverage.imputed_exposure_share * coverage.frame_exposure as imputed_exposure,
        coverage.signed_out_share
    from coverage
    inner join plans
        on coverage.plan_id = plans.plan_id
    left join quarantined_days
        on cast(coverage.sample_date as string) = quarantined_days.row_day

),

period_frames as (

    select
        estimates.period_type,
        estimates.period_start,
        estimates.plan_id,
        estimates.policy_id,
        estimates.unit_type,
        estimates.estimator,
        sum(plan_days.covered_exposure) as covered_exposure,
        sum(plan_days.late_exposure) as late_exposure,
        sum(plan_days.set_aside_exposure) as set_aside_exposure,
        sum(plan_days.imputed_exposure) / nullif(sum(plan_days.frame_exposure), 0) as imputed_exposure_share,
        avg(plan_days.signed_out_share) as signed_out_share,
        sum(label_days.unanswered_exposure) / nullif(sum(label_days.weighted_exposure), 0) as unanswered_share
    from estimates
    inner join plan_days
        on
            estimates.plan_id = plan_days.plan_id
            and estimates.period_start <= plan_days.sample_date
            and plan_days.sample_date < case
                when estimates.period_type = 'day' then {{ prevalence._add_days('estimates.period_start', 1) }}
                when estimates.period_type = 'week' then {{ prevalence._add_days('estimates.period_start', 7) }}
                else {{ prevalence._add_days('estimates.period_start', 28) }}
            end
    left join label_days
        on
            estimates.plan_id = label_days.plan_id
            and estimates.policy_id = label_days.policy_id
            and plan_days.sample_date = label_days.sample_date
    group by
        estimates.period_type, estimates.period_start, estimates.plan_id, estimates.policy_id, estimates.unit_type,
        estimates.estimator

),

-- rows without a day could be of any: each period is bounded as if all were its own
undated_rows as (

    select
        coalesce(max(case when row_day = 'undated' then components end), 0) as components,
        coalesce(max(case when row_day = 'undated' then all_rows end), 0) as all_rows
    from quarantined_days

),

populations as (

    select
        period_frames.period_type,
        period_frames.period_start,
        period_frames.plan_id,
        period_frames.policy_id,
        period_frames.unit_type,
        period_frames.estimator,
        plans.unit_type as frame_unit_type,
        plans.design,
        period_frames.covered_exposure,
        period_frames.late_exposure,
        period_frames.set_aside_exposure,
        case
            when plans.unit_type = 'content_day' then undated_rows.components
            else undated_rows.all_rows
        end as undated_exposure,
        period_frames.imputed_exposure_share,
        period_frames.signed_out_share,
        period_frames.unanswered_share
    from period_frames
    inner join plans
        on period_frames.plan_id = plans.plan_id
    cross join undated_rows

),

shares as (

    select
        period_type,
        period_start,
        plan_id,
        policy_id,
        unit_type,
        estimator,
        frame_unit_type,
        design,
        imputed_exposure_share,
        signed_out_share,
        cast(late_exposure as double) / nullif(
            cast(covered_exposure + late_exposure + set_aside_exposure + undated_exposure as double), 0
        ) as late_share,
        cast(set_aside_exposure as double) / nullif(
            cast(covered_exposure + late_exposure + set_aside_exposure + undated_exposure as double), 0
        ) as set_aside_share,
        cast(undated_exposure as double) / nullif(
            cast(covered_exposure + late_exposure + set_aside_exposure + undated_exposure as double), 0
        ) as undated_share,
        unanswered_share * cast(covered_exposure as double) / nullif(
            cast(covered_exposure + late_exposure + set_aside_exposure + undated_exposure as double), 0
        ) as unanswered_share
    from populations

),

-- why a bound cannot be given; null where it can
judged_shares as (

    select
        estimates.period_type,
        estimates.period_start,
        estimates.plan_id,
        estimates.policy_id,
        estimates.unit_type,
        estimates.estimator,
        estimates.prevalence,
        estimates.interval_lower,
        estimates.interval_upper,
        estimates.interval_level,
        shares.late_share,
        shares.set_aside_share,
        shares.undated_share,
        shares.unanswered_share,
        shares.imputed_exposure_share,
        shares.signed_out_share,
        shares.late_share + shares.set_aside_share + shares.undated_share + shares.unanswered_share as outside_share,
        case
            when shares.plan_id is null then 'frame_unknown'
            when shares.frame_unit_type = 'user_day' then 'frame_is_signed_in_traffic'
            when shares.design = 'logged' then 'drawn_elsewhere'
            when shares.unanswered_share is null then 'nothing_asked'
            when estimates.interval_lower is null or estimates.interval_upper is null then 'no_interval'
        end as reason
    from estimates
    left join shares
        on
            estimates.period_type = shares.period_type
            and estimates.period_start = shares.period_start
            and estimates.plan_id = shares.plan_id
            and estimates.policy_id = shares.policy_id
            and estimates.unit_type = shares.unit_type
            and estimates.estimator = shares.estimator

),

final as (

    -- rounded: sums of doubles differ in their last digits between runs
    select
        period_type,
        period_start,
        plan_id,
        policy_id,
        unit_type,
        estimator,
        prevalence,
        interval_lower,
        interval_upper,
        interval_level,
        round(late_share, 12) as late_share,
        round(set_aside_share, 12) as set_aside_share,
        round(undated_share, 12) as undated_share,
        round(unanswered_share, 12) as unanswered_share,
        case
            when reason in ('frame_is_signed_in_traffic', 'drawn_elsewhere') then cast(null as double)
            else round(outside_share, 12)
        end as outside_share,
        round(imputed_exposure_share, 12) as imputed_exposure_share,
        round(signed_out_share, 12) as signed_out_share,
        case when reason is null then round(interval_lower * (1 - outside_share), 12) end as bound_lower,
        case
            when reason is null then round(interval_upper * (1 - outside_share) + outside_share, 12)
        end as bound_upper,
        coalesce(reason, 'ok') as status
    from judged_shares

)

select * from final
