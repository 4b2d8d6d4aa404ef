{{ prevalence._daily('unit_date') }}

-- depends_on: {{ ref('frame_totals') }}
-- depends_on: {{ ref('frame_strata') }}

with

staged_days as (

    select *
    from {{ ref('stg_staged_days') }}

),

plans_now as (

    select *
    from {{ ref('stg_plan_inputs') }}

),

-- after the day's frames were built, so that a run that is killed before builds them again
final as (

    select
        staged_days.fingerprint,
        plans_now.plans_fingerprint,
        staged_days.unit_date
    from staged_days
    cross join plans_now

)

select * from final
