{{ config(materialized='table') }}

with

logged_draws as (

    select *
    from {{ source('raw', 'logged_draws') }}

),

plans as (

    select plan_id
    from {{ ref('stg_sampling_plans') }}
    where design = 'logged'

),

interactions as (

    select
        interaction_id,
        unit_date
    from {{ ref('stg_interactions') }}

),

kept_days as (

    select unit_date
    from {{ ref('stg_measured_days') }}
    where is_staged and not has_logs

),

unplaced_rows as (

    select
        logged_draws.*,
        kept_days.unit_date is not null as is_kept,
        plans.plan_id is null as is_unknown_plan
    from logged_draws
    left join interactions
        on logged_draws.interaction_id = interactions.interaction_id
    left join kept_days
        on interactions.unit_date = kept_days.unit_date
    left join plans
        on logged_draws.plan_id = plans.plan_id
    where interactions.interaction_id is null or kept_days.unit_date is not null

),

final as (

    select
        plan_id,
        interaction_id,
        inclusion_probability,
        cast(null as date) as row_date,
        case when is_kept then 'kept' else 'quarantined' end as row_disposition,
        case
            when is_kept then cast(null as string)
            when {{ prevalence._is_missing('plan_id') }} then 'missing_plan_id'
            when {{ prevalence._is_missing('interaction_id') }} then 'missing_interaction_id'
            when is_unknown_plan then 'unknown_plan'
            else 'interaction_not_used'
        end as quarantine_reason
    from unplaced_rows

)

select * from final
