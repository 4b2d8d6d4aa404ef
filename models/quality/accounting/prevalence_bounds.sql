{{ config(materialized='table') }}

{%- set key = ['period_type', 'period_start', 'plan_id', 'policy_id', 'policy_version', 'unit_type', 'estimator'] %}

with

estimates as (

    select *
    from {{ ref('est_prevalence') }}
    where
        estimator in ('two_phase', 'expert')
        and pivot_name = 'overall'

),

labels as (

    select
        *,
        draws * (exposure / overall_inclusion_probability) as weighted_exposure
    from {{ ref('fct_unit_labels') }}
    where is_audited

),

coverage as (

    select *
    from {{ ref('frame_coverage') }}

),

plans as (

    select *
    from {{ ref('draw_newest_plans') }}

),

designs as (

    select *
    from {{ ref('designs') }}

),

accounting as (

    select *
    from {{ ref('log_row_accounting') }}
    where source_name in ('interactions', 'components')

),

label_days as (

    select
        plan_id,
        policy_id,
        policy_version,
        sample_date,
        sum(weighted_exposure) as weighted_exposure,
        sum(case when expert_is_violating is null then weighted_exposure else 0 end) as unanswered_exposure
    from labels
    group by plan_id, policy_id, policy_version, sample_date

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
        {{ 'estimates.' ~ key | join(',\n        estimates.') }},
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
            and estimates.period_end >= plan_days.sample_date
    left join label_days
        on
            estimates.plan_id = label_days.plan_id
            and estimates.policy_id = label_days.policy_id
            and estimates.policy_version = label_days.policy_version
            and plan_days.sample_date = label_days.sample_date
    group by {{ 'estimates.' ~ key | join(', estimates.') }}

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
        period_frames.*,
        plans.unit_type as frame_unit_type,
        designs.is_drawn_elsewhere,
        case
            when plans.unit_type = 'content_day' then undated_rows.components
            else undated_rows.all_rows
        end as undated_exposure
    from period_frames
    inner join plans
        on period_frames.plan_id = plans.plan_id
    left join designs
        on plans.design = designs.design
    cross join undated_rows

),

whole_populations as (

    select
        *,
        nullif(
            cast(covered_exposure + late_exposure + set_aside_exposure + undated_exposure as double), 0
        ) as whole_exposure
    from populations

),

shares as (

    select
        {{ key | join(',\n        ') }},
        frame_unit_type,
        is_drawn_elsewhere,
        imputed_exposure_share,
        signed_out_share,
        cast(late_exposure as double) / whole_exposure as late_share,
        cast(set_aside_exposure as double) / whole_exposure as set_aside_share,
        cast(undated_exposure as double) / whole_exposure as undated_share,
        unanswered_share * cast(covered_exposure as double) / whole_exposure as unanswered_share
    from whole_populations

),

-- why a bound cannot be given; null where it can
judged_shares as (

    select
        estimates.*,
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
            when shares.is_drawn_elsewhere then 'drawn_elsewhere'
            when shares.unanswered_share is null then 'nothing_asked'
            when estimates.interval_lower is null or estimates.interval_upper is null then 'no_interval'
        end as reason
    from estimates
    left join shares
        on {{ prevalence._same_key('estimates', 'shares', key) }}

),

final as (

    -- rounded: sums of doubles differ in their last digits between runs
    select
        period_type,
        period_start,
        plan_id,
        policy_id,
        policy_version,
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
