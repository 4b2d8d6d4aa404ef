{{ prevalence._daily('unit_date') }}

with

interactions as (

    select *
    from {{ ref('unit_interactions') }}

),

final as (

    select
        user_id || '|' || cast(unit_date as string) as unit_id,
        unit_date,
        user_id,
        cast(count(*) as bigint) as interactions,
        cast(sum(views) as bigint) as views
    from interactions
    where user_id is not null
    group by user_id, unit_date

)

select * from final
