{{ config(materialized='table', alias='prevalence') }}

{%- set key = [
    'period_type', 'period_start', 'policy_id', 'unit_type', 'pivot_name', 'pivot_value', 'estimator', 'plan_id'
] %}

with

figures as (

    select * from {{ ref('release_figures') }}

),

periods as (

    select * from {{ ref('periods') }}
    where is_in_version_1

),

policy_versions as (

    select
        policy_id,
        label_protocol_id,
        row_number() over (
            partition by policy_id
            order by max(period_start) desc, min(period_start) desc, max(policy_version) desc, label_protocol_id asc
        ) as newest
    from figures
    group by policy_id, label_protocol_id

),

-- there is no version in the key: of two versions that a period has, the newer one stands
shown as (

    select figures.*
    from figures
    inner join periods
        on figures.period_type = periods.period_type
    inner join policy_versions
        on
            figures.policy_id = policy_versions.policy_id
            and figures.label_protocol_id = policy_versions.label_protocol_id
    qualify row_number() over (
        partition by {{ 'figures.' ~ key | join(', figures.') }}
        order by policy_versions.newest asc
    ) = 1

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
        release_status,
        release_id,
        label_protocol_id,
        plan_id
    from shown

)

select * from final
