{{ config(materialized='view') }}

with

units as (

    select *
    from {{ ref('label_units') }}

),

draw_policies as (

    select *
    from {{ ref('draw_policies') }}

),

final as (

    select
        units.plan_id,
        units.unit_id,
        units.unit_type,
        units.unit_key,
        units.sample_date,
        draw_policies.policy_id,
        draw_policies.policy_version,
        units.design,
        units.exposure,
        units.inclusion_probability,
        units.design_weight,
        units.is_certainty,
        units.draws,
        units.random_number_key,
        units.random_number_days,
        units.random_number,
        units.frame_units,
        units.frame_exposure,
        units.maximum_weighted_exposure
    from units
    inner join draw_policies
        on
            units.plan_id = draw_policies.plan_id
            and units.sample_date = draw_policies.sample_date

)

select * from final
