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
{%- set series = ['plan_id', 'unit_type', 'policy_id', 'pivot_name', 'pivot_value'] -%}
{%- set domain = series + ['policy_version', 'week_start_date'] -%}
{%- set week = ['plan_id', 'policy_id', 'policy_version', 'week_start_date'] -%}
{%- set columns = [
    'week_start_date', 'plan_id', 'policy_id', 'policy_version', 'unit_type', 'pivot_name', 'pivot_value', 'estimator',
    'prevalence_before', 'prevalence', 'prevalence_change', 'variance_before', 'variance', 'covariance',
    'change_variance', 'change_std_error', 'interval_lower', 'interval_upper', 'interval_level', 'interval_method',
    'interval_caution', 'sampled_units', 'positive_units', 'overlapping_psus', 'degrees_of_freedom', 'status',
    'inputs_fingerprint'
] -%}
{%- set stored = prevalence._stored_figures('est_changes') %}

with

week_days as (

    select * from {{ ref('est_period_days') }}
    where period_type = 'week'

),

unit_domains as (

    select * from {{ ref('est_unit_domains') }}
    where is_audited

),

measured_weeks as (

    select distinct
        plan_id,
        policy_id,
        policy_version,
        period_start as week_start_date,
        is_two_phase,
        inputs_fingerprint
    from week_days

),

versions_of_weeks as (

    select
        plan_id,
        policy_id,
        week_start_date,
        {{ prevalence._string_agg("policy_version || ':' || inputs_fingerprint", ' ', 'policy_version') }} as inputs
    from measured_weeks
    group by plan_id, policy_id, week_start_date

),

-- what a change is made of: a week, and all versions of the policy in the week before
weeks as (

    select
        measured_weeks.plan_id,
        measured_weeks.policy_id,
        measured_weeks.policy_version,
        measured_weeks.week_start_date,
        measured_weeks.is_two_phase,
        '{{ prevalence._code_of_figures() }}|' || measured_weeks.inputs_fingerprint
        || '|' || coalesce(versions_of_weeks.inputs, 'none') as inputs_fingerprint
    from measured_weeks
    left join versions_of_weeks
        on
            measured_weeks.plan_id = versions_of_weeks.plan_id
            and measured_weeks.policy_id = versions_of_weeks.policy_id
            and measured_weeks.week_start_date
            = {{ prevalence._add_days('versions_of_weeks.week_start_date', 7) }}

),
{%- if stored %}

-- changes of the run before, which stay where nothing has changed that they were made of
stored_changes as (

    select distinct
        {{ week | join(',\n        ') }},
        inputs_fingerprint
    from {{ stored }}

),
{%- endif %}

weeks_to_compare as (

    select weeks.*
    from weeks
    {%- if stored %}
    left join stored_changes
        on
            {{ prevalence._same_key('weeks', 'stored_changes', week) }}
            and weeks.inputs_fingerprint = stored_changes.inputs_fingerprint
    where stored_changes.plan_id is null
    {%- endif %}

),

needed_weeks as (

    select
        plan_id,
        policy_id,
        week_start_date as period_start
    from weeks_to_compare

    union

    select
        plan_id,
        policy_id,
        {{ prevalence._add_days('week_start_date', -7) }} as period_start
    from weeks_to_compare

),

needed_days as (

    select week_days.*
    from week_days
    inner join needed_weeks
        on {{ prevalence._same_key('week_days', 'needed_weeks', ['plan_id', 'policy_id', 'period_start']) }}

),

week_units as (

    select
        unit_domains.*,
        needed_days.period_start
    from unit_domains
    inner join needed_days
        on
            unit_domains.plan_id = needed_days.plan_id
            and unit_domains.policy_id = needed_days.policy_id
            and unit_domains.policy_version = needed_days.policy_version
            and unit_domains.sample_date = needed_days.sample_date

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

measured_series as (

    select distinct
        {{ series | join(',\n        ') }},
        policy_version,
        period_start as week_start_date
    from week_units

),

-- the first week of a policy's version: what another version of it measured in the week before is another thing
new_series as (

    select distinct {{ 'measured_series.' ~ domain | join(', measured_series.') }}
    from measured_series
    inner join measured_series as other_series
        on
            {{ prevalence._same_key('measured_series', 'other_series', series) }}
            and measured_series.policy_version <> other_series.policy_version
            and measured_series.week_start_date = {{ prevalence._add_days('other_series.week_start_date', 7) }}
    left join measured_series as same_series
        on
            {{ prevalence._same_key('measured_series', 'same_series', series + ['policy_version']) }}
            and measured_series.week_start_date = {{ prevalence._add_days('same_series.week_start_date', 7) }}
    where same_series.plan_id is null

),

-- a week without the one before it is no change
named_changes as (

    select
        {{ 'changes.' ~ domain | join(',\n        changes.') }},
        changes.estimate_from,
        changes.estimate_to,
        changes.estimate,
        changes.variance_from,
        changes.variance_to,
        changes.covariance,
        changes.variance,
        changes.std_error,
        changes.interval_lower,
        changes.interval_upper,
        changes.interval_level,
        changes.interval_method,
        changes.sampled_units,
        changes.positive_units,
        changes.overlapping_psus,
        changes.degrees_of_freedom,
        case when new_series.plan_id is null then changes.status else 'new_policy_version' end as status
    from changes
    left join new_series
        on {{ prevalence._same_key('changes', 'new_series', domain) }}
    where changes.status <> 'no_sampled_units' or new_series.plan_id is not null

),

computed_changes as (

    select
        named_changes.week_start_date,
        named_changes.plan_id,
        named_changes.policy_id,
        named_changes.policy_version,
        named_changes.unit_type,
        named_changes.pivot_name,
        named_changes.pivot_value,
        case when weeks_to_compare.is_two_phase then 'two_phase' else 'expert' end as estimator,
        named_changes.estimate_from as prevalence_before,
        named_changes.estimate_to as prevalence,
        named_changes.estimate as prevalence_change,
        named_changes.variance_from as variance_before,
        named_changes.variance_to as variance,
        named_changes.covariance,
        named_changes.variance as change_variance,
        named_changes.std_error as change_std_error,
        named_changes.interval_lower,
        named_changes.interval_upper,
        named_changes.interval_level,
        named_changes.interval_method,
        case
            when named_changes.interval_upper is not null and named_changes.positive_units < 10 then 'few_positives'
        end as interval_caution,
        named_changes.sampled_units,
        named_changes.positive_units,
        named_changes.overlapping_psus,
        named_changes.degrees_of_freedom,
        named_changes.status,
        weeks_to_compare.inputs_fingerprint
    from named_changes
    inner join weeks_to_compare
        on {{ prevalence._same_key('named_changes', 'weeks_to_compare', week) }}

),

final as (

    select {{ columns | join(', ') }} from computed_changes
    {%- if stored %}

    union all

    select stored.{{ columns | join(', stored.') }}
    from {{ stored }} as stored
    inner join weeks
        on
            {{ prevalence._same_key('stored', 'weeks', week) }}
            and stored.inputs_fingerprint = weeks.inputs_fingerprint
    {%- endif %}

)

select * from final
