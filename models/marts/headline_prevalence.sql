{{ config(materialized='table') }}

with

published as (

    select * from {{ ref('prevalence', v=1) }}
    where pivot_name = 'overall'

),

policies as (

    select * from {{ ref('stg_policies') }}

),

-- never the narrower interval: a figure that is chosen for how it came out does not hold as often
preferred as (

    select *
    from published
    qualify row_number() over (
        partition by policy_id
        order by
            case period_type when '28_days' then 1 when 'week' then 2 else 3 end asc,
            period_start desc,
            case estimator when 'two_phase' then 1 else 2 end asc,
            case unit_type when 'content_day' then 1 when 'interaction' then 2 else 3 end asc,
            sampled_units desc,
            plan_id asc,
            unit_type asc
    ) = 1

),

final as (

    select
        preferred.period_type,
        preferred.period_start,
        preferred.policy_id,
        -- a policy that is no longer measured has no title any more
        coalesce(policies.title, preferred.policy_id) as policy_title,
        preferred.unit_type,
        preferred.pivot_name,
        preferred.pivot_value,
        preferred.estimator,
        preferred.prevalence,
        preferred.std_error,
        preferred.interval_lower,
        preferred.interval_upper,
        preferred.interval_level,
        preferred.interval_method,
        preferred.sampled_units,
        preferred.positive_units,
        preferred.effective_n,
        preferred.degrees_of_freedom,
        preferred.release_status,
        preferred.release_id,
        preferred.label_protocol_id,
        preferred.plan_id
    from preferred
    left join policies
        on preferred.policy_id = policies.policy_id

)

select * from final
