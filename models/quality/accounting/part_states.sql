{{ config(materialized='view') }}

with

label_maturity as (

    select *
    from {{ ref('label_maturity') }}

),

held_plan_days as (

    select *
    from {{ ref('held_plan_days') }}

),

held_estimates as (

    select *
    from {{ ref('held_estimates') }}

),

maturity_reasons as (

    select *
    from {{ ref('maturity_reasons') }}

),

draw_policies as (

    select distinct
        plan_id,
        sample_date
    from {{ ref('draw_policies') }}

),

published_days as (

    select distinct
        plan_id,
        policy_id,
        period_start as sample_date
    from {{ ref('prevalence', v=2) }}
    where period_type = 'day' and pivot_name = 'overall' and release_status <> 'withdrawn'

),

-- a day that was drawn before its frame or its plan broke goes on
undrawn_days as (

    select held_plan_days.*
    from held_plan_days
    left join draw_policies
        on
            held_plan_days.plan_id = draw_policies.plan_id
            and held_plan_days.unit_date = draw_policies.sample_date
    where draw_policies.plan_id is null
    qualify row_number() over (
        partition by held_plan_days.plan_id, held_plan_days.unit_date
        order by held_plan_days.reason_order asc, held_plan_days.check_name asc
    ) = 1

),

first_held_estimates as (

    select *
    from held_estimates
    qualify row_number() over (
        partition by plan_id, policy_id
        order by check_name asc
    ) = 1

),

parts as (

    select
        label_maturity.plan_id,
        label_maturity.policy_id,
        label_maturity.sample_date,
        case
            when label_maturity.state = 'measured' and first_held_estimates.check_name is not null then 'held'
            else label_maturity.state
        end as state,
        case
            when label_maturity.state = 'measured'
                then coalesce(first_held_estimates.check_name, label_maturity.reason)
            else label_maturity.reason
        end as reason,
        case
            when label_maturity.state = 'measured' then first_held_estimates.observed else label_maturity.observed
        end as observed,
        case
            when label_maturity.state = 'measured'
                then coalesce(first_held_estimates.expected, label_maturity.expected)
            else label_maturity.expected
        end as expected,
        case
            when label_maturity.state = 'measured' then coalesce(first_held_estimates.remedy, label_maturity.remedy)
            else label_maturity.remedy
        end as remedy,
        label_maturity.needed_answers,
        label_maturity.open_answers,
        label_maturity.deadline_date
    from label_maturity
    left join first_held_estimates
        on
            label_maturity.plan_id = first_held_estimates.plan_id
            and label_maturity.policy_id = first_held_estimates.policy_id

    union all

    -- a limit of which the seed says so is waited for: nobody has to mend anything
    select
        undrawn_days.plan_id,
        'all' as policy_id,
        undrawn_days.unit_date as sample_date,
        coalesce(maturity_reasons.state, 'held') as state,
        undrawn_days.check_name as reason,
        undrawn_days.observed,
        coalesce(undrawn_days.found, undrawn_days.expected) as expected,
        undrawn_days.remedy,
        cast(0 as bigint) as needed_answers,
        cast(0 as bigint) as open_answers,
        cast(null as date) as deadline_date
    from undrawn_days
    left join maturity_reasons
        on undrawn_days.check_name = maturity_reasons.reason

),

final as (

    select
        parts.plan_id,
        parts.policy_id,
        parts.sample_date,
        parts.state,
        parts.reason,
        parts.observed,
        parts.expected,
        parts.remedy,
        parts.needed_answers,
        parts.open_answers,
        parts.deadline_date,
        published_days.plan_id is not null as is_published
    from parts
    left join published_days
        on
            parts.plan_id = published_days.plan_id
            and parts.policy_id = published_days.policy_id
            and parts.sample_date = published_days.sample_date

)

select * from final
