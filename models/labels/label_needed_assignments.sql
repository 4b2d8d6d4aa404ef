{{ config(materialized='view') }}

with

possible_assignments as (

    select *
    from {{ ref('label_possible_assignments') }}

),

audited_plans as (

    select plan_id
    from {{ ref('stg_sampling_plans') }}
    where audit_units is not null

),

unit_policies as (

    select *
    from {{ ref('label_unit_policies') }}

),

audits as (

    select *
    from {{ ref('draw_audits') }}

),

-- whatever becomes of an answer afterwards, the assignment has one
answers as (

    select distinct assignment_id
    from {{ ref('stg_label_events_classified') }}

),

-- where the gate would block a plan and policy
limits as (

    select min(blocking_lower) as least_answered_share
    from {{ ref('gate_checks') }}
    where
        gate_name = 'labels_to_estimates'
        and check_name in ('audit_answered_share', 'expert_answered_share')

),

-- a plan without an audit needs no judge
judge_assignments as (

    select
        unit_policies.plan_id,
        possible_assignments.policy_id,
        possible_assignments.purpose,
        possible_assignments.assignment_id
    from unit_policies
    inner join audited_plans
        on unit_policies.plan_id = audited_plans.plan_id
    inner join possible_assignments
        on
            unit_policies.unit_type = possible_assignments.unit_type
            and unit_policies.unit_id = possible_assignments.unit_id
            and unit_policies.policy_id = possible_assignments.policy_id
            and unit_policies.policy_version = possible_assignments.policy_version
    where possible_assignments.purpose = 'primary'

),

expert_assignments as (

    select
        audits.plan_id,
        possible_assignments.policy_id,
        possible_assignments.purpose,
        possible_assignments.assignment_id
    from audits
    inner join unit_policies
        on
            audits.plan_id = unit_policies.plan_id
            and audits.unit_id = unit_policies.unit_id
            and audits.policy_id = unit_policies.policy_id
    inner join possible_assignments
        on
            unit_policies.unit_type = possible_assignments.unit_type
            and unit_policies.unit_id = possible_assignments.unit_id
            and unit_policies.policy_id = possible_assignments.policy_id
            and unit_policies.policy_version = possible_assignments.policy_version
    where possible_assignments.purpose = 'audit'

),

needed_assignments as (

    select * from judge_assignments
    union all
    select * from expert_assignments

),

answered_assignments as (

    select
        needed_assignments.*,
        answers.assignment_id is not null as is_answered
    from needed_assignments
    left join answers
        on needed_assignments.assignment_id = answers.assignment_id

),

-- units of a plan that show the same share an assignment, and each of them counts
answered_shares as (

    select
        *,
        avg(case when is_answered then 1 else 0 end) over (partition by purpose, plan_id, policy_id) as answered_share
    from answered_assignments

),

final as (

    select distinct
        answered_shares.plan_id,
        answered_shares.assignment_id,
        answered_shares.policy_id,
        answered_shares.purpose,
        answered_shares.is_answered,
        coalesce(answered_shares.answered_share < limits.least_answered_share, false) as is_waited_for
    from answered_shares
    cross join limits

)

select * from final
