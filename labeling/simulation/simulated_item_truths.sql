{{ config(enabled=var('demo_world', false), materialized='table', schema='demo_world') }}

with

assigned_units as (

    select distinct
        unit_type,
        unit_key,
        policy_id
    from {{ ref('label_assignments') }}

),

content_risks as (

    select
        content_id,
        policy_id,
        risk,
        is_violating,
        difficulty
    from {{ ref('world_content_risks') }}

),

viewed_components as (

    select
        interaction_id,
        position,
        content_id
    from {{ ref('world_components') }}
    where
        row_origin = 'component'
        and coalesce(was_viewed, true)

),

interaction_labels as (

    select
        interaction_id,
        policy_id,
        difficulty
    from {{ ref('world_interaction_labels') }}

),

assigned_interactions as (

    select distinct unit_key
    from assigned_units
    where unit_type = 'interaction'

),

assigned_components as (

    select
        viewed_components.interaction_id,
        viewed_components.position,
        viewed_components.content_id
    from viewed_components
    inner join assigned_interactions
        on viewed_components.interaction_id = assigned_interactions.unit_key

),

component_risks as (

    select
        assigned_components.interaction_id,
        assigned_components.position,
        content_risks.policy_id,
        content_risks.risk,
        content_risks.is_violating,
        content_risks.difficulty
    from assigned_components
    inner join content_risks
        on assigned_components.content_id = content_risks.content_id

),

interaction_risks as (

    select
        interaction_id,
        policy_id,
        max(risk) as risk,
        max(difficulty) as difficulty,
        nullif({{ prevalence._string_agg(
            "case when is_violating then 'c' || cast(position as string) end", '|', 'position'
        ) }}, '') as component_refs
    from component_risks
    group by interaction_id, policy_id

),

final as (

    select
        assigned_units.unit_type,
        assigned_units.unit_key,
        assigned_units.policy_id,
        content_risks.risk,
        content_risks.difficulty,
        content_risks.is_violating,
        case when content_risks.is_violating then 'c0' end as component_refs
    from assigned_units
    inner join content_risks
        on
            assigned_units.unit_key = content_risks.content_id
            and assigned_units.policy_id = content_risks.policy_id
    where assigned_units.unit_type = 'content_day'

    union all

    select
        assigned_units.unit_type,
        assigned_units.unit_key,
        assigned_units.policy_id,
        interaction_risks.risk,
        coalesce(interaction_labels.difficulty, interaction_risks.difficulty) as difficulty,
        interaction_labels.interaction_id is not null as is_violating,
        interaction_risks.component_refs
    from assigned_units
    inner join interaction_risks
        on
            assigned_units.unit_key = interaction_risks.interaction_id
            and assigned_units.policy_id = interaction_risks.policy_id
    left join interaction_labels
        on
            assigned_units.unit_key = interaction_labels.interaction_id
            and assigned_units.policy_id = interaction_labels.policy_id
    where assigned_units.unit_type = 'interaction'

)

select * from final
