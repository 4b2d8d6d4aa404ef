{{ config(materialized='view') }}

{#- each figure once more, in the plainest words: what violates over what was exposed, each over its probability -#}
{%- set key = [
    'plan_id', 'policy_id', 'unit_type', 'pivot_name', 'pivot_value', 'period_type', 'period_start', 'estimator'
] -%}
{%- set labelers = {
    'expert': ('expert_violating_exposure', 'overall_inclusion_probability', 'is_audited'),
    'judge': ('judge_violating_exposure', 'inclusion_probability', "has_audit and pivot_name = 'overall'")
} %}

with

unit_periods as (

    select * from {{ ref('est_unit_periods') }}

),

estimates as (

    select * from {{ ref('est_prevalence') }}
    where prevalence is not null

),

shares as (

    {% for labeler, (violating, probability, units) in labelers.items() -%}
    select
        plan_id,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        period_type,
        period_start,
        {% if labeler == 'judge' -%}
        'judge'
        {%- else -%}
        case when bool_or(has_audit) then 'two_phase' else 'expert' end
        {%- endif %} as estimator,
        sum({{ violating }} / {{ probability }}) as violating_exposure,
        sum(case when {{ violating }} is not null then exposure / {{ probability }} end) as exposure
    from unit_periods
    where {{ units }}
    group by plan_id, policy_id, unit_type, pivot_name, pivot_value, period_type, period_start

    {% if not loop.last -%}
    union all

    {% endif -%}
    {% endfor %}
),

final as (

    select
        estimates.plan_id,
        estimates.policy_id,
        estimates.unit_type,
        estimates.pivot_name,
        estimates.pivot_value,
        estimates.period_type,
        estimates.period_start,
        estimates.estimator,
        estimates.prevalence,
        shares.violating_exposure / nullif(shares.exposure, 0) as prevalence_again
    from estimates
    left join shares
        on {{ prevalence._same_key('estimates', 'shares', key) }}

)

select * from final
