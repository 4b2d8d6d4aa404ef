-- Overall estimates against the demo world's truth: one row per period type, plan, unit type and policy, and one for all
-- policies.
with

-- plans of user-days measure what signed-in users saw, the others all traffic
truths as (

    select
        false as is_signed_in,
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        true_prevalence
    from truth.prevalence

    union all

    select
        true as is_signed_in,
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        true_prevalence
    from truth.signed_in_prevalence

),

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
    from estimates.est_prevalence as estimates
    inner join staging.stg_sampling_plans as plans
        on estimates.plan_id = plans.plan_id
    inner join truths
        on
            (plans.unit_type = 'user_day') = truths.is_signed_in
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

summarised as (

    select
        period_type,
        plan_id,
        unit_type,
        policy_id,
        grouping(policy_id) as is_every_policy,
        count(*) as intervals,
        count_if(is_missing) as missing_intervals,
        avg(cast(is_covered as integer)) as coverage,
        median(relative_width) as median_relative_width,
        avg(positive_units) as mean_positive_units,
        avg(prevalence) / nullif(avg(true_prevalence), 0) - 1 as relative_bias
    from compared
    group by grouping sets ((period_type, plan_id, unit_type, policy_id), (period_type, plan_id, unit_type))

)

select
    period_type,
    plan_id,
    unit_type,
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
    unit_type,
    is_every_policy desc,
    policy_name
