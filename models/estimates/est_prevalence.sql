{{ config(materialized='table') }}

{%- set domain = ['plan_id', 'unit_type', 'policy_id', 'pivot_name', 'pivot_value'] -%}
{%- set periods = [
    domain + ['sample_date'],
    domain + ['week_start_date'],
    domain + ['block_start_date']
] %}
{#- name, column that a period is known by, and its days -#}
{%- set period_lengths = [
    ('day', 'sample_date', 1), ('week', 'week_start_date', 7), ('28_days', 'block_start_date', 28)
] %}

with

unit_domains as (

    select
        plan_id,
        unit_id,
        psu_id,
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
        draws,
        random_number_days,
        overall_inclusion_probability,
        maximum_overall_weighted_exposure,
        missed_weight,
        frame_units,
        exposure,
        expert_violating_exposure,
        judge_violating_exposure
    from {{ ref('est_unit_domains') }}

),

-- Units are drawn independently and audited independently, so a unit's chance to reach the expert is the product of
-- both and the two phases together are one Poisson sample. A draw of the sequential Poisson
-- or Pareto design is treated in the same way: its centring term vanishes for a ratio.
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
        maximum_overall_weighted_exposure,
        missed_weight,
        exposure,
        expert_violating_exposure
    from unit_domains
    where is_audited and design in ('poisson', 'sequential_poisson', 'pareto') and random_number_days is null

),

