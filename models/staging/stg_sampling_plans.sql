{{ config(materialized='table') }}

with

landed_plans as (

    select
        plan_id,
        unit_type,
        design,
        expected_units,
        defence_share,
        audit_units,
        audit_floor
    from {{ source('raw', 'sampling_plans') }}

),

seeded_plans as (

    select
        plan_id,
        unit_type,
        design,
        expected_units,
        defence_share,
        audit_units,
        audit_floor,
        interactions_per_user_day,
        components_per_interaction
    from {{ ref('sampling_plans') }}

),

landed_count as (

    select count(*) as plan_count
    from landed_plans

),

final as (

    select
        landed_plans.plan_id,
        landed_plans.unit_type,
        landed_plans.design,
        landed_plans.expected_units,
        landed_plans.defence_share,
        landed_plans.audit_units,
        landed_plans.audit_floor,
        cast(null as string) as policy_id,
        cast(null as bigint) as interactions_per_user_day,
        cast(null as bigint) as components_per_interaction
    from landed_plans

    union all

    select
        seeded_plans.plan_id,
        seeded_plans.unit_type,
        seeded_plans.design,
        seeded_plans.expected_units,
        seeded_plans.defence_share,
        seeded_plans.audit_units,
        seeded_plans.audit_floor,
        cast(null as string) as policy_id,
        seeded_plans.interactions_per_user_day,
        seeded_plans.components_per_interaction
    from seeded_plans
    cross join landed_count
    where landed_count.plan_count = 0

)

select * from final
