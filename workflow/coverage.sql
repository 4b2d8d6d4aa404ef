-- Overall estimates against the demo world's truth: one row per period type, plan and policy, and one for all policies.
with

compared as (

    select
        estimates.period_type,
        estimates.plan_id,
        estimates.policy_id,
        estimates.prevalence,
        estimates.positive_units,
        truth.true_prevalence,
        estimates.interval_lower is null as is_missing,
        truth.true_prevalence between estimates.interval_lower and estimates.interval_upper as is_covered,
        (estimates.interval_upper - estimates.interval_lower) / nullif(truth.true_prevalence, 0) as relative_width
    from estimates.est_prevalence as estimates
    inner join truth.prevalence as truth
        on
            estimates.period_type = truth.period_type
            and estimates.period_start = truth.period_start
            and estimates.policy_id = truth.policy_id
            and estimates.unit_type = truth.unit_type
            and estimates.pivot_name = truth.pivot_name
            and estimates.pivot_value = truth.pivot_value
    where
        estimates.pivot_name = 'overall'
        and estimates.estimator in ('two_phase', 'expert')

),

summarised as (

    select
        period_type,
        plan_id,
        policy_id,
        grouping(policy_id) as is_every_policy,
        count(*) as intervals,
        count_if(is_missing) as missing_intervals,
        avg(cast(is_covered as integer)) as coverage,
        median(relative_width) as median_relative_width,
        avg(positive_units) as mean_positive_units,
        avg(prevalence) / nullif(avg(true_prevalence), 0) - 1 as relative_bias
    from compared
    group by grouping sets ((period_type, plan_id, policy_id), (period_type, plan_id))

)

select
    period_type,
    plan_id,
    coalesce(policy_id, 'all') as policy_name,
    intervals,
    missing_intervals,
    coverage,
    median_relative_width,
    mean_positive_units,
    relative_bias
from summarised
order by
    case period_type when 'day' then 1 when 'week' then 2 else 3 end,
    plan_id,
    is_every_policy desc,
    policy_name
