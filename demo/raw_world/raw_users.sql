{{ config(enabled=var('demo_world', false), materialized='table', alias='users', schema='raw') }}

with

people as (

    select *
    from {{ ref('world_people') }}

),

final as (

    select
        user_id,
        country,
        signed_up_at,
        age_band
    from people

    union all

    select
        case
            when extra_row = 'null_user_id' then null
            when extra_row = 'null_country'
                then 'u' || substr({{ prevalence._world_hex('user_id', 'planted user') }}, 1, 16)
            else user_id
        end as user_id,
        case when extra_row <> 'null_country' then country end as country,
        signed_up_at,
        age_band
    from people
    where extra_row is not null

)

select * from final
