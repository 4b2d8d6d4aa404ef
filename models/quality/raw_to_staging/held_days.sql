{{ config(materialized='table') }}

with

day_profiles as (

    select * from {{ ref('day_profiles') }}

),

gate_checks as (

    select * from {{ ref('gate_checks') }}

),

broken_limits as (

    {{ prevalence._broken_limits('raw_to_staging', [{
        'name': 'day_profiles',
        'day': 'row_date',
        'columns': [
            'usable_rows', 'volume_ratio', 'duplicate_share', 'late_share', 'quarantined_share', 'components_ratio',
            'unfinished_days'
        ],
    }]) | indent(4) }}

),

final as (

    select
        sample_date as unit_date,
        check_name,
        table_name,
        column_name,
        observed,
        expected,
        remedy
    from broken_limits
    where holds = 'day'

)

select * from final
