{#- A SELECT of one row and one column, `plans_fingerprint` (text): another one when a plan or a policy that frames are built of changes.

Arguments:
    plans: name of a CTE with the columns of stg_sampling_plans.
    policies: name of a CTE with the columns of stg_policies.
-#}
{% macro _plans_fingerprint(plans, policies) -%}
with

_pf_plan_columns as (

    {{ prevalence._plan_column_rows(plans) | indent(4) }}

),

_pf_rows as (

    select
        'plan|' || coalesce(plan_id, '') || '|' || column_name || '|' || coalesce(column_value, 'null') as row_text
    from _pf_plan_columns

    union all

    select
        'policy|' || coalesce(policy_id, '') || '|'
        || cast(cast(importance as decimal(18, 9)) as string) as row_text
    from {{ policies }}

)

select {{ prevalence._hash_sum_text('row_text', 'plans') }} as plans_fingerprint
from _pf_rows
{%- endmacro %}
