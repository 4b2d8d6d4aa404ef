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

    select *
    from {{ ref('stg_interactions') }}

),

checked_rows as (

    select {{ prevalence._broadcast(['plans']) }}
        logged_draws.*,
        interactions.unit_date as row_date,
        case
            when {{ prevalence._is_missing('logged_draws.plan_id') }} then 'missing_plan_id'
            when {{ prevalence._is_missing('logged_draws.interaction_id') }} then 'missing_interaction_id'
            when plans.plan_id is null then 'unknown_plan'
            when interactions.interaction_id is null then 'interaction_not_used'
            when logged_draws.inclusion_probability is null then 'missing_inclusion_probability'
            when
                isnan(logged_draws.inclusion_probability)
                or logged_draws.inclusion_probability <= 0
                or logged_draws.inclusion_probability > 1
                then 'inclusion_probability_out_of_range'
        end as quarantine_reason
    from logged_draws
    left join plans
        on logged_draws.plan_id = plans.plan_id
    left join interactions
        on logged_draws.interaction_id = interactions.interaction_id

),

ranked_rows as (

    select
        *,
        row_number() over (
            partition by plan_id, interaction_id, case when quarantine_reason is null then 1 else 0 end
            order by inclusion_probability asc nulls last
        ) as row_rank
    from checked_rows

),

final as (

    select
        plan_id,
        interaction_id,
        inclusion_probability,
        row_date,
        case
            when quarantine_reason is not null then 'quarantined'
            when row_rank > 1 then 'duplicate'
            else 'used'
        end as row_disposition,
        quarantine_reason
    from ranked_rows

)

select * from final
