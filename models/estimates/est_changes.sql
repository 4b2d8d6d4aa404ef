{{ config(materialized='table') }}

{#- What survey_difference is told, by what units are estimated as. Two weeks of a Poisson sample share what one random
number drew in both, which is their covariance; of all others each week has strata of its own. Strata drawn without
replacement, but for simple random samples, are taken as if they were drawn with it, which is never too narrow. -#}
{%- set independent = {
    'design': 'stratified', 'stratum': 'stratum', 'psu': 'psu_id', 'lonely_psu': 'certainty'
} -%}
{%- set estimators = {
    'poisson': {'design': 'poisson', 'inclusion_probability': 'overall_inclusion_probability'},
    'coordinated_poisson': {
        'design': 'coordinated_poisson', 'psu': 'psu_id', 'inclusion_probability': 'overall_inclusion_probability'
    },
    'simple_random': {
        'design': 'stratified', 'stratum': 'stratum', 'psu': 'psu_id', 'population_psus': 'frame_units'
    },
    'stratified': independent,
    'with_replacement': independent
} -%}
{%- set domain = ['plan_id', 'unit_type', 'policy_id', 'pivot_name', 'pivot_value', 'week_start_date'] -%}

with

plans as (

    select * from {{ ref('stg_sampling_plans') }}

),

week_units as (

    select * from {{ ref('est_unit_periods') }}
    where period_type = 'week' and is_audited

),

-- a week is compared with the one before it and with the one after it
compared_units as (

    select
        week_units.*,
        'to' as week_role,
        week_units.period_start as week_start_date
    from week_units

    union all

    select
        week_units.*,
        'from' as week_role,
        {{ prevalence._add_days('week_units.period_start', 7) }} as week_start_date
    from week_units

),

{% for estimated_as, arguments in estimators.items() -%}
{{ estimated_as }}_units as (

    select *
    from compared_units
    where estimated_as = '{{ estimated_as }}'

),

{{ estimated_as }}_changes as (

    {{ prevalence.survey_difference(
        estimated_as ~ '_units', y='expert_violating_exposure', x='exposure',
        weight='1 / overall_inclusion_probability', period='week_role', from_period='from', to_period='to', by=[domain],
        level=var('interval_level'), **arguments
    ) | indent(4) }}

),

{% endfor -%}
changes as (
    {% for estimated_as in estimators %}
    select * from {{ estimated_as }}_changes
    {% if not loop.last -%}
    union all
    {%- endif %}
    {%- endfor %}

),

final as (

    select
        changes.week_start_date,
        changes.plan_id,
        changes.policy_id,
        changes.unit_type,
        changes.pivot_name,
        changes.pivot_value,
        case when plans.audit_units is not null then 'two_phase' else 'expert' end as estimator,
        changes.estimate_from as prevalence_before,
        changes.estimate_to as prevalence,
        changes.estimate as prevalence_change,
        changes.variance_from as variance_before,
        changes.variance_to as variance,
        changes.covariance,
        changes.variance as change_variance,
        changes.std_error as change_std_error,
        changes.interval_lower,
        changes.interval_upper,
        changes.interval_level,
        changes.interval_method,
        case
            when changes.interval_upper is not null and changes.positive_units < 10 then 'few_positives'
        end as interval_caution,
        changes.sampled_units,
        changes.positive_units,
        changes.overlapping_psus,
        changes.degrees_of_freedom,
        changes.status
    from changes
    inner join plans
        on changes.plan_id = plans.plan_id
    -- a week without the one before it is no change
    where changes.status <> 'no_sampled_units'

)

select * from final
