{{ prevalence._daily('unit_date') }}

with

interactions as (

    select
        unit_id,
        unit_date,
        interaction_id
    from {{ ref('unit_interactions') }}

),

components as (

    select
        interaction_id,
        unit_date,
        content_id,
        was_viewed
    from {{ ref('stg_components') }}

),

content_scores as (

    select
        content_id,
        unit_date,
        policy_id,
        score_millionths,
        mean_score_millionths,
        is_score_imputed
    from {{ ref('frame_content_scores') }}

),

-- the risk of an interaction under a policy is that of its riskiest viewed component
policy_risks as (

    select
        components.interaction_id,
        content_scores.policy_id,
        max(
            {{ prevalence._relative_risk(
                'content_scores.score_millionths', 'content_scores.mean_score_millionths'
            ) }}
        ) as relative_risk,
        bool_or(content_scores.is_score_imputed) as is_score_imputed
    from components
    inner join content_scores
        on
            components.content_id = content_scores.content_id
            and components.unit_date = content_scores.unit_date
    where components.was_viewed
    group by components.interaction_id, content_scores.policy_id

),

unit_risks as (

    select
        interaction_id,
        least(sum(relative_risk), 1000000000000000000) as relative_risk,
        bool_or(is_score_imputed) as is_score_imputed
    from policy_risks
    group by interaction_id

),

-- an interaction of which nothing was viewed keeps its place in the frame, drawn by the defence alone
final as (

    select
        interactions.unit_id,
        interactions.unit_date,
        interactions.interaction_id as unit_key,
        cast(1 as bigint) as exposure,
        coalesce(unit_risks.is_score_imputed, true) as is_score_imputed,
        cast(round(sqrt(cast(coalesce(unit_risks.relative_risk, 0) as double))) as bigint) as risk_size
    from interactions
    left join unit_risks
        on interactions.interaction_id = unit_risks.interaction_id

)

select * from final
