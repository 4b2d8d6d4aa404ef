{{ prevalence._daily('unit_date') }}

with

plans as (

    select
        plan_id,
        design,
        expected_units,
        defence_share,
        interactions_per_user_day,
        components_per_interaction,
        coalesce(policy_id, 'all') as risk_scope
    from {{ ref('stg_sampling_plans') }}
    where unit_type = 'user_day'

),

-- traffic without a user has no user-day: it is outside this frame
interactions as (

    select
        unit_id,
        unit_date,
        user_id,
        session_id,
        views
    from {{ ref('unit_interactions') }}
    where user_id is not null

),

interaction_sizes as (

    select
        unit_id,
        unit_date,
        risk_scope,
        is_score_imputed,
        raw_relative_risk
    from {{ ref('frame_interaction_sizes') }}

),

plan_interactions as (

    select {{ prevalence._broadcast(['plans']) }}
        plans.plan_id,
        plans.risk_scope,
        interactions.unit_id,
        interactions.unit_date,
        interactions.user_id,
        interactions.session_id,
        interactions.views,
        least(interactions.views, coalesce(plans.components_per_interaction, interactions.views)) as capped_views
    from interactions
    cross join plans

),

-- the risk of a user-day is the sum over its interactions, in millionths, which leaves room to add them up
user_days as (

    select
        plan_interactions.plan_id,
        plan_interactions.user_id,
        plan_interactions.unit_date,
        count(*) as interactions,
        count(distinct plan_interactions.session_id) as sessions,
        sum(plan_interactions.views) as components,
        sum(plan_interactions.capped_views) as capped_components,
        max(plan_interactions.views) as largest_interaction,
        bool_and(interaction_sizes.is_score_imputed) as is_score_imputed,
        cast(
            round(
                1000 * sqrt(
                    cast(
                        sum(
                            cast(round(cast(interaction_sizes.raw_relative_risk as double) / 1000000) as bigint)
                        ) as double
                    )
                )
            ) as bigint
        ) as risk_size
    from plan_interactions
    inner join interaction_sizes
        on
            plan_interactions.unit_id = interaction_sizes.unit_id
            and plan_interactions.unit_date = interaction_sizes.unit_date
            and plan_interactions.risk_scope = interaction_sizes.risk_scope
    group by plan_interactions.plan_id, plan_interactions.user_id, plan_interactions.unit_date

),

day_totals as (

    select
        plan_id,
        unit_date,
        cast(count(*) as bigint) as exposure,
        cast(sum(risk_size) as bigint) as risk_size
    from user_days
    group by plan_id, unit_date

),

plan_days as (

    select
        plans.plan_id,
        plans.design,
        plans.expected_units,
        plans.defence_share,
        plans.interactions_per_user_day,
        plans.components_per_interaction,
        day_totals.unit_date,
        day_totals.exposure,
        day_totals.risk_size
    from day_totals
    inner join plans
        on day_totals.plan_id = plans.plan_id

),

plan_units as (

    select {{ prevalence._broadcast(['plan_days']) }}
        plan_days.plan_id,
        plan_days.design,
        plan_days.expected_units,
        plan_days.interactions_per_user_day,
        plan_days.components_per_interaction,
        user_days.user_id || '|' || cast(user_days.unit_date as string) as unit_id,
        user_days.unit_date,
        user_days.user_id as unit_key,
        cast(1 as bigint) as exposure,
        user_days.interactions,
        user_days.sessions,
        user_days.components,
        user_days.capped_components,
        user_days.largest_interaction,
        user_days.is_score_imputed,
        case
            when plan_days.design = 'simple_random' then cast(1 as bigint)
            else {{ prevalence._defensive_mixture(
                'cast(1 as bigint)', 'user_days.risk_size', 'plan_days.defence_share',
                exposure_total='plan_days.exposure', risk_total='plan_days.risk_size'
            ) }}
        end as size_measure
    from user_days
    inner join plan_days
        on
            user_days.plan_id = plan_days.plan_id
            and user_days.unit_date = plan_days.unit_date

),

probabilities as (

    {{ prevalence.inclusion_probabilities(
        'plan_units', unit='unit_id', size='size_measure', expected_units='expected_units',
        by=['plan_id', 'unit_date'],
        columns=[
            'unit_key', 'design', 'expected_units', 'interactions_per_user_day', 'components_per_interaction',
            'exposure', 'interactions', 'sessions', 'components', 'capped_components', 'largest_interaction',
            'size_measure', 'is_score_imputed'
        ]
    ) | indent(4) }}

),

final as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        interactions_per_user_day,
        components_per_interaction,
        exposure,
        cast(interactions as bigint) as interactions,
        cast(sessions as bigint) as sessions,
        cast(components as bigint) as components,
        cast(largest_interaction as bigint) as largest_interaction,
        {{ prevalence._whole_probability(
            'interactions', 'components', 'capped_components', 'interactions_per_user_day'
        ) }} as whole_probability,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_imputed
    from probabilities

)

select * from final
