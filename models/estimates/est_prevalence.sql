{{ config(materialized='table') }}

{%- set domain = ['plan_id', 'unit_type', 'policy_id', 'pivot_name', 'pivot_value'] -%}
{%- set periods = [
    domain + ['sample_date'],
    domain + ['week_start_date'],
    domain + ['block_start_date']
] %}

with

unit_domains as (

    select
        plan_id,
        unit_id,
        unit_type,
        policy_id,
        sample_date,
        week_start_date,
        block_start_date,
        pivot_name,
        pivot_value,
        design,
        has_audit,
        is_audited,
        inclusion_probability,
        overall_inclusion_probability,
        maximum_overall_weight,
        missed_weight,
        frame_units,
        exposure,
        expert_violating_exposure,
        judge_violating_exposure
    from {{ ref('est_unit_domains') }}

),

-- Units are drawn independently and audited independently, so a unit's chance to reach the expert is the product of
-- both and the two phases together are one Poisson sample. A Pareto draw is treated in the same way: its centring
-- term vanishes for a ratio.
poisson_units as (

    select
        plan_id,
        unit_type,
        policy_id,
        sample_date,
        week_start_date,
        block_start_date,
        pivot_name,
        pivot_value,
        overall_inclusion_probability,
        maximum_overall_weight,
        missed_weight,
        exposure,
        expert_violating_exposure
    from unit_domains
    where is_audited and design in ('poisson', 'pareto')

),

-- a simple random sample of each day's frame, all of it labeled by experts
simple_random_units as (

    select
        plan_id,
        unit_id,
        unit_type,
        policy_id,
        sample_date,
        week_start_date,
        block_start_date,
        pivot_name,
        pivot_value,
        plan_id || '|' || cast(sample_date as string) as stratum,
        inclusion_probability,
        frame_units,
        exposure,
        expert_violating_exposure
    from unit_domains
    where is_audited and design = 'simple_random'

),

-- drawn by the logging system, one independent choice per row
logged_units as (

    select
        plan_id,
        unit_id,
        unit_type,
        policy_id,
        sample_date,
        week_start_date,
        block_start_date,
        pivot_name,
        pivot_value,
        inclusion_probability,
        maximum_overall_weight,
        exposure,
        expert_violating_exposure
    from unit_domains
    where is_audited and design = 'logged'

),

judged_units as (

    select
        plan_id,
        unit_type,
        policy_id,
        sample_date,
        week_start_date,
        block_start_date,
        pivot_name,
        pivot_value,
        inclusion_probability,
        exposure,
        judge_violating_exposure
    from unit_domains
    where has_audit and pivot_name = 'overall' and design in ('poisson', 'pareto')

),

poisson_estimates as (

    {{ prevalence.survey_estimates(
        'poisson_units', y='expert_violating_exposure', x='exposure',
        weight='1 / overall_inclusion_probability', design='poisson',
        inclusion_probability='overall_inclusion_probability', by=periods,
        interval='gamma', level=var('interval_level'),
        zero_positive_bound='max_weight', frame_maximum_weight='maximum_overall_weight', missed_weight='missed_weight'
    ) | indent(4) }}

),

simple_random_estimates as (

    {{ prevalence.survey_estimates(
        'simple_random_units', y='expert_violating_exposure', x='exposure',
        weight='1 / inclusion_probability', design='stratified', stratum='stratum', psu='unit_id',
        population_psus='frame_units', by=periods,
        interval='korn_graubard_positives', level=var('interval_level')
    ) | indent(4) }}

),

logged_estimates as (

    {{ prevalence.survey_estimates(
        'logged_units', y='expert_violating_exposure', x='exposure',
        weight='1 / inclusion_probability', design='pps_with_replacement', stratum='plan_id', psu='unit_id',
        by=periods, interval='korn_graubard_positives', level=var('interval_level'),
        zero_positive_bound='max_weight', frame_maximum_weight='maximum_overall_weight'
    ) | indent(4) }}

),

judge_estimates as (

    {{ prevalence.survey_estimates(
        'judged_units', y='judge_violating_exposure', x='exposure',
        weight='1 / inclusion_probability', design='poisson',
        inclusion_probability='inclusion_probability', by=periods,
        interval='korn_graubard_positives', level=var('interval_level'),
        zero_positive_bound='max_weight'
    ) | indent(4) }}

),

{%- set figures = [
    'plan_id', 'unit_type', 'policy_id', 'pivot_name', 'pivot_value', 'sample_date', 'week_start_date',
    'block_start_date', 'estimate', 'variance', 'std_error', 'degrees_of_freedom', 'sampled_units', 'positive_units',
    'unlabeled_units', 'sum_of_weights', 'effective_n', 'design_effect', 'interval_lower', 'interval_upper',
    'interval_method', 'interval_level', 'status'
] %}

all_estimates as (
    {% for relation in ['poisson_estimates', 'simple_random_estimates', 'logged_estimates', 'judge_estimates'] %}
    select
        '{{ "judge" if relation == "judge_estimates" else "expert" }}' as labeled_by,
        {{ figures | join(',\n        ') }}
    from {{ relation }}
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

plans as (

    select
        plan_id,
        audit_units is not null as has_audit
    from {{ ref('stg_sampling_plans') }}

),

policies as (

    select
        policy_id,
        policy_version
    from {{ ref('stg_policies') }}

),

final as (

    select
        case
            when all_estimates.sample_date is not null then 'day'
            when all_estimates.week_start_date is not null then 'week'
            else '28_days'
        end as period_type,
        coalesce(
            all_estimates.sample_date, all_estimates.week_start_date, all_estimates.block_start_date
        ) as period_start,
        all_estimates.plan_id,
        all_estimates.policy_id,
        all_estimates.unit_type,
        all_estimates.pivot_name,
        all_estimates.pivot_value,
        case
            when all_estimates.labeled_by = 'judge' then 'judge'
            when plans.has_audit then 'two_phase'
            else 'expert'
        end as estimator,
        all_estimates.estimate as prevalence,
        all_estimates.variance,
        all_estimates.std_error,
        all_estimates.interval_lower,
        all_estimates.interval_upper,
        all_estimates.interval_level,
        all_estimates.interval_method,
        all_estimates.sampled_units,
        all_estimates.positive_units,
        all_estimates.unlabeled_units,
        all_estimates.sum_of_weights,
        all_estimates.effective_n,
        all_estimates.design_effect,
        cast(all_estimates.degrees_of_freedom as double) as degrees_of_freedom,
        all_estimates.status,
        {{ prevalence._label_protocol_id(
            'policies.policy_id', 'policies.policy_version',
            "case when all_estimates.labeled_by = 'judge' then 'llm' else 'sme' end"
        ) }} as label_protocol_id
    from all_estimates
    inner join plans
        on all_estimates.plan_id = plans.plan_id
    inner join policies
        on all_estimates.policy_id = policies.policy_id

)

select * from final
