{{ config(enabled=var('demo_world', false), materialized='view', schema='truth', alias='interaction_labels') }}

with

final as (

    select
        interaction_id,
        policy_id,
        any_component_violates,
        whole_violates_alone,
        difficulty
    from {{ ref('world_interaction_labels') }}

)

select * from final
