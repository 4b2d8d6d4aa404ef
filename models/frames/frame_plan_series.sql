{{ config(materialized='view') }}

with

plan_starts as (

    select * from {{ ref('frame_plan_starts') }}

),

sampling_plans as (

    select * from {{ ref('stg_sampling_plans') }}

),

-- what was drawn by earlier runs; through a source, because it is drawn after the frames
draw_plans as (

    select * from {{ source('earlier_draws', 'draw_plans') }}

),

listed_plans as (

    select distinct plan_id
    from sampling_plans

),

replaced_plans as (

    select distinct renamed_from as plan_id
    from sampling_plans
    where renamed_from is not null

),

last_draws as (

    select
        plan_id,
        max(sample_date) as last_drawn_date
    from draw_plans
    group by plan_id

),

-- the newest name is the one that no other has taken the place of; of names that are listed no longer, the last that
-- drew
newest_names as (

    select
        plan_starts.series_id,
        plan_starts.plan_id as series_plan_id
    from plan_starts
    left join listed_plans
        on plan_starts.plan_id = listed_plans.plan_id
    left join replaced_plans
        on plan_starts.plan_id = replaced_plans.plan_id
    left join last_draws
        on plan_starts.plan_id = last_draws.plan_id
    qualify row_number() over (
        partition by plan_starts.series_id
        order by
            case when replaced_plans.plan_id is null then 0 else 1 end asc,
            case when listed_plans.plan_id is null then 1 else 0 end asc,
            last_draws.last_drawn_date desc nulls last,
            plan_starts.plan_id asc
    ) = 1

),

final as (

    select
        plan_starts.plan_id,
        plan_starts.series_id,
        newest_names.series_plan_id
    from plan_starts
    inner join newest_names
        on plan_starts.series_id = newest_names.series_id

)

select * from final
