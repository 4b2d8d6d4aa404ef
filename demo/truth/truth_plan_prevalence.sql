{{ config(enabled=var('demo_world', false), materialized='view', schema='truth', alias='plan_prevalence') }}

{%- set key = ['period_type', 'period_start', 'policy_id', 'unit_type', 'pivot_name', 'pivot_value'] %}

with

prevalence as (

    select * from {{ ref('truth_prevalence') }}

),

signed_in_prevalence as (

    select * from {{ ref('truth_signed_in_prevalence') }}

),

plans as (

    select * from {{ ref('draw_newest_plans') }}

),

-- plans of user-days measure what signed-in users saw, the others all traffic
truths as (

    select
        false as is_signed_in,
        {{ key | join(', ') }},
        true_prevalence
    from prevalence

    union all

    select
        true as is_signed_in,
        {{ key | join(', ') }},
        true_prevalence
    from signed_in_prevalence

),

final as (

    select
        plans.plan_id,
        truths.period_type,
        truths.period_start,
        truths.policy_id,
        truths.unit_type,
        truths.pivot_name,
        truths.pivot_value,
        truths.true_prevalence
    from plans
    inner join truths
        on (plans.unit_type = 'user_day') = truths.is_signed_in

)

select * from final
