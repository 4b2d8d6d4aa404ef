{{ config(materialized='table') }}

with

published as (

    select * from {{ ref('prevalence', v=2) }}
    where pivot_name = 'overall'

),

policies as (

    select * from {{ ref('stg_policies') }}

),

periods as (

    select * from {{ ref('periods') }}

),

-- never the narrower interval: a figure that is chosen for how it came out does not hold as often
preferred as (

    select
        published.*,
        periods.title as period_title
    from published
    inner join periods
        on published.period_type = periods.period_type
    where periods.preference is not null
    qualify row_number() over (
        partition by published.policy_id
        order by
            periods.preference asc,
            published.period_end desc,
            published.period_start desc,
            case periods.cut when 'rolling' then 2 else 1 end asc,
            case published.estimator when 'two_phase' then 1 else 2 end asc,
            case published.unit_type when 'content_day' then 1 when 'interaction' then 2 else 3 end asc,
            published.sampled_units desc,
            published.plan_id asc,
            published.unit_type asc,
            published.label_protocol_id asc
    ) = 1

),

final as (

    select
        preferred.period_type,
        preferred.period_title,
        preferred.period_start,
        preferred.period_end,
        preferred.days_measured,
        preferred.days_expected,
        preferred.policy_id,
        preferred.policy_version,
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
        preferred.interval_caution,
        preferred.presentation,
        preferred.presentation_reason,
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
