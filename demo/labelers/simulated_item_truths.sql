{{ config(enabled=var('demo_world', false), materialized='table', schema='demo_world') }}

with

assigned_units as (

    select distinct
        unit_type,
        unit_key,
        policy_id
    from {{ ref('label_assignments') }}

),

-- components of interactions of which labelers see a part; such a part is a unit of its own
part_components as (

    select *
    from {{ ref('draw_user_day_components') }}
    where unit_type = 'interaction_part'

),

content_risks as (

    select *
    from {{ ref('world_content_risks') }}

),

viewed_components as (

    select *
    from {{ ref('world_components') }}
    where
        row_origin = 'component'
        and coalesce(was_viewed, true)

),

interaction_labels as (

    select *
    from {{ ref('world_interaction_labels') }}

),

assigned_interactions as (

    select distinct unit_key
    from assigned_units
    where unit_type = 'interaction'

),

assigned_components as (

    select viewed_components.*
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

part_risks as (

    select
        part_components.unit_id,
        content_risks.policy_id,
        max(content_risks.risk) as risk,
        max(content_risks.difficulty) as difficulty,
        bool_or(content_risks.is_violating) as is_violating,
        nullif({{ prevalence._string_agg(
            "case when content_risks.is_violating then part_components.component_ref end", '|',
            'part_components.position'
        ) }}, '') as component_refs
    from part_components
    inner join viewed_components
        on
            part_components.interaction_id = viewed_components.interaction_id
            and part_components.position = viewed_components.position
    inner join content_risks
        on viewed_components.content_id = content_risks.content_id
    group by part_components.unit_id, content_risks.policy_id

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

    union all

    -- what the whole does with parts that are not shown, nobody can say
    select
        assigned_units.unit_type,
        assigned_units.unit_key,
        assigned_units.policy_id,
        part_risks.risk,
        part_risks.difficulty,
        part_risks.is_violating,
        part_risks.component_refs
    from assigned_units
    inner join part_risks
        on
            assigned_units.unit_key = part_risks.unit_id
            and assigned_units.policy_id = part_risks.policy_id
    where assigned_units.unit_type = 'interaction_part'

)

select * from final
