{{ prevalence._daily('unit_date') }}

{%- set parts = [('compromise', 'content_scores'), ('policy', 'plan_policy_scores')] %}

with

content_days as (

    select * from {{ ref('unit_content_days') }}

),

interactions as (

    select * from {{ ref('unit_interactions') }}

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

    select * from {{ ref('frame_content_scores') }}

),

-- what labels of earlier days taught; through a source, because it is learned after the frames are drawn
learned_rates as (

    select * from {{ source('earlier_periods', 'learned_rates') }}

),

-- policies that a plan is designed for alone; most often none, and then nothing below is read for them
plan_policies as (

    select distinct
        unit_date,
        policy_id
    from {{ ref('frame_plans') }}
    where policy_id is not null

),

units as (

    select
        'content_day' as unit_type,
        unit_id,
        unit_date,
        content_id as unit_key,
        views as exposure
    from content_days

    union all

    select
        'interaction' as unit_type,
        unit_id,
        unit_date,
        interaction_id as unit_key,
        cast(1 as bigint) as exposure
    from interactions

),

plan_policy_scores as (

    select {{ prevalence._broadcast(['plan_policies']) }} content_scores.*
    from content_scores
    inner join plan_policies
        on
            content_scores.policy_id = plan_policies.policy_id
            and content_scores.unit_date = plan_policies.unit_date

),

rates_in_force as (

    {{ prevalence._rates_in_force('learned_rates', 'interaction') | indent(4) }}

),

{% for part, scores in parts -%}
-- the risk of an interaction under a policy is that of its riskiest viewed component
{{ part }}_interaction_scores as (

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

{{ part }}_scores as (

    select
        'content_day' as unit_type,
        unit_id,
        policy_id,
        importance,
        score_millionths,
        mean_score_millionths,
        is_score_imputed,
        learned_relative_risk
    from {{ scores }}

    union all

    select {{ prevalence._broadcast(['rates_in_force']) }}
        'interaction' as unit_type,
        {{ part }}_interaction_scores.interaction_id as unit_id,
        {{ part }}_interaction_scores.policy_id,
        {{ part }}_interaction_scores.importance,
        {{ part }}_interaction_scores.score_millionths,
        {{ part }}_interaction_scores.mean_score_millionths,
        {{ part }}_interaction_scores.is_score_imputed,
        rates_in_force.learned_relative_risk
    from {{ part }}_interaction_scores
    left join rates_in_force
        on
            {{ part }}_interaction_scores.unit_date = rates_in_force.unit_date
            and {{ part }}_interaction_scores.policy_id = rates_in_force.policy_id
            and {{ prevalence._score_root(
                part ~ '_interaction_scores.score_millionths', part ~ '_interaction_scores.is_without_score'
            ) }} = rates_in_force.score_root

),

{{ part }}_risks as (

    select
        *,
        {{ prevalence._relative_risk('score_millionths', 'mean_score_millionths') }} as raw_relative_risk
    from {{ part }}_scores

),

{% endfor -%}
compromise_unit_risks as (

    select
        unit_type,
        unit_id,
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
    group by unit_type, unit_id

),

scoped_units as (

    select
        units.*,
        'all' as risk_scope,
        compromise_unit_risks.highest_score_millionths,
        compromise_unit_risks.is_score_imputed,
        compromise_unit_risks.raw_relative_risk,
        compromise_unit_risks.learned_relative_risk
    from units
    left join compromise_unit_risks
        on
            units.unit_type = compromise_unit_risks.unit_type
            and units.unit_id = compromise_unit_risks.unit_id

    union all

    select {{ prevalence._broadcast(['plan_policies']) }}
        units.*,
        plan_policies.policy_id as risk_scope,
        policy_risks.score_millionths as highest_score_millionths,
        policy_risks.is_score_imputed,
        policy_risks.raw_relative_risk,
        policy_risks.learned_relative_risk
    from units
    inner join plan_policies
        on units.unit_date = plan_policies.unit_date
    left join policy_risks
        on
            units.unit_type = policy_risks.unit_type
            and units.unit_id = policy_risks.unit_id
            and plan_policies.policy_id = policy_risks.policy_id

),

-- an interaction of which nothing was viewed keeps its place in the frame, drawn by the defence alone
final as (

    select
        unit_id,
        unit_type,
        unit_date,
        unit_key,
        risk_scope,
        exposure,
        coalesce(highest_score_millionths, 0) as highest_score_millionths,
        coalesce(is_score_imputed, true) as is_score_imputed,
        coalesce(raw_relative_risk, 0) as raw_relative_risk,
        case
            when highest_score_millionths is null then cast(0 as bigint)
            else learned_relative_risk
        end as learned_relative_risk
    from scoped_units
    where unit_type = 'interaction' or highest_score_millionths is not null

)

select * from final
