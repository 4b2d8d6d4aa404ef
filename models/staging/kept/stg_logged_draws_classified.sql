{{ prevalence._daily('row_date', keeps_days=true) }}

with

logged_draws as {{ prevalence._inlined() }} (

    select *
    from {{ source('raw', 'logged_draws') }}

),

-- a plan that has been retired is known by the days that it gave, which may be taken in again; through a source,
-- because draws come after staging
plans as (

    select plan_id
    from {{ ref('stg_sampling_plans') }}
    where design = 'logged'

    union

    select plan_id
    from {{ source('earlier_draws', 'draw_plans') }}
    where column_name = 'design' and column_value = 'logged'

),

interactions as (

    select *
    from {{ ref('stg_interactions') }}

),

open_days as (

    select unit_date
    from {{ ref('stg_landed_days') }}
    where not is_kept

),

-- a logged draw has no time of its own: it belongs to the day of its interaction
checked_rows as (

    select {{ prevalence._broadcast(['plans', 'open_days']) }}
        logged_draws.*,
        interactions.unit_date as row_date,
        case
            when {{ prevalence._is_missing('logged_draws.plan_id') }} then 'missing_plan_id'
            when plans.plan_id is null then 'unknown_plan'
            when logged_draws.inclusion_probability is null then 'missing_inclusion_probability'
            when
                isnan(logged_draws.inclusion_probability)
                or logged_draws.inclusion_probability <= 0
                or logged_draws.inclusion_probability > 1
                then 'inclusion_probability_out_of_range'
        end as quarantine_reason
    from logged_draws
    inner join interactions
        on logged_draws.interaction_id = interactions.interaction_id
    inner join open_days
        on interactions.unit_date = open_days.unit_date
    left join plans
        on logged_draws.plan_id = plans.plan_id

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
