{{ prevalence._daily('unit_date') }}

with

plans as (

    select
        plans.plan_id,
        plans.unit_date,
        plans.design,
        plans.expected_units,
        plans.interactions_per_user_day,
        plans.components_per_interaction,
        coalesce(plans.policy_id, 'all') as risk_scope,
        coalesce(plans.score_basis, 'learned') as score_basis,
        coalesce(plans.score_power, 0.5) as score_power,
        coalesce(plans.defence_share, 1) as defence_share,
        coalesce(plans.cold_defence_share, plans.defence_share, 1) as cold_defence_share,
        designs.size_measure as size_kind
    from {{ ref('frame_plans') }} as plans
    inner join {{ ref('designs') }} as designs
        on plans.design = designs.design
    where plans.unit_type = 'user_day'

),

-- traffic without a user has no user-day: it is outside this frame
interactions as (

    select *
    from {{ ref('unit_interactions') }}
    where user_id is not null

),

interaction_sizes as (

    select *
    from {{ ref('frame_unit_sizes') }}
    where unit_type = 'interaction'

),

plan_interactions as (

    select {{ prevalence._broadcast(['plans']) }}
        interactions.*,
        plans.plan_id,
        plans.risk_scope,
        least(interactions.views, coalesce(plans.components_per_interaction, interactions.views)) as capped_views
    from interactions
    inner join plans
        on interactions.unit_date = plans.unit_date

),

-- the risk of a user-day is the sum over its interactions, in thousands of theirs, which leaves room to add them up
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
        {% for basis in ['raw', 'learned'] -%}
        cast(
            sum(cast(round(cast(interaction_sizes.{{ basis }}_relative_risk as double) / 1000) as bigint)) as bigint
        ) as {{ basis }}_risk,
        {% endfor -%}
        bool_and(interaction_sizes.learned_relative_risk is not null) as has_learned_rates
    from plan_interactions
    inner join interaction_sizes
        on
            plan_interactions.unit_id = interaction_sizes.unit_id
            and plan_interactions.unit_date = interaction_sizes.unit_date
            and plan_interactions.risk_scope = interaction_sizes.risk_scope
    group by plan_interactions.plan_id, plan_interactions.user_id, plan_interactions.unit_date

),

sized_user_days as (

    select {{ prevalence._broadcast(['plans']) }}
        user_days.*,
        {{ prevalence._user_day_risk_size('user_days.raw_risk', 'plans.score_power') }} as raw_risk_size,
        {{ prevalence._user_day_risk_size('user_days.learned_risk', 'plans.score_power') }} as learned_risk_size
    from user_days
    inner join plans
        on
            user_days.plan_id = plans.plan_id
            and user_days.unit_date = plans.unit_date

),

day_totals as (

    select
        plan_id,
        unit_date,
        cast(count(*) as bigint) as exposure,
        bool_and(has_learned_rates) as has_learned_rates,
        cast(sum(raw_risk_size) as bigint) as raw_risk_size,
        cast(sum(learned_risk_size) as bigint) as learned_risk_size
    from sized_user_days
    group by plan_id, unit_date

),

-- rates serve a day when every interaction has one; until then the raw score does
served_days as (

    select
        plans.*,
        plans.score_basis = 'learned' and day_totals.has_learned_rates as uses_learned_rates,
        day_totals.exposure as day_exposure,
        day_totals.raw_risk_size,
        day_totals.learned_risk_size
    from day_totals
    inner join plans
        on
            day_totals.plan_id = plans.plan_id
            and day_totals.unit_date = plans.unit_date

),

plan_days as (

    select
        *,
        case when uses_learned_rates then learned_risk_size else raw_risk_size end as day_risk_size,
        case when uses_learned_rates then defence_share else cold_defence_share end as share_in_force
    from served_days

),

plan_units as (

    select {{ prevalence._broadcast(['plan_days']) }}
        sized_user_days.*,
        plan_days.design,
        plan_days.expected_units,
        plan_days.interactions_per_user_day,
        plan_days.components_per_interaction,
        case
            when
                plan_days.size_kind = 'exposure_and_score'
                and plan_days.score_power > 0
                and plan_days.share_in_force < 1
                then plan_days.uses_learned_rates
        end as is_score_learned,
        sized_user_days.user_id || '|' || cast(sized_user_days.unit_date as string) as unit_id,
        sized_user_days.user_id as unit_key,
        cast(1 as bigint) as exposure,
        case
            when plan_days.size_kind = 'equal' then cast(1 as bigint)
            else {{ prevalence._defensive_mixture(
                'cast(1 as bigint)',
                'case when plan_days.uses_learned_rates then sized_user_days.learned_risk_size else sized_user_days.raw_risk_size end',
                'plan_days.share_in_force', exposure_total='plan_days.day_exposure', risk_total='plan_days.day_risk_size'
            ) }}
        end as size_measure
    from sized_user_days
    inner join plan_days
        on
            sized_user_days.plan_id = plan_days.plan_id
            and sized_user_days.unit_date = plan_days.unit_date

),

probabilities as (

    {{ prevalence.inclusion_probabilities(
        'plan_units', unit='unit_id', size='size_measure', expected_units='expected_units',
        by=['plan_id', 'unit_date'],
        columns=[
            'unit_key', 'design', 'expected_units', 'interactions_per_user_day', 'components_per_interaction',
            'exposure', 'interactions', 'sessions', 'components', 'capped_components', 'largest_interaction',
            'size_measure', 'is_score_learned', 'is_score_imputed'
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
        is_score_learned,
        is_score_imputed
    from probabilities

)

select * from final
