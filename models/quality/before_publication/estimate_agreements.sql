{{ config(materialized='view') }}

with

plans as (

    select
        plan_id,
        unit_type as frame_unit_type
    from {{ ref('stg_sampling_plans') }}

),

published_estimates as (

    select
        policy_id,
        unit_type,
        period_type,
        period_start,
        plan_id,
        prevalence,
        interval_lower,
        interval_upper
    from {{ ref('publishable_estimates') }}
    where pivot_name = 'overall' and period_type <> 'day'

),

-- interactions of drawn user-days are those of users alone, and a plan that draws interactions has others, too: plans
-- are compared where they draw the same kind of unit
estimates as (

    select
        plans.frame_unit_type,
        published_estimates.policy_id,
        published_estimates.unit_type,
        published_estimates.period_type,
        published_estimates.period_start,
        published_estimates.plan_id,
        published_estimates.prevalence,
        published_estimates.interval_lower,
        published_estimates.interval_upper
    from published_estimates
    inner join plans
        on published_estimates.plan_id = plans.plan_id

),

final as (

    select
        estimates.policy_id,
        estimates.unit_type,
        estimates.period_type,
        estimates.period_start,
        estimates.plan_id,
        other_estimates.plan_id as other_plan_id,
        estimates.prevalence,
        other_estimates.prevalence as other_prevalence,
        {{ prevalence._interval_deviation(
            'estimates.prevalence', 'estimates.interval_lower', 'estimates.interval_upper',
            'other_estimates.prevalence', 'other_estimates.interval_lower', 'other_estimates.interval_upper'
        ) }} as deviation
    from estimates
    inner join estimates as other_estimates
        on
            estimates.frame_unit_type = other_estimates.frame_unit_type
            and estimates.policy_id = other_estimates.policy_id
            and estimates.unit_type = other_estimates.unit_type
            and estimates.period_type = other_estimates.period_type
            and estimates.period_start = other_estimates.period_start
            and estimates.plan_id < other_estimates.plan_id

)

select * from final
