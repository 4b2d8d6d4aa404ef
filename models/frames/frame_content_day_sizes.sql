{{ prevalence._daily('unit_date') }}

with

content_days as (

    select
        unit_id,
        unit_date,
        content_id,
        views
    from {{ ref('unit_content_days') }}

),

content_scores as (

    select
        unit_id,
        policy_id,
        score_millionths,
        mean_score_millionths,
        is_score_imputed,
        importance,
        learned_relative_risk
    from {{ ref('frame_content_scores') }}

),

-- policies that a plan is designed for alone; most often none, and then nothing below is read for them
plan_policies as (

    select distinct policy_id
    from {{ ref('stg_sampling_plans') }}
    where policy_id is not null

),

relative_risks as (

    select
        unit_id,
        policy_id,
        score_millionths,
        is_score_imputed,
        importance,
        {{ prevalence._relative_risk('score_millionths', 'mean_score_millionths') }} as raw_relative_risk,
        learned_relative_risk
    from content_scores

),

compromise_risks as (

    select
        unit_id,
        'all' as risk_scope,
        max(score_millionths) as highest_score_millionths,
        bool_or(is_score_imputed) as is_score_imputed,
        cast(
            least(
                sum({{ prevalence._weighed_risk('raw_relative_risk', 'importance') }}), 1000000000000000000
            ) as bigint
        ) as raw_relative_risk,
        -- a policy without rates would be left to chance, so all wait for it
        case
            when bool_and(learned_relative_risk is not null or importance = 0)
                then cast(
                    least(
                        sum({{ prevalence._weighed_risk('learned_relative_risk', 'importance') }}), 1000000000000000000
                    ) as bigint
                )
        end as learned_relative_risk
    from relative_risks
    group by unit_id

),

policy_risks as (

    select {{ prevalence._broadcast(['plan_policies']) }}
        relative_risks.unit_id,
        relative_risks.policy_id as risk_scope,
        relative_risks.score_millionths as highest_score_millionths,
        relative_risks.is_score_imputed,
        relative_risks.raw_relative_risk,
        relative_risks.learned_relative_risk
    from relative_risks
    inner join plan_policies
        on relative_risks.policy_id = plan_policies.policy_id

),

unit_risks as (

    select
        unit_id,
        risk_scope,
        highest_score_millionths,
        is_score_imputed,
        raw_relative_risk,
        learned_relative_risk
    from compromise_risks

    union all

    select
        unit_id,
        risk_scope,
        highest_score_millionths,
        is_score_imputed,
        raw_relative_risk,
        learned_relative_risk
    from policy_risks

),

final as (

    select
        content_days.unit_id,
        content_days.unit_date,
        content_days.content_id as unit_key,
        unit_risks.risk_scope,
        content_days.views as exposure,
        unit_risks.highest_score_millionths,
        unit_risks.is_score_imputed,
        unit_risks.raw_relative_risk,
        unit_risks.learned_relative_risk
    from content_days
    inner join unit_risks
        on content_days.unit_id = unit_risks.unit_id

)

select * from final
