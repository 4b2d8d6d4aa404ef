{{ config(materialized='table') }}

{#- What survey_estimates is told by who labeled, and by what units are estimated as: column `estimated_as` of
est_unit_periods. docs/sampling.md says why each is estimated as it is. -#}
{%- set labelers = {
    'expert': {
        'units': 'is_audited',
        'probability': 'overall_inclusion_probability',
        'arguments': {
            'y': 'expert_violating_exposure', 'interval': 'counted_growing',
            'frame_maximum_weight': 'maximum_overall_weighted_exposure', 'missed_weight': 'missed_weight'
        }
    },
    'judge': {
        'units': "has_audit and pivot_name = 'overall'",
        'probability': 'inclusion_probability',
        'arguments': {'y': 'judge_violating_exposure', 'interval': 'korn_graubard_positives'}
    }
} -%}
{%- set designs = {
    'poisson': {'design': 'poisson'},
    'coordinated_poisson': {'design': 'coordinated_poisson', 'psu': 'psu_id'},
    'simple_random': {
        'design': 'stratified', 'stratum': 'stratum', 'psu': 'psu_id', 'population_psus': 'frame_units'
    },
    'stratified': {
        'design': 'pps_without_replacement', 'stratum': 'stratum', 'psu': 'psu_id', 'lonely_psu': 'certainty'
    },
    'with_replacement': {'design': 'pps_with_replacement', 'stratum': 'stratum', 'psu': 'psu_id'}
} -%}
{%- set with_probability = ['poisson', 'coordinated_poisson', 'stratified'] -%}
{#- the judge labels all where experts label an audit, which Poisson samples alone take -#}
{%- set estimators = [
    ('expert', 'poisson'), ('expert', 'coordinated_poisson'), ('expert', 'simple_random'), ('expert', 'stratified'),
    ('expert', 'with_replacement'), ('judge', 'poisson'), ('judge', 'coordinated_poisson')
] -%}
{%- set domain = [
    'plan_id', 'unit_type', 'policy_id', 'policy_version', 'pivot_name', 'pivot_value', 'period_type', 'period_start'
] -%}
{%- set figures = [
    'estimate', 'variance', 'std_error', 'degrees_of_freedom', 'sampled_units', 'positive_units', 'unlabeled_units',
    'sum_of_weights', 'effective_n', 'design_effect', 'interval_lower', 'interval_upper', 'interval_method',
    'interval_level', 'status'
] -%}

{%- set columns = [
    'period_type', 'period_start', 'period_end', 'days_measured', 'days_expected', 'plan_id', 'policy_id',
    'policy_version', 'unit_type', 'pivot_name', 'pivot_value', 'estimator', 'prevalence', 'variance', 'std_error', 'interval_lower',
    'interval_upper', 'interval_level', 'interval_method', 'interval_caution', 'sampled_units', 'positive_units',
    'unlabeled_units', 'sum_of_weights', 'effective_n', 'design_effect', 'degrees_of_freedom', 'status',
    'label_protocol_id', 'inputs_fingerprint'
] -%}
{%- set stored = prevalence._stored_figures('est_prevalence', 'row_fingerprint') %}

with

periods as (

    select distinct
        period_type,
        period_start,
        plan_id,
        policy_id,
        policy_version,
        period_end,
        days_measured,
        days_expected,
        is_two_phase,
        '{{ prevalence._code_of_figures() }}|' || inputs_fingerprint as inputs_fingerprint
    from {{ ref('est_period_days') }}

),

violation_pivots as (

    select * from {{ ref('pivots') }}
    where part_of = 'violations'

),

{% for labeled_by, estimated_as in estimators %}
{%- set labeler = labelers[labeled_by] %}
{%- set probability = {'inclusion_probability': labeler.probability} if estimated_as in with_probability else {} %}
{%- set arguments = dict(dict(designs[estimated_as], **labeler.arguments), **probability) -%}
{{ estimated_as }}_units_of_{{ labeled_by }} as (

    select * from {{ ref('est_unit_periods') }}
    where estimated_as = '{{ estimated_as }}' and {{ labeler.units }}

),

{{ estimated_as }}_estimates_of_{{ labeled_by }} as (

    {{ prevalence.survey_estimates(
        estimated_as ~ '_units_of_' ~ labeled_by, x='exposure', weight='1 / ' ~ labeler.probability, by=[domain],
        level=var('interval_level'), zero_positive_bound='max_weight', **arguments
    ) | indent(4) }}

),

{% endfor -%}
estimates as (
    {% for labeled_by, estimated_as in estimators %}
    select
        '{{ labeled_by }}' as labeled_by,
        {{ (domain + figures) | join(',\n        ') }}
    from {{ estimated_as }}_estimates_of_{{ labeled_by }}
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

audited_units as (

    select * from {{ ref('est_unit_periods') }}
    where has_audit and is_audited and pivot_name not in (select violation_pivots.pivot_name from violation_pivots)

),

-- What the audit met among what the judge does not call violating. Where that is nothing, the interval's top rests on
-- what the judge is taken to miss; where it is much, the judge misses more than that.
judge_misses as (

    select
        {{ domain | join(',\n        ') }},
        count_if(expert_violating_exposure > 0 and judge_violating_exposure = 0) as met_misses,
        sum(case when judge_violating_exposure = 0 then expert_violating_exposure / overall_inclusion_probability end)
        / nullif(sum(expert_violating_exposure / overall_inclusion_probability), 0) as missed_share
    from audited_units
    group by {{ domain | join(', ') }}

),

named_estimates as (

    select
        estimates.*,
        case
            when estimates.labeled_by = 'judge' then 'judge'
            when periods.is_two_phase then 'two_phase'
            else 'expert'
        end as estimator,
        periods.period_end,
        periods.days_measured,
        periods.days_expected,
        periods.inputs_fingerprint
    from estimates
    inner join periods
        on
            {{ prevalence._same_key(
                'estimates', 'periods', ['plan_id', 'policy_id', 'policy_version', 'period_type', 'period_start']
            ) }}

),

computed_figures as (

    select
        named_estimates.period_type,
        named_estimates.period_start,
        named_estimates.period_end,
        named_estimates.days_measured,
        named_estimates.days_expected,
        named_estimates.plan_id,
        named_estimates.policy_id,
        named_estimates.policy_version,
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
            'named_estimates.policy_id', 'named_estimates.policy_version',
            "case when named_estimates.estimator = 'judge' then 'llm' else 'sme' end"
        ) }} as label_protocol_id,
        named_estimates.inputs_fingerprint
    from named_estimates
    left join judge_misses
        on
            {{ prevalence._same_key('named_estimates', 'judge_misses', domain) }}

),

final as (

    select
        {{ columns | join(', ') }},
        -- of the figure as it was computed: one that is taken over is held to it
        {{ prevalence._figure_fingerprint() }} as row_fingerprint
    from computed_figures
    {%- if stored %}

    union all

    -- figures whose days have the answers that they had, which est_unit_periods leaves out
    select stored.{{ columns | join(', stored.') }}, stored.row_fingerprint
    from {{ stored }} as stored
    inner join periods
        on
            {{ prevalence._same_key(
                'stored', 'periods', ['plan_id', 'policy_id', 'policy_version', 'period_type', 'period_start']
            ) }}
            and stored.inputs_fingerprint = periods.inputs_fingerprint
    {%- endif %}

)

select * from final
