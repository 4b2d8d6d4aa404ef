{{ prevalence._daily('unit_date') }}

with

components as (

    select *
    from {{ ref('stg_components') }}

),

final as (

    select
        content_id || '|' || cast(unit_date as string) as unit_id,
        unit_date,
        content_id,
        min(component_type) as component_type,
        cast(count(*) as bigint) as views
    from components
    where was_viewed
    group by content_id, unit_date

)

select * from final
