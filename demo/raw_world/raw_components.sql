{{ config(enabled=var('demo_world', false), materialized='table', alias='components', schema='raw') }}

with

final as (

    select
        interaction_id,
        position,
        component_type,
        content_id,
        text,
        uri,
        media_hash,
        was_viewed
    from {{ ref('world_components') }}

)

select * from final
