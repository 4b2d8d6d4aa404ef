{{ prevalence._daily('unit_date') }}

with

interactions as (

    select *
    from {{ ref('stg_interactions') }}

),

components as (

    select *
    from {{ ref('stg_components') }}

),

component_counts as (

    select
        interaction_id,
        count(*) as components,
        count_if(was_viewed) as views
    from components
    group by interaction_id

),

final as (

    select
        interactions.interaction_id as unit_id,
        interactions.unit_date,
        interactions.interaction_id,
        interactions.surface,
        coalesce(interactions.country, 'unknown') as country,
        interactions.user_id,
        interactions.session_id,
        cast(coalesce(component_counts.components, 0) as bigint) as components,
        cast(coalesce(component_counts.views, 0) as bigint) as views
    from interactions
    left join component_counts
        on interactions.interaction_id = component_counts.interaction_id

)

select * from final
