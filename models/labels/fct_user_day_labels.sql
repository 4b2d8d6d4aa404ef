{{ config(materialized='table') }}

{%- set columns = [
    'plan_id', 'user_day_id', 'unit_type', 'unit_id', 'policy_id', 'sample_date', 'surface', 'country',
    'inclusion_probability', 'is_violating', 'any_component_violates'
] %}

with

user_days as (

    select
        plan_id,
        unit_id,
        sample_date,
        is_whole,
        whole_inclusion_probability,
        maximum_user_day_weight,
        maximum_session_weight,
        maximum_interaction_weight,
        maximum_component_weight
    from {{ ref('draw_user_days') }}

),

interactions as (

    select
        plan_id,
        user_day_id,
        interaction_id,
        unit_type,
        unit_id,
        sample_date,
        session_id,
        surface,
        country,
        is_user_day_whole,
        whole_inclusion_probability
    from {{ ref('draw_user_day_interactions') }}

),

components as (

    select
        plan_id,
        interaction_id,
        position,
        component_ref,
        inclusion_probability
    from {{ ref('draw_user_day_components') }}
    where was_viewed

),

unit_labels as (

    select
        plan_id,
        unit_type,
        unit_id,
        policy_id,
        expert_is_violating,
        expert_any_component_violates,
        expert_component_refs
    from {{ ref('fct_unit_labels') }}

),

policies as (

    select policy_id
    from {{ ref('stg_policies') }}

),

-- an interaction that no label has reached keeps its row
interaction_answers as (

    select
        interactions.plan_id,
        interactions.user_day_id,
        interactions.interaction_id,
        interactions.unit_type,
        interactions.sample_date,
        interactions.session_id,
        interactions.surface,
        interactions.country,
        interactions.is_user_day_whole,
        interactions.whole_inclusion_probability,
        policies.policy_id,
        unit_labels.expert_is_violating,
        unit_labels.expert_any_component_violates,
        unit_labels.expert_component_refs
    from interactions
    cross join policies
    left join unit_labels
        on
            interactions.plan_id = unit_labels.plan_id
            and interactions.unit_type = unit_labels.unit_type
            and interactions.unit_id = unit_labels.unit_id
            and policies.policy_id = unit_labels.policy_id

),

component_labels as (

    select
        interaction_answers.plan_id,
        interaction_answers.user_day_id,
        'component' as unit_type,
        interaction_answers.interaction_id || '|' || cast(components.position as string) as unit_id,
        interaction_answers.policy_id,
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
        sample_date,
        surface,
        country,
        whole_inclusion_probability as inclusion_probability,
        expert_is_violating as is_violating,
        expert_any_component_violates as any_component_violates
    from interaction_answers
    where unit_type = 'interaction'

),

-- one violation decides, whatever was not answered; without one, all must have been answered
session_labels as (

    select
        interaction_answers.plan_id,
        interaction_answers.user_day_id,
        'session' as unit_type,
        interaction_answers.session_id || '|' || interaction_answers.user_day_id as unit_id,
        interaction_answers.policy_id,
        interaction_answers.sample_date,
        cast(null as string) as surface,
        cast(null as string) as country,
        max(user_days.whole_inclusion_probability) as inclusion_probability,
        case
            when bool_or(coalesce(interaction_answers.expert_is_violating, false)) then true
            when bool_and(interaction_answers.expert_is_violating is not null) then false
        end as is_violating,
        cast(null as boolean) as any_component_violates
    from interaction_answers
    inner join user_days
        on
            interaction_answers.plan_id = user_days.plan_id
            and interaction_answers.user_day_id = user_days.unit_id
    where user_days.is_whole and interaction_answers.session_id is not null
    group by
        interaction_answers.plan_id, interaction_answers.user_day_id, interaction_answers.session_id,
        interaction_answers.policy_id, interaction_answers.sample_date

),

user_day_labels as (

    select
        interaction_answers.plan_id,
        interaction_answers.user_day_id,
        'user_day' as unit_type,
        interaction_answers.user_day_id as unit_id,
        interaction_answers.policy_id,
        interaction_answers.sample_date,
        cast(null as string) as surface,
        cast(null as string) as country,
        max(user_days.whole_inclusion_probability) as inclusion_probability,
        case
            when bool_or(coalesce(interaction_answers.expert_is_violating, false)) then true
            when bool_and(interaction_answers.expert_is_violating is not null) then false
        end as is_violating,
        cast(null as boolean) as any_component_violates
    from interaction_answers
    inner join user_days
        on
            interaction_answers.plan_id = user_days.plan_id
            and interaction_answers.user_day_id = user_days.unit_id
    where user_days.is_whole
    group by
        interaction_answers.plan_id, interaction_answers.user_day_id,
        interaction_answers.policy_id, interaction_answers.sample_date

),

seen_units as (
    {% for relation in ['component_labels', 'interaction_labels', 'session_labels', 'user_day_labels'] %}
    select
        {{ columns | join(',\n        ') }}
    from {{ relation }}
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

seen_user_days as (

    select distinct
        plan_id,
        user_day_id,
        unit_type
    from seen_units

),

unit_types as (
    {% for unit_type in ['component', 'interaction', 'session', 'user_day'] %}
    select '{{ unit_type }}' as unit_type
    {% if not loop.last -%}
    union all
    {%- endif %}
    {%- endfor %}
),

-- a drawn user-day of which no unit of a type was seen has a row without an answer: it adds nothing, and is counted
unseen_user_days as (

    select
        user_days.plan_id,
        user_days.unit_id as user_day_id,
        unit_types.unit_type,
        user_days.unit_id,
        policies.policy_id,
        user_days.sample_date,
        cast(null as string) as surface,
        cast(null as string) as country,
        user_days.whole_inclusion_probability as inclusion_probability,
        cast(null as boolean) as is_violating,
        cast(null as boolean) as any_component_violates
    from user_days
    cross join unit_types
    cross join policies
    left join seen_user_days
        on
            user_days.plan_id = seen_user_days.plan_id
            and user_days.unit_id = seen_user_days.user_day_id
            and unit_types.unit_type = seen_user_days.unit_type
    where seen_user_days.plan_id is null

),

units as (

    select
        {{ columns | join(',\n        ') }},
        true as is_seen
    from seen_units

    union all

    select
        {{ columns | join(',\n        ') }},
        false as is_seen
    from unseen_user_days

),

weighed_units as (

    select
        units.{{ columns | join(',\n        units.') }},
        units.is_seen,
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
        {{ columns | join(',\n        ') }},
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
