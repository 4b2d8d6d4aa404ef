{{ config(materialized='table', alias='prevalence') }}

with

releases as (

    select * from {{ ref('release_ledger') }}

),

last_release as (

    select max(release_number) as release_number
    from releases

),

final as (

    select
        releases.period_type,
        releases.period_start,
        releases.policy_id,
        releases.unit_type,
        releases.pivot_name,
        releases.pivot_value,
        releases.estimator,
        releases.prevalence,
        releases.std_error,
        releases.interval_lower,
        releases.interval_upper,
        releases.interval_level,
        releases.interval_method,
        releases.sampled_units,
        releases.positive_units,
        releases.effective_n,
        releases.degrees_of_freedom,
        releases.release_status,
        releases.release_id,
        releases.label_protocol_id,
        releases.plan_id
    from releases
    inner join last_release
        on releases.release_number = last_release.release_number

)

select * from final