-- The same where contents keep their random numbers: a content is one PSU with all its days, and two of them are drawn
-- together with the smaller of both probabilities. Missing a violating content is missing it on each day of the period
-- that it keeps its number. A row per period of the unit.
coordinated_units as (
    {% for period, column, days in period_lengths %}
    select
        plan_id,
        psu_id,
        unit_type,
        policy_id,
        '{{ period }}' as period_type,
        {{ column }} as period_start,
        pivot_name,
        pivot_value,
        has_audit,
        is_audited,
        inclusion_probability,
        overall_inclusion_probability,
        maximum_overall_weighted_exposure * least({{ days }}, random_number_days) as maximum_overall_weighted_exposure,
        missed_weight,
        exposure,
        expert_violating_exposure,
        judge_violating_exposure
    from unit_domains
    where design in ('poisson', 'sequential_poisson', 'pareto') and random_number_days is not null
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

coordinated_audited_units as (

    select
        plan_id,
        psu_id,
        unit_type,
        policy_id,
        period_type,
        period_start,
        pivot_name,
        pivot_value,
        overall_inclusion_probability,
        maximum_overall_weighted_exposure,
        missed_weight,
        exposure,
        expert_violating_exposure
    from coordinated_units
    where is_audited

),

coordinated_judged_units as (

    select
        plan_id,
        psu_id,
        unit_type,
        policy_id,
        period_type,
        period_start,
        pivot_name,
        pivot_value,
        inclusion_probability,
        exposure,
        judge_violating_exposure
    from coordinated_units
    where has_audit and pivot_name = 'overall'

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
        maximum_overall_weighted_exposure,
        missed_weight,
        frame_units,
        exposure,
        expert_violating_exposure
    from unit_domains
    where is_audited and design = 'simple_random'

),

drawn_strata as (

    select
        plan_id,
        unit_id,
        stratum_number
    from {{ ref('draw_units') }}
    where design = 'stratified'

),

-- a sample of fixed size in each stratum of each day, all of it labeled by experts
stratified_units as (

    select
        unit_domains.plan_id,
        unit_domains.unit_id,
        unit_domains.unit_type,
        unit_domains.policy_id,
        unit_domains.sample_date,
        unit_domains.week_start_date,
        unit_domains.block_start_date,
        unit_domains.pivot_name,
        unit_domains.pivot_value,
        unit_domains.plan_id || '|' || cast(unit_domains.sample_date as string)
        || '|' || cast(drawn_strata.stratum_number as string) as stratum,
        unit_domains.inclusion_probability,
        unit_domains.maximum_overall_weighted_exposure,
        unit_domains.missed_weight,
        unit_domains.exposure,
        unit_domains.expert_violating_exposure
    from unit_domains
    inner join drawn_strata
        on
            unit_domains.plan_id = drawn_strata.plan_id
            and unit_domains.unit_id = drawn_strata.unit_id
    where unit_domains.is_audited and unit_domains.design = 'stratified'

),

-- drawn with replacement, all labeled by experts, once each
repeatedly_drawn_units as (

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
        maximum_overall_weighted_exposure,
        missed_weight,
        exposure,
        expert_violating_exposure,
        draws
    from unit_domains
    where is_audited and design = 'pps_with_replacement'

),

-- each of a day's draws is a PSU of its own: a unit that was drawn twice is there twice
numbered_draws as (

    {{ prevalence._numbered('repeatedly_drawn_units', 'draws', [
        'plan_id', 'unit_id', 'unit_type', 'policy_id', 'sample_date', 'week_start_date', 'block_start_date',
        'pivot_name', 'pivot_value', 'inclusion_probability', 'maximum_overall_weighted_exposure', 'missed_weight', 'exposure',
        'expert_violating_exposure'
    ]) | indent(4) }}

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
        maximum_overall_weighted_exposure,
        missed_weight,
        exposure,
        expert_violating_exposure
    from unit_domains
    where is_audited and design = 'logged'

),

-- seen within drawn user-days. The variance is that of user-days' weighted totals as if they were drawn with
-- replacement, which holds what varies within them, too: never too small, and too large by the share of user-days
-- that is drawn.
nested_units as (

    select
        plan_id,
        psu_id,
        unit_type,
        policy_id,
        sample_date,
        week_start_date,
        block_start_date,
        pivot_name,
        pivot_value,
        inclusion_probability,
        maximum_overall_weighted_exposure,
        missed_weight,
        exposure,
        expert_violating_exposure
    from unit_domains
    where design = 'nested'

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
    where
        has_audit
        and pivot_name = 'overall'
        and design in ('poisson', 'sequential_poisson', 'pareto')
        and random_number_days is null

),

poisson_estimates as (

    {{ prevalence.survey_estimates(
        'poisson_units', y='expert_violating_exposure', x='exposure',
        weight='1 / overall_inclusion_probability', design='poisson',
        inclusion_probability='overall_inclusion_probability', by=periods,
        interval='gamma', level=var('interval_level'),
        zero_positive_bound='max_weight', frame_maximum_weight='maximum_overall_weighted_exposure', missed_weight='missed_weight'
    ) | indent(4) }}

),

coordinated_estimates as (

    {{ prevalence.survey_estimates(
        'coordinated_audited_units', y='expert_violating_exposure', x='exposure',
        weight='1 / overall_inclusion_probability', design='coordinated_poisson', psu='psu_id',
        inclusion_probability='overall_inclusion_probability', by=[domain + ['period_type', 'period_start']],
        interval='gamma', level=var('interval_level'),
        zero_positive_bound='max_weight', frame_maximum_weight='maximum_overall_weighted_exposure', missed_weight='missed_weight'
    ) | indent(4) }}

),

coordinated_judge_estimates as (

    {{ prevalence.survey_estimates(
        'coordinated_judged_units', y='judge_violating_exposure', x='exposure',
        weight='1 / inclusion_probability', design='coordinated_poisson', psu='psu_id',
        inclusion_probability='inclusion_probability', by=[domain + ['period_type', 'period_start']],
        interval='korn_graubard_positives', level=var('interval_level'),
        zero_positive_bound='max_weight'
    ) | indent(4) }}

),

simple_random_estimates as (

    {{ prevalence.survey_estimates(
        'simple_random_units', y='expert_violating_exposure', x='exposure',
        weight='1 / inclusion_probability', design='stratified', stratum='stratum', psu='unit_id',
        population_psus='frame_units', by=periods,
        interval='gamma', level=var('interval_level'),
        zero_positive_bound='max_weight', frame_maximum_weight='maximum_overall_weighted_exposure', missed_weight='missed_weight'
    ) | indent(4) }}

),

-- Brewer's variance within strata; a stratum of a single drawn unit is one that was taken whole
stratified_estimates as (

    {{ prevalence.survey_estimates(
        'stratified_units', y='expert_violating_exposure', x='exposure',
        weight='1 / inclusion_probability', design='pps_without_replacement', stratum='stratum', psu='unit_id',
        inclusion_probability='inclusion_probability', lonely_psu='certainty', by=periods,
        interval='gamma', level=var('interval_level'),
        zero_positive_bound='max_weight', frame_maximum_weight='maximum_overall_weighted_exposure', missed_weight='missed_weight'
    ) | indent(4) }}

),

with_replacement_estimates as (

    {{ prevalence.survey_estimates(
        'numbered_draws', y='expert_violating_exposure', x='exposure',
        weight='1 / inclusion_probability', design='pps_with_replacement',
        stratum="plan_id || '|' || cast(sample_date as string)",
        psu="unit_id || '|' || cast(_number as string)", by=periods,
        interval='gamma', level=var('interval_level'),
        zero_positive_bound='max_weight', frame_maximum_weight='maximum_overall_weighted_exposure', missed_weight='missed_weight'
    ) | indent(4) }}

),

logged_estimates as (

    {{ prevalence.survey_estimates(
        'logged_units', y='expert_violating_exposure', x='exposure',
        weight='1 / inclusion_probability', design='pps_with_replacement', stratum='plan_id', psu='unit_id',
        by=periods, interval='gamma', level=var('interval_level'),
        zero_positive_bound='max_weight', frame_maximum_weight='maximum_overall_weighted_exposure', missed_weight='missed_weight'
    ) | indent(4) }}

),

-- one stratum: the number of drawn user-days varies from day to day, and so does what they add up to
nested_estimates as (

    {{ prevalence.survey_estimates(
        'nested_units', y='expert_violating_exposure', x='exposure',
        weight='1 / inclusion_probability', design='stratified', stratum='plan_id', psu='psu_id',
        by=periods, interval='gamma', level=var('interval_level'),
        zero_positive_bound='max_weight', frame_maximum_weight='maximum_overall_weighted_exposure', missed_weight='missed_weight'
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
    'plan_id', 'unit_type', 'policy_id', 'pivot_name', 'pivot_value', 'estimate', 'variance', 'std_error',
    'degrees_of_freedom', 'sampled_units', 'positive_units', 'unlabeled_units', 'sum_of_weights', 'effective_n',
    'design_effect', 'interval_lower', 'interval_upper', 'interval_method', 'interval_level', 'status'
] %}

-- What the audit met among what the judge does not call violating. Where that is nothing, the interval's top rests on
-- what the judge is taken to miss; where it is much, the judge misses more than that.
judge_misses as (
    {% for period, column, days in period_lengths %}
    select
        {{ domain | join(',\n        ') }},
        '{{ period }}' as period_type,
        {{ column }} as period_start,
        sum(case when expert_violating_exposure > 0 and judge_violating_exposure = 0 then 1 else 0 end) as met_misses,
        sum(case when judge_violating_exposure = 0 then expert_violating_exposure / overall_inclusion_probability end)
        / nullif(sum(expert_violating_exposure / overall_inclusion_probability), 0) as missed_share
    from unit_domains
    where has_audit and is_audited and pivot_name <> 'violation_scope'
    group by {{ domain | join(', ') }}, {{ column }}
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

all_estimates as (
    {% for relation in [
        'poisson_estimates', 'simple_random_estimates', 'stratified_estimates', 'with_replacement_estimates',
        'logged_estimates', 'nested_estimates', 'judge_estimates'
    ] %}
    select
        '{{ "judge" if relation == "judge_estimates" else "expert" }}' as labeled_by,
        case
            when sample_date is not null then 'day'
            when week_start_date is not null then 'week'
            else '28_days'
        end as period_type,
        coalesce(sample_date, week_start_date, block_start_date) as period_start,
        {{ figures | join(',\n        ') }}
    from {{ relation }}
    union all
    {% endfor -%}
    {% for relation in ['coordinated_estimates', 'coordinated_judge_estimates'] %}
    select
        '{{ "judge" if relation == "coordinated_judge_estimates" else "expert" }}' as labeled_by,
        period_type,
        period_start,
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

named_estimates as (

    select
        case
            when all_estimates.labeled_by = 'judge' then 'judge'
            when plans.has_audit then 'two_phase'
            else 'expert'
        end as estimator,
        all_estimates.period_type,
        all_estimates.period_start,
        all_estimates.{{ figures | join(',\n        all_estimates.') }}
    from all_estimates
    inner join plans
        on all_estimates.plan_id = plans.plan_id

),

final as (

    select
        named_estimates.period_type,
        named_estimates.period_start,
        named_estimates.plan_id,
        named_estimates.policy_id,
        named_estimates.unit_type,
        named_estimates.pivot_name,
        named_estimates.pivot_value,
        named_estimates.estimator,
        named_estimates.estimate as prevalence,
        named_estimates.variance,
        named_estimates.std_error,
        named_estimates.interval_lower,
        named_estimates.interval_upper,
        named_estimates.interval_level,
        named_estimates.interval_method,
        -- where the coverage laboratory finds intervals wider than they need to be, or resting on an assumption
        case
            when named_estimates.interval_upper is null then cast(null as string)
            when named_estimates.positive_units < 5 then 'few_positives'
            when named_estimates.estimator = 'two_phase' and judge_misses.met_misses = 0 then 'no_judge_miss_met'
            when named_estimates.estimator = 'two_phase' and judge_misses.missed_share > 0.3 then 'judge_misses_many'
        end as interval_caution,
        named_estimates.sampled_units,
        named_estimates.positive_units,
        named_estimates.unlabeled_units,
        named_estimates.sum_of_weights,
        named_estimates.effective_n,
        named_estimates.design_effect,
        cast(named_estimates.degrees_of_freedom as double) as degrees_of_freedom,
        named_estimates.status,
        {{ prevalence._label_protocol_id(
            'policies.policy_id', 'policies.policy_version',
            "case when named_estimates.estimator = 'judge' then 'llm' else 'sme' end"
        ) }} as label_protocol_id
    from named_estimates
    inner join policies
        on named_estimates.policy_id = policies.policy_id
    left join judge_misses
        on
            named_estimates.plan_id = judge_misses.plan_id
            and named_estimates.policy_id = judge_misses.policy_id
            and named_estimates.unit_type = judge_misses.unit_type
            and named_estimates.pivot_name = judge_misses.pivot_name
            and named_estimates.pivot_value = judge_misses.pivot_value
            and named_estimates.period_type = judge_misses.period_type
            and named_estimates.period_start = judge_misses.period_start

)

select * from final
