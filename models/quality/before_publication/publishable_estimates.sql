{{ config(materialized='view') }}

with

-- figures of a plan and policy that a fault of theirs holds back: what was published of them stays as it was
held_parts as (

    select distinct
        plan_id,
        policy_id
    from {{ ref('held_estimates') }}

),

-- the judge's naive figure stands beside the headline in estimates and is never published
estimates as (

    select estimates.*
    from {{ ref('est_prevalence') }} as estimates
    left join held_parts
        on
            estimates.plan_id = held_parts.plan_id
            and estimates.policy_id = held_parts.policy_id
    where estimates.estimator in ('two_phase', 'expert') and held_parts.plan_id is null

),

final as (

    select
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        prevalence,
        std_error,
        interval_lower,
        interval_upper,
        interval_level,
        interval_method,
        sampled_units,
        positive_units,
        effective_n,
        degrees_of_freedom,
        label_protocol_id,
        plan_id,
        policy_version,
        period_end,
        days_measured,
        days_expected,
        interval_caution,
        -- The protocol of the labels is of one version of the policy; what days_measured says, sampled_units says, too
        {{ prevalence._figure_fingerprint() }} as row_fingerprint
    from estimates

)

select * from final
