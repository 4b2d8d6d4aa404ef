{{ config(materialized='view') }}

with

candidates as (

    select
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        plan_id,
        prevalence,
        interval_lower,
        interval_upper,
        row_fingerprint
    from {{ ref('publishable_estimates') }}

),

releases as (

    select
        release_number,
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        plan_id,
        prevalence,
        interval_lower,
        interval_upper,
        row_fingerprint
    from {{ ref('release_ledger') }}

),

last_release as (

    select max(release_number) as release_number
    from releases

),

published as (

    select
        releases.period_type,
        releases.period_start,
        releases.policy_id,
        releases.unit_type,
        releases.pivot_name,
        releases.pivot_value,
        releases.estimator,
        releases.plan_id,
        releases.prevalence,
        releases.interval_lower,
        releases.interval_upper,
        releases.row_fingerprint
    from releases
    inner join last_release
        on releases.release_number = last_release.release_number

),

final as (

    select
        candidates.period_type,
        candidates.period_start,
        candidates.policy_id,
        candidates.unit_type,
        candidates.pivot_name,
        candidates.pivot_value,
        candidates.estimator,
        candidates.plan_id,
        candidates.prevalence,
        published.prevalence as published_prevalence,
        {{ prevalence._interval_deviation(
            'candidates.prevalence', 'candidates.interval_lower', 'candidates.interval_upper',
            'published.prevalence', 'published.interval_lower', 'published.interval_upper'
        ) }} as deviation
    from candidates
    inner join published
        on
            candidates.period_type = published.period_type
            and candidates.period_start = published.period_start
            and candidates.policy_id = published.policy_id
            and candidates.unit_type = published.unit_type
            and candidates.pivot_name = published.pivot_name
            and candidates.pivot_value = published.pivot_value
            and candidates.estimator = published.estimator
            and candidates.plan_id = published.plan_id
    where candidates.row_fingerprint <> published.row_fingerprint

)

select * from final
