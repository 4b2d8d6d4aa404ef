{{ config(materialized='table') }}

with

estimate_profiles as (

    select *
    from {{ ref('estimate_profiles') }}

),

gate_checks as (

    select *
    from {{ ref('gate_checks') }}

),

broken_limits as (

    {{ prevalence._broken_limits('before_publication', [{
        'name': 'estimate_profiles',
        'has_plan': true,
        'has_policy': true,
        'columns': [
            'unexplained_nulls', 'published_invalid_row_estimates', 'invalid_intervals', 'invalid_standard_errors',
            'missing_overall_rows', 'roll_up_unit_difference', 'pivot_unit_difference',
        ],
    }]) | indent(4) }}

),

final as (

    select
        plan_id,
        policy_id,
        check_name,
        table_name,
        column_name,
        observed,
        expected,
        remedy
    from broken_limits

)

select * from final
