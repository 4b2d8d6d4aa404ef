with

draws as (

    select * from {{ ref('draw_units') }}

),

policy_versions as (

    select * from {{ ref('stg_policy_versions') }}

),

-- what a backfill would cost beyond the month's budget
unpaid_backfills as (

    select * from {{ ref('backfill_costs') }}
    where not is_within_budget

),

drawn_days as (

    select distinct
        plan_id,
        sample_date
    from draws

),

-- what a day's units are asked about stays as it was when the day was drawn, like the draw itself
open_days as (

    {{ prevalence._not_yet_kept('drawn_days') | indent(4) }}

),

ambiguous_policies as (

    select distinct policy_id
    from policy_versions
    where is_in_force_twice

),

usable_versions as (

    select policy_versions.*
    from policy_versions
    left join ambiguous_policies
        on policy_versions.policy_id = ambiguous_policies.policy_id
    where ambiguous_policies.policy_id is null

),

policies_in_force as (

    select
        drawn_days.plan_id,
        drawn_days.sample_date,
        usable_versions.policy_id,
        usable_versions.policy_version,
        usable_versions.title,
        usable_versions.importance,
        usable_versions.valid_from,
        open_days.plan_id is null as is_backfilled
    from drawn_days
    cross join usable_versions
    left join open_days
        on
            drawn_days.plan_id = open_days.plan_id
            and drawn_days.sample_date = open_days.sample_date
    where {{ prevalence._is_in_force('drawn_days.sample_date', 'usable_versions') }}

),

-- of a day that was drawn before, only a policy that is dated back to it and was not asked about at all: a backfill, as
-- far as the budget of the day's month goes
asked_policies as (

    select policies_in_force.*
    from policies_in_force
    left join unpaid_backfills
        on
            policies_in_force.plan_id = unpaid_backfills.plan_id
            and policies_in_force.sample_date = unpaid_backfills.unit_date
            and policies_in_force.policy_id = unpaid_backfills.policy_id
    where
        not policies_in_force.is_backfilled
        or (policies_in_force.valid_from is not null and unpaid_backfills.plan_id is null)

),

unasked_policies as (

    {{ prevalence._not_yet_kept('asked_policies', key=['plan_id', 'sample_date', 'policy_id']) | indent(4) }}

),

final as (

    select
        plan_id,
        sample_date,
        policy_id,
        policy_version,
        title,
        importance,
        is_backfilled
    from unasked_policies

)

select {{ prevalence._in_one_file() }} * from final
