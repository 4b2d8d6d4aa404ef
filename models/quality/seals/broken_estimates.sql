{{ config(materialized='view') }}

{#- each figure once more, in the plainest words: what violates over what was exposed, each over its probability -#}
{%- set domain = ['plan_id', 'policy_id', 'policy_version', 'unit_type', 'pivot_name', 'pivot_value'] -%}
{%- set day = ['plan_id', 'policy_id', 'policy_version', 'sample_date'] -%}
{%- set figure = domain + ['period_type', 'period_start', 'labeled_by'] -%}
{%- set labelers = {
    'expert': ('expert_violating_exposure', 'overall_inclusion_probability', 'is_audited'),
    'judge': ('judge_violating_exposure', 'inclusion_probability', "has_audit and pivot_name = 'overall'")
} %}

with

unit_domains as (

    select * from {{ ref('est_unit_domains') }}

),

period_days as (

    select * from {{ ref('est_period_days') }}

),

estimates as (

    select
        *,
        case when estimator = 'judge' then 'judge' else 'expert' end as labeled_by
    from {{ ref('est_prevalence') }}
    where prevalence is not null

),

-- added by day first: a day belongs to many periods
day_sums as (

    {% for labeler, (violating, probability, units) in labelers.items() -%}
    select
        {{ domain | join(',\n        ') }},
        sample_date,
        '{{ labeler }}' as labeled_by,
        sum({{ violating }} / {{ probability }}) as violating_exposure,
        sum(case when {{ violating }} is not null then exposure / {{ probability }} end) as exposure
    from unit_domains
    where {{ units }}
    group by {{ domain | join(', ') }}, sample_date

    {% if not loop.last -%}
    union all

    {% endif -%}
    {% endfor %}
),

period_sums as (

    select
        {{ 'day_sums.' ~ domain | join(',\n        day_sums.') }},
        day_sums.labeled_by,
        period_days.period_type,
        period_days.period_start,
        sum(day_sums.violating_exposure) as violating_exposure,
        sum(day_sums.exposure) as exposure
    from day_sums
    inner join period_days
        on {{ prevalence._same_key('day_sums', 'period_days', day) }}
    group by
        {{ 'day_sums.' ~ domain | join(', day_sums.') }}, day_sums.labeled_by,
        period_days.period_type, period_days.period_start

),

compared_estimates as (

    select
        {{ 'estimates.' ~ domain | join(',\n        estimates.') }},
        estimates.period_type,
        estimates.period_start,
        estimates.estimator,
        estimates.prevalence,
        period_sums.violating_exposure / nullif(period_sums.exposure, 0) as prevalence_again
    from estimates
    left join period_sums
        on {{ prevalence._same_key('estimates', 'period_sums', figure) }}

),

-- two orders of adding differ by rounding alone
final as (

    select
        {{ domain | join(',\n        ') }},
        period_type,
        period_start,
        estimator,
        prevalence,
        prevalence_again
    from compared_estimates
    where
        prevalence_again is null
        or abs(prevalence - prevalence_again) > 1e-9 * greatest(abs(prevalence), abs(prevalence_again), 1e-6)

)

select * from final
