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

plans as (

    select
        plan_id,
        design,
        expected_units,
        defence_share
    from {{ ref('stg_sampling_plans') }}
    where unit_type = 'interaction'

),

logged_draws as (

    select
        plan_id,
        interaction_id,
        inclusion_probability
    from {{ ref('stg_logged_draws') }}

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
sized_units as (

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

),

day_totals as (

    select
        unit_date,
        cast(sum(exposure) as bigint) as exposure,
        cast(sum(risk_size) as bigint) as risk_size
    from sized_units
    group by unit_date

),

-- what a size is a share of: the same for every plan
plan_days as (

    select
        plans.plan_id,
        plans.design,
        plans.expected_units,
        plans.defence_share,
        day_totals.unit_date,
        day_totals.exposure,
        day_totals.risk_size
    from day_totals
    cross join plans
    where plans.design <> 'logged'

),

plan_units as (

    select {{ prevalence._broadcast(['plan_days']) }}
        plan_days.plan_id,
        plan_days.design,
        plan_days.expected_units,
        sized_units.unit_id,
        sized_units.unit_date,
        sized_units.unit_key,
        sized_units.exposure,
        sized_units.is_score_imputed,
        case
            when plan_days.design = 'simple_random' then cast(1 as bigint)
            else {{ prevalence._defensive_mixture(
                'sized_units.exposure', 'sized_units.risk_size', 'plan_days.defence_share',
                exposure_total='plan_days.exposure', risk_total='plan_days.risk_size'
            ) }}
        end as size_measure
    from sized_units
    inner join plan_days
        on sized_units.unit_date = plan_days.unit_date

),

probabilities as (

    {{ prevalence.inclusion_probabilities(
        'plan_units', unit='unit_id', size='size_measure', expected_units='expected_units',
        by=['plan_id', 'unit_date'],
        columns=['unit_key', 'design', 'expected_units', 'exposure', 'size_measure', 'is_score_imputed']
    ) | indent(4) }}

),

-- units that the logging system drew, with the probabilities that it recorded
drawn_elsewhere as (

    select {{ prevalence._broadcast(['plans']) }}
        plans.plan_id,
        sized_units.unit_id,
        sized_units.unit_date,
        sized_units.unit_key,
        plans.design,
        plans.expected_units,
        sized_units.exposure,
        cast(1 as bigint) as size_measure,
        logged_draws.inclusion_probability,
        logged_draws.inclusion_probability = 1 as is_certainty,
        sized_units.is_score_imputed
    from logged_draws
    inner join plans
        on logged_draws.plan_id = plans.plan_id
    inner join sized_units
        on logged_draws.interaction_id = sized_units.unit_key

),

final as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_imputed
    from probabilities

    union all

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_imputed
    from drawn_elsewhere

)

select * from final
