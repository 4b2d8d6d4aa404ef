{{ config(materialized='view') }}

with

plans as (

    select *
    from {{ ref('stg_sampling_plans') }}

),

policies as (

    select *
    from {{ ref('stg_policy_versions') }}

),

plan_columns as (

    {{ prevalence._plan_column_rows(
        'plans', keys=['plan_id', 'plan_row'],
        columns=dict(prevalence._plan_columns(), valid_from='date', in_force_until='date', renamed_from='string')
    ) | indent(4) }}

),

input_rows as (

    select
        'plan|' || coalesce(plan_id, '') || '|' || cast(plan_row as string) || '|' || column_name
        || '|' || coalesce(column_value, 'null') as row_text
    from plan_columns

    union all

    select
        'policy|' || coalesce(policy_id, '') || '|' || cast(cast(importance as decimal(18, 9)) as string)
        || '|' || coalesce(cast(valid_from as string), '') || '|' || coalesce(cast(in_force_until as string), '')
            as row_text
    from policies

),

final as (

    select {{ prevalence._hash_sum_text('row_text', 'plans') }} as plans_fingerprint
    from input_rows

)

select * from final
