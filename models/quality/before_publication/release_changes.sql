{{ config(materialized='view') }}

{%- set key = [
    'period_type', 'period_start', 'policy_id', 'label_protocol_id', 'unit_type', 'pivot_name', 'pivot_value', 'estimator',
    'plan_id'
] %}

with

candidates as (

    select *
    from {{ ref('publishable_estimates') }}

),

published as (

    select *
    from {{ ref('release_figures') }}

),

final as (

    select
        candidates.period_type,
        candidates.period_start,
        candidates.policy_id,
        candidates.policy_version,
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
        on {{ prevalence._same_key('candidates', 'published', key) }}
    where
        candidates.row_fingerprint <> published.row_fingerprint
        -- a period that is not over changes with each of its days
        and coalesce(candidates.days_measured = published.days_measured, true)

)

select * from final
