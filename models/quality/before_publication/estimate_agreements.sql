{{ config(materialized='view') }}

{#- of plans that measured some days of a period alone, each has a figure of its own days -#}
{%- set key = [
    'frame_unit_type', 'policy_id', 'policy_version', 'unit_type', 'period_type', 'period_start', 'days_measured'
] %}

with

plans as (

    select *
    from {{ ref('draw_newest_plans') }}

),

periods as (

    select *
    from {{ ref('periods') }}

),

-- days are too small to differ, and rolling periods say the same many times
published_estimates as (

    select publishable_estimates.*
    from {{ ref('publishable_estimates') }} as publishable_estimates
    inner join periods
        on publishable_estimates.period_type = periods.period_type
    where publishable_estimates.pivot_name = 'overall' and periods.days > 1 and periods.cut <> 'rolling'

),

-- interactions of drawn user-days are those of users alone, and a plan that draws interactions has others, too: plans
-- are compared where they draw the same kind of unit
estimates as (

    select
        published_estimates.*,
        plans.unit_type as frame_unit_type
    from published_estimates
    inner join plans
        on published_estimates.plan_id = plans.plan_id

),

final as (

    select
        estimates.policy_id,
        estimates.policy_version,
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
            {{ prevalence._same_key('estimates', 'other_estimates', key) }}
            and estimates.plan_id < other_estimates.plan_id

)

select * from final
