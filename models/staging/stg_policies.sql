{{ config(materialized='table') }}

with

landed_policies as (

    select *
    from {{ source('raw', 'policies') }}

),

seeded_policies as (

    select *
    from {{ ref('policies') }}

),

landed_count as (

    select count(*) as policy_count
    from landed_policies

),

final as (

    select
        landed_policies.policy_id,
        landed_policies.policy_version,
        landed_policies.title,
        coalesce(landed_policies.importance, 1) as importance
    from landed_policies

    union all

    select
        seeded_policies.policy_id,
        seeded_policies.policy_version,
        seeded_policies.title,
        coalesce(seeded_policies.importance, 1) as importance
    from seeded_policies
    cross join landed_count
    where landed_count.policy_count = 0

)

select * from final
