{{ config(enabled=var('demo_world', false), materialized='table', alias='sampling_plans', schema='raw') }}

{#- The demo world shows what plans can do, whatever it would cost: its labelers are simulated. Own logs begin with the
modest ones of seeds/sampling_plans.csv. -#}
{%- set plans = [
    {
        'plan_id': 'content_days_mixture', 'unit_type': 'content_day', 'design': 'poisson', 'expected_units': 1200,
        'score_basis': 'learned', 'defence_share': 0.2, 'cold_defence_share': 0.5, 'audit_units': 250, 'audit_floor': 0.05,
    },
    {
        'plan_id': 'content_days_holdout', 'unit_type': 'content_day', 'design': 'poisson', 'expected_units': 150,
        'defence_share': 1,
    },
    {
        'plan_id': 'interactions_mixture', 'unit_type': 'interaction', 'design': 'pareto', 'expected_units': 600,
        'score_basis': 'learned', 'defence_share': 0.5, 'cold_defence_share': 0.5, 'audit_units': 150, 'audit_floor': 0.05,
    },
    {
        'plan_id': 'interactions_holdout', 'unit_type': 'interaction', 'design': 'simple_random', 'expected_units': 100,
    },
    {
        'plan_id': 'user_days_nested', 'unit_type': 'user_day', 'design': 'poisson', 'expected_units': 40,
        'defence_share': 0.5, 'interactions_per_user_day': 6, 'components_per_interaction': 6,
    },
] -%}
{%- set columns = [
    'plan_id', 'unit_type', 'design', 'expected_units', 'defence_share', 'audit_units', 'audit_floor', 'policy_id',
    'score_basis', 'exposure_power', 'score_power', 'cold_defence_share', 'stratum_bounds', 'allocation',
    'minimum_stratum_units', 'random_number_stream', 'random_number_days', 'random_number_start',
    'interactions_per_user_day', 'components_per_interaction', 'valid_from', 'valid_until', 'renamed_from'
] -%}
{%- set data_types = dict(
    prevalence._plan_columns(), plan_id='string', valid_from='date', valid_until='date', renamed_from='string'
) -%}
{%- set rows = [] -%}
{%- for plan in plans -%}
{%- set values = [] -%}
{%- for name in columns -%}
{%- set value = plan.get(name) -%}
{%- set text = 'null' if value is none else "'" ~ value ~ "'" if value is string else value -%}
{%- do values.append('cast(' ~ text ~ ' as ' ~ data_types[name] ~ ') as ' ~ name) -%}
{%- endfor -%}
{%- do rows.append('select\n        ' ~ values | join(',\n        ')) -%}
{%- endfor %}

with

final as (

    {{ rows | join('\n\n    union all\n\n    ') }}

)

select * from final
