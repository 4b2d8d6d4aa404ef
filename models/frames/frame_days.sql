{{ prevalence._daily('unit_date') }}

-- depends_on: {{ ref('frame_units') }}
-- depends_on: {{ ref('frame_user_days') }}
-- depends_on: {{ ref('frame_totals') }}
-- depends_on: {{ ref('frame_strata') }}

with

staged_days as (

    select *
    from {{ ref('stg_staged_days') }}

),

sampling_plans as (

    select *
    from {{ ref('stg_sampling_plans') }}

),

policies as (

    select *
    from {{ ref('stg_policies') }}

),

plans_now as (

    {{ prevalence._plans_fingerprint('sampling_plans', 'policies') | indent(4) }}

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
