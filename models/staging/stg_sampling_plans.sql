{{ config(materialized='table') }}

{#- Both are read by name: files that people land have their columns in any order. -#}
{%- set columns = [
    'plan_id', 'unit_type', 'design', 'expected_units', 'policy_id', 'score_basis', 'exposure_power', 'score_power',
    'defence_share', 'cold_defence_share', 'stratum_bounds', 'allocation', 'minimum_stratum_units',
    'random_number_stream', 'random_number_days', 'random_number_start', 'audit_units', 'audit_floor',
    'interactions_per_user_day', 'components_per_interaction', 'valid_from', 'valid_until', 'renamed_from'
] %}

with

landed_plans as (

    select *
    from {{ source('raw', 'sampling_plans') }}

),

seeded_plans as (

    select *
    from {{ ref('sampling_plans') }}

),

landed_count as (

    select count(*) as plan_count
    from landed_plans

),

plans as (

    select
        {{ columns | join(',\n        ') }}
    from landed_plans

    union all

    select
        seeded_plans.{{ columns | join(',\n        seeded_plans.') }}
    from seeded_plans
    cross join landed_count
    where landed_count.plan_count = 0

),

-- a plan that stands twice is said to (quality.plan_row_problems), and draws nothing
final as (

    select
        {{ columns | join(',\n        ') }},
        cast(row_number() over (
            partition by plan_id
            order by valid_from asc nulls first, {{ columns[1:-3] | join(', ') }}
        ) as bigint) as plan_row,
        {{ prevalence._in_force_until('plan_id') }} as in_force_until,
        {{ prevalence._is_in_force_twice('plan_id') }} as is_in_force_twice
    from plans

)

select * from final
