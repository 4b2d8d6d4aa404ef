{{ config(enabled=var('demo_world', false)) }}

-- How often the intervals of the demo world's overall figures hold its truth: one row per period type, plan, unit type
-- and policy, and one for all policies. A build of many small worlds (`prevalence coverage --seeds 200`) says most.
with

compared as (

    select
        estimates.period_type,
        estimates.plan_id,
        estimates.unit_type,
        estimates.policy_id,
        estimates.prevalence,
        estimates.positive_units,
        truths.true_prevalence,
        estimates.interval_lower is null as is_missing,
        truths.true_prevalence between estimates.interval_lower and estimates.interval_upper as is_covered,
        (estimates.interval_upper - estimates.interval_lower) / nullif(truths.true_prevalence, 0) as relative_width
    from {{ ref('est_prevalence') }} as estimates
    inner join {{ ref('truth_plan_prevalence') }} as truths
        on
            estimates.plan_id = truths.plan_id
            and estimates.period_type = truths.period_type
            and estimates.period_start = truths.period_start
            and estimates.policy_id = truths.policy_id
            and estimates.unit_type = truths.unit_type
            and estimates.pivot_name = truths.pivot_name
            and estimates.pivot_value = truths.pivot_value
    where
        estimates.pivot_name = 'overall'
        and estimates.estimator in ('two_phase', 'expert')

),

policy_rows as (

    select
        *,
        policy_id as policy_name
    from compared

    union all

    select
        *,
        'all' as policy_name
    from compared

),

summarised as (

    select
        period_type,
        plan_id,
        unit_type,
        policy_name,
        count(*) as intervals,
        count_if(is_missing) as missing_intervals,
        avg(cast(is_covered as integer)) as coverage,
        median(relative_width) as median_relative_width,
        avg(positive_units) as mean_positive_units,
        avg(prevalence) / nullif(avg(true_prevalence), 0) - 1 as relative_bias
    from policy_rows
    group by period_type, plan_id, unit_type, policy_name

)

select
    summarised.period_type,
    summarised.plan_id,
    summarised.unit_type,
    summarised.policy_name,
    summarised.intervals,
    summarised.missing_intervals,
    summarised.coverage,
    summarised.median_relative_width,
    summarised.mean_positive_units,
    summarised.relative_bias
from summarised
inner join {{ ref('periods') }} as periods
    on summarised.period_type = periods.period_type
order by
    periods.days asc,
    summarised.plan_id asc,
    summarised.unit_type asc,
    case when summarised.policy_name = 'all' then 1 else 2 end asc,
    summarised.policy_name asc
