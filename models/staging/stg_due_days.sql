{{ config(materialized='view') }}

with

landed_days as (

    select *
    from {{ ref('stg_landed_days') }}

),

sampling_plans as (

    select *
    from {{ ref('stg_sampling_plans') }}

),

-- what earlier runs have done; through sources, because all of it is built after this
staged_days as (

    select *
    from {{ source('earlier_days', 'stg_staged_days') }}

),

framed_days as (

    select *
    from {{ source('earlier_frames', 'frame_days') }}

),

draw_records as (

    select *
    from {{ source('stored_draws', 'draw_records') }}

),

-- when each plan was first seen
plan_starts as (

    select *
    from {{ source('earlier_frames', 'frame_plan_starts') }}

),

plans_now as (

    select *
    from {{ ref('stg_plan_inputs') }}

),

drawn_days as (

    select
        plan_id,
        sample_date
    from draw_records
    group by plan_id, sample_date

),

last_drawn_day as (

    select max(sample_date) as last_date
    from drawn_days

),

plan_ends as (

    select
        sampling_plans.plan_id,
        coalesce(
            max(drawn_days.sample_date),
            -- it has not drawn yet: it begins with its date, or after what had been drawn when it came
            {{ prevalence._add_days('min(sampling_plans.valid_from)', '-1') }},
            max(
                case
                    when plan_starts.plan_id is not null
                        then coalesce(plan_starts.begins_after, cast('0001-01-01' as date))
                end
            ),
            max(last_drawn_day.last_date)
        ) as last_date
    from sampling_plans
    cross join last_drawn_day
    left join drawn_days
        on sampling_plans.plan_id = drawn_days.plan_id
    left join plan_starts
        on sampling_plans.plan_id = plan_starts.plan_id
    group by sampling_plans.plan_id

),

first_open_day as (

    select min(last_date) as last_date
    from plan_ends

),

days_with_draws as (

    select distinct sample_date
    from drawn_days

),

-- a frame that nobody was drawn from yet follows a change of the plans; one that was drawn from stays
compared_days as (

    select
        landed_days.unit_date,
        coalesce(staged_days.interaction_rows, landed_days.interaction_rows) as interaction_rows,
        landed_days.log_state,
        staged_days.unit_date is not null as is_staged,
        coalesce(landed_days.fingerprint <> staged_days.fingerprint, true) as is_changed,
        framed_days.unit_date is null or framed_days.fingerprint <> staged_days.fingerprint as is_to_be_framed,
        framed_days.plans_fingerprint <> plans_now.plans_fingerprint
        and (
            days_with_draws.sample_date is null
            or coalesce(landed_days.unit_date > first_open_day.last_date, true)
        ) as is_of_other_plans
    from landed_days
    cross join plans_now
    cross join first_open_day
    left join staged_days
        on landed_days.unit_date = staged_days.unit_date
    left join framed_days
        on landed_days.unit_date = framed_days.unit_date
    left join days_with_draws
        on landed_days.unit_date = days_with_draws.sample_date

),

final as (

    select
        unit_date,
        interaction_rows,
        log_state,
        is_staged,
        case
            when not is_staged then 'new'
            when log_state = 'landed' and is_changed then 'changed'
            when is_to_be_framed then 'not_framed'
            when is_of_other_plans then 'other_plans'
        end as due_reason
    from compared_days

)

select * from final
