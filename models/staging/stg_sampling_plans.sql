{{ config(materialized='table') }}

with

landed_plans as (

    select
        plan_id,
        unit_type,
        design,
        expected_units,
        policy_id,
        score_basis,
        exposure_power,
        score_power,
        defence_share,
        cold_defence_share,
        stratum_bounds,
        allocation,
        minimum_stratum_units,
        random_number_stream,
        random_number_days,
        random_number_start,
        audit_units,
        audit_floor,
        interactions_per_user_day,
        components_per_interaction
    from {{ source('raw', 'sampling_plans') }}

),

seeded_plans as (

    select
        plan_id,
        unit_type,
        design,
        expected_units,
        policy_id,
        score_basis,
        exposure_power,
        score_power,
        defence_share,
        cold_defence_share,
        stratum_bounds,
        allocation,
        minimum_stratum_units,
        random_number_stream,
        random_number_days,
        random_number_start,
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
        landed_plans.policy_id,
        landed_plans.score_basis,
        landed_plans.exposure_power,
        landed_plans.score_power,
        landed_plans.defence_share,
        landed_plans.cold_defence_share,
        landed_plans.stratum_bounds,
        landed_plans.allocation,
        landed_plans.minimum_stratum_units,
        landed_plans.random_number_stream,
        landed_plans.random_number_days,
        landed_plans.random_number_start,
        landed_plans.audit_units,
        landed_plans.audit_floor,
        landed_plans.interactions_per_user_day,
        landed_plans.components_per_interaction
    from landed_plans

    union all

    select
        seeded_plans.plan_id,
        seeded_plans.unit_type,
        seeded_plans.design,
        seeded_plans.expected_units,
        seeded_plans.policy_id,
        seeded_plans.score_basis,
        seeded_plans.exposure_power,
        seeded_plans.score_power,
        seeded_plans.defence_share,
        seeded_plans.cold_defence_share,
        seeded_plans.stratum_bounds,
        seeded_plans.allocation,
        seeded_plans.minimum_stratum_units,
        seeded_plans.random_number_stream,
        seeded_plans.random_number_days,
        seeded_plans.random_number_start,
        seeded_plans.audit_units,
        seeded_plans.audit_floor,
        seeded_plans.interactions_per_user_day,
        seeded_plans.components_per_interaction
    from seeded_plans
    cross join landed_count
    where landed_count.plan_count = 0

)

select * from final
