{{ config(enabled=var('demo_world', false), materialized='view', schema='truth', alias='content_labels') }}

with

final as (

    select
        content_id,
        policy_id,
        is_violating,
        difficulty
    from {{ ref('world_content_risks') }}

)

select * from final
