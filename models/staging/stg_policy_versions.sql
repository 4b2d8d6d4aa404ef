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

policies as (

    select
        landed_policies.policy_id,
        landed_policies.policy_version,
        landed_policies.title,
        landed_policies.importance,
        landed_policies.valid_from,
        landed_policies.valid_until
    from landed_policies

    union all

    select
        seeded_policies.policy_id,
        seeded_policies.policy_version,
        seeded_policies.title,
        seeded_policies.importance,
        seeded_policies.valid_from,
        seeded_policies.valid_until
    from seeded_policies
    cross join landed_count
    where landed_count.policy_count = 0

),

-- of versions without a date the order of their numbers decides which is the newest, v9 before v10
numbered_policies as (

    select
        *,
        row_number() over (
            partition by policy_id
            order by
                valid_from asc nulls first,
                {{ prevalence._version_order('policy_version') }} asc,
                title asc,
                valid_until asc nulls first,
                importance asc nulls first
        ) as version_number
    from policies

),

final as (

    select
        policy_id,
        cast(version_number as bigint) as version_number,
        policy_version,
        title,
        coalesce(importance, 1) as importance,
        valid_from,
        valid_until,
        {{ prevalence._in_force_until('policy_id') }} as in_force_until,
        {{ prevalence._is_in_force_twice('policy_id') }} as is_in_force_twice
    from numbered_policies

)

select * from final
