{{ config(materialized='table', event_time='unit_date') }}

with

policy_versions as (

    select * from {{ ref('stg_policy_versions') }}

),

measured_days as (

    select * from {{ ref('stg_measured_days') }}

),

-- what earlier runs drew is asked about; through a source, because it is drawn after the frames
draw_policies as (

    select * from {{ source('earlier_draws', 'draw_policies') }}

),

-- a frame that is built again has the policies that its day was drawn by; a backfill came after the draw
drawn_policies as (

    select
        sample_date as unit_date,
        policy_id,
        max(importance) as importance
    from draw_policies
    where not is_backfilled
    group by sample_date, policy_id

),

drawn_days as (

    select distinct unit_date
    from drawn_policies

),

ambiguous_policies as (

    select distinct policy_id
    from policy_versions
    where is_in_force_twice

),

undrawn_policies as (

    select
        measured_days.unit_date,
        policy_versions.policy_id,
        policy_versions.importance
    from policy_versions
    cross join measured_days
    left join ambiguous_policies
        on policy_versions.policy_id = ambiguous_policies.policy_id
    left join drawn_days
        on measured_days.unit_date = drawn_days.unit_date
    where
        ambiguous_policies.policy_id is null
        and drawn_days.unit_date is null
        and {{ prevalence._is_in_force('measured_days.unit_date', 'policy_versions') }}

),

final as (

    select
        unit_date,
        policy_id,
        importance
    from drawn_policies

    union all

    select
        unit_date,
        policy_id,
        importance
    from undrawn_policies

)

select * from final
