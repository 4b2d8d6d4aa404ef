{{ prevalence._daily('unit_date') }}

{%- set parts = [('compromise', 'content_scores'), ('policy', 'plan_policy_scores')] %}

with

interactions as (

    select
        unit_id,
        unit_date,
        interaction_id
    from {{ ref('unit_interactions') }}

),

-- What nobody viewed meets no score. A filter would say the same, and DuckDB, which takes one row of five to pass what
-- a view computes, would hold the components in memory and look up scores in them, instead of the other way round.
components as (

    select
        interaction_id,
        unit_date,
        case when was_viewed then content_id end as viewed_content_id
    from {{ ref('stg_components') }}

),

content_scores as (

    select
        content_id,
        unit_date,
        policy_id,
        score_millionths,
        mean_score_millionths,
        is_score_imputed,
        importance
    from {{ ref('frame_content_scores') }}

),

-- what labels of earlier days taught; through a source, because it is learned after the frames are drawn
learned_rates as (

    select
        set_number,
        effective_date,
        unit_type,
        policy_id,
        bin_number,
        score_from_millionths,
        score_until_millionths,
        violation_rate_billionths,
        overall_rate_billionths,
        mean_root_rate_billionths
    from {{ source('earlier_periods', 'learned_rates') }}

),

-- policies that a plan is designed for alone; most often none, and then nothing below is read for them
plan_policies as (

    select distinct policy_id
    from {{ ref('stg_sampling_plans') }}
    where policy_id is not null

),

plan_policy_scores as (

    select {{ prevalence._broadcast(['plan_policies']) }}
        content_scores.content_id,
        content_scores.unit_date,
        content_scores.policy_id,
        content_scores.score_millionths,
        content_scores.mean_score_millionths,
        content_scores.is_score_imputed,
        content_scores.importance
    from content_scores
    inner join plan_policies
        on content_scores.policy_id = plan_policies.policy_id

),

rates_in_force as (

    {{ prevalence._rates_in_force('learned_rates', 'interaction') | indent(4) }}

),

{% for part, scores in parts -%}
-- the risk of an interaction under a policy is that of its riskiest viewed component
{{ part }}_scores as (

    select
        components.interaction_id,
        components.unit_date,
        {{ scores }}.policy_id,
        max({{ scores }}.score_millionths) as score_millionths,
        max({{ scores }}.mean_score_millionths) as mean_score_millionths,
        max({{ scores }}.importance) as importance,
        bool_or({{ scores }}.is_score_imputed) as is_score_imputed,
        bool_and({{ scores }}.is_score_imputed) as is_without_score
    from components
    inner join {{ scores }}
        on
            components.viewed_content_id = {{ scores }}.content_id
            and components.unit_date = {{ scores }}.unit_date
    group by components.interaction_id, components.unit_date, {{ scores }}.policy_id

),

{{ part }}_risks as (

    select {{ prevalence._broadcast(['rates_in_force']) }}
        {{ part }}_scores.interaction_id,
        {{ part }}_scores.policy_id,
        {{ part }}_scores.importance,
        {{ part }}_scores.score_millionths,
        {{ part }}_scores.is_score_imputed,
        {{ prevalence._relative_risk(
            part ~ '_scores.score_millionths', part ~ '_scores.mean_score_millionths'
        ) }} as raw_relative_risk,
        rates_in_force.learned_relative_risk
    from {{ part }}_scores
    left join rates_in_force
        on
            {{ part }}_scores.unit_date = rates_in_force.unit_date
            and {{ part }}_scores.policy_id = rates_in_force.policy_id
            and {{ prevalence._score_root(part ~ '_scores.score_millionths', part ~ '_scores.is_without_score') }}
            = rates_in_force.score_root

),

{% endfor -%}
unit_risks as (

    select
        interaction_id,
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
    from compromise_risks
    group by interaction_id

),

-- an interaction of which nothing was viewed keeps its place in the frame, drawn by the defence alone
final as (

    select
        interactions.unit_id,
        interactions.unit_date,
        interactions.interaction_id as unit_key,
        'all' as risk_scope,
        cast(1 as bigint) as exposure,
        coalesce(unit_risks.highest_score_millionths, 0) as highest_score_millionths,
        coalesce(unit_risks.is_score_imputed, true) as is_score_imputed,
        coalesce(unit_risks.raw_relative_risk, 0) as raw_relative_risk,
        case
            when unit_risks.interaction_id is null then cast(0 as bigint)
            else unit_risks.learned_relative_risk
        end as learned_relative_risk
    from interactions
    left join unit_risks
        on interactions.interaction_id = unit_risks.interaction_id

    union all

    select {{ prevalence._broadcast(['plan_policies']) }}
        interactions.unit_id,
        interactions.unit_date,
        interactions.interaction_id as unit_key,
        plan_policies.policy_id as risk_scope,
        cast(1 as bigint) as exposure,
        coalesce(policy_risks.score_millionths, 0) as highest_score_millionths,
        coalesce(policy_risks.is_score_imputed, true) as is_score_imputed,
        coalesce(policy_risks.raw_relative_risk, 0) as raw_relative_risk,
        case
            when policy_risks.interaction_id is null then cast(0 as bigint)
            else policy_risks.learned_relative_risk
        end as learned_relative_risk
    from interactions
    cross join plan_policies
    left join policy_risks
        on
            interactions.interaction_id = policy_risks.interaction_id
            and plan_policies.policy_id = policy_risks.policy_id

)

select * from final
