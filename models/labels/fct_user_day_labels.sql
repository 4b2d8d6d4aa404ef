{{ config(materialized='table') }}

with

user_days as (

    select *
    from {{ ref('draw_user_days') }}

),

interactions as (

    select *
    from {{ ref('draw_user_day_interactions') }}

),

components as (

    select *
    from {{ ref('draw_user_day_components') }}
    where was_viewed

),

unit_labels as (

    select *
    from {{ ref('fct_unit_labels') }}

),

draw_policies as (

    select *
    from {{ ref('draw_policies') }}

),

-- an interaction that no label has reached keeps its row
interaction_answers as (

    select
        interactions.*,
        draw_policies.policy_id,
        draw_policies.policy_version,
        unit_labels.expert_is_violating,
        unit_labels.expert_any_component_violates,
        unit_labels.expert_component_refs
    from interactions
    inner join draw_policies
        on
            interactions.plan_id = draw_policies.plan_id
            and interactions.sample_date = draw_policies.sample_date
    left join unit_labels
        on
            interactions.plan_id = unit_labels.plan_id
            and interactions.unit_type = unit_labels.unit_type
            and interactions.unit_id = unit_labels.unit_id
            and draw_policies.policy_id = unit_labels.policy_id

),

component_labels as (

    select
        interaction_answers.plan_id,
        interaction_answers.user_day_id,
        'component' as unit_type,
        interaction_answers.interaction_id || '|' || cast(components.position as string) as unit_id,
        interaction_answers.policy_id,
        interaction_answers.policy_version,
        interaction_answers.sample_date,
        interaction_answers.surface,
        interaction_answers.country,
        components.inclusion_probability,
        case
            when interaction_answers.expert_is_violating is not null
                then
                    coalesce(
                        '|' || interaction_answers.expert_component_refs || '|'
                        like '%|' || components.component_ref || '|%',
                        false
                    )
        end as is_violating,
        cast(null as boolean) as any_component_violates
    from interaction_answers
    inner join components
        on
            interaction_answers.plan_id = components.plan_id
            and interaction_answers.interaction_id = components.interaction_id

),

-- of which labelers saw all: a part says nothing about the whole
interaction_labels as (

    select
        plan_id,
        user_day_id,
        'interaction' as unit_type,
        interaction_id as unit_id,
        policy_id,
        policy_version,
        sample_date,
        surface,
        country,
        whole_inclusion_probability as inclusion_probability,
        expert_is_violating as is_violating,
        expert_any_component_violates as any_component_violates
    from interaction_answers
    where unit_type = 'interaction'

),

-- a user-day that was taken whole tells of itself and of its sessions
gathered_answers as (

    select
        interaction_answers.*,
        gatherings.gathered_type,
        case gatherings.gathered_type
            when 'session' then interaction_answers.session_id || '|' || interaction_answers.user_day_id
            else interaction_answers.user_day_id
        end as gathered_id,
        user_days.whole_inclusion_probability as user_day_probability
    from interaction_answers
    inner join user_days
        on
            interaction_answers.plan_id = user_days.plan_id
            and interaction_answers.user_day_id = user_days.unit_id
    cross join (values ('session'), ('user_day')) as gatherings (gathered_type)
    where user_days.is_whole

),

-- one violation decides, whatever was not answered; without one, all must have been answered
gathered_labels as (

    select
        plan_id,
        user_day_id,
        gathered_type as unit_type,
        gathered_id as unit_id,
        policy_id,
        policy_version,
        sample_date,
        cast(null as string) as surface,
        cast(null as string) as country,
        max(user_day_probability) as inclusion_probability,
        case
            when bool_or(coalesce(expert_is_violating, false)) then true
            when bool_and(expert_is_violating is not null) then false
        end as is_violating,
        cast(null as boolean) as any_component_violates
    from gathered_answers
    where gathered_id is not null
    group by plan_id, user_day_id, gathered_type, gathered_id, policy_id, policy_version, sample_date

),

-- lists of one shape, here and below
seen_units as (

    select * from component_labels
    union all
    select * from interaction_labels
    union all
    select * from gathered_labels

),

seen_user_days as (

    select distinct
        plan_id,
        user_day_id,
        unit_type
    from seen_units

),

unit_types as (

    select type_rows.unit_type
    from (values ('component'), ('interaction'), ('session'), ('user_day')) as type_rows (unit_type)

),

-- a drawn user-day of which no unit of a type was seen has a row without an answer: it adds nothing, and is counted
unseen_user_days as (

    select
        user_days.plan_id,
        user_days.unit_id as user_day_id,
        unit_types.unit_type,
        user_days.unit_id,
        draw_policies.policy_id,
        draw_policies.policy_version,
        user_days.sample_date,
        cast(null as string) as surface,
        cast(null as string) as country,
        user_days.whole_inclusion_probability as inclusion_probability,
        cast(null as boolean) as is_violating,
        cast(null as boolean) as any_component_violates
    from user_days
    inner join draw_policies
        on
            user_days.plan_id = draw_policies.plan_id
            and user_days.sample_date = draw_policies.sample_date
    cross join unit_types
    left join seen_user_days
        on
            user_days.plan_id = seen_user_days.plan_id
            and user_days.unit_id = seen_user_days.user_day_id
            and unit_types.unit_type = seen_user_days.unit_type
    where seen_user_days.plan_id is null

),

units as (

    select
        *,
        true as is_seen
    from seen_units

    union all

    select
        *,
        false as is_seen
    from unseen_user_days

),

weighed_units as (

    select
        units.*,
        case units.unit_type
            when 'component' then user_days.maximum_component_weight
            when 'interaction' then user_days.maximum_interaction_weight
            when 'session' then user_days.maximum_session_weight
            else user_days.maximum_user_day_weight
        end as maximum_weight,
        case when units.is_seen and units.inclusion_probability < 1 then 1 / units.inclusion_probability end as weight
    from units
    inner join user_days
        on
            units.plan_id = user_days.plan_id
            and units.user_day_id = user_days.unit_id

),

final as (

    select
        plan_id,
        user_day_id,
        unit_type,
        unit_id,
        policy_id,
        policy_version,
        sample_date,
        surface,
        country,
        inclusion_probability,
        is_violating,
        any_component_violates,
        is_seen,
        maximum_weight,
        -- what a violation that was not met weighs on average, were all units as likely to violate; added in one order
        sum(weight * weight) over (
            partition by plan_id, unit_type, policy_id, sample_date
            order by unit_id asc
            rows between unbounded preceding and unbounded following
        ) / nullif(
            sum(weight) over (
                partition by plan_id, unit_type, policy_id, sample_date
                order by unit_id asc
                rows between unbounded preceding and unbounded following
            ),
            0
        ) as missed_weight
    from weighed_units

)

select * from final
{{ prevalence._row_order(['plan_id', 'policy_id', 'unit_type', 'unit_id']) }}
