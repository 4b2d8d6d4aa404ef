{{ config(materialized='view') }}

with

possible_assignments as (

    select *
    from {{ ref('label_possible_assignments') }}

),

days_with_audit as (

    select
        plan_id,
        sample_date
    from {{ ref('draw_plan_settings') }}
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

measured_days as (

    select *
    from {{ ref('stg_measured_days') }}

),

label_events as (

    select *
    from {{ ref('stg_label_events_classified') }}

),

-- whatever becomes of an answer afterwards, the assignment has one
answers as (

    select
        assignment_id,
        bool_or(row_disposition = 'used') as is_used
    from label_events
    group by assignment_id

),

-- the share of answers that is enough, where the gate would hold back a plan, policy and day
limits as (

    select min(blocking_lower) as least_answered_share
    from {{ ref('gate_checks') }}
    where
        gate_name = 'labels_to_estimates'
        and check_name in ('audit_answered_share', 'expert_answered_share')

),

-- no model reads a clock: it is the newest day that there are logs of
last_day as (

    select max(unit_date) as as_of_date
    from measured_days
    where is_staged

),

-- a plan without an audit needs no judge
judge_assignments as (

    select
        unit_policies.plan_id,
        possible_assignments.policy_id,
        unit_policies.sample_date,
        possible_assignments.purpose,
        possible_assignments.assignment_id
    from unit_policies
    inner join days_with_audit
        on
            unit_policies.plan_id = days_with_audit.plan_id
            and unit_policies.sample_date = days_with_audit.sample_date
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
        unit_policies.sample_date,
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

audited_days as (

    select distinct
        plan_id,
        policy_id,
        sample_date
    from audits

),

answered_assignments as (

    select
        needed_assignments.*,
        answers.assignment_id is not null as is_answered,
        coalesce(answers.is_used, false) as is_used,
        audited_days.plan_id is not null as is_audit_drawn
    from needed_assignments
    left join answers
        on needed_assignments.assignment_id = answers.assignment_id
    left join audited_days
        on
            needed_assignments.plan_id = audited_days.plan_id
            and needed_assignments.policy_id = audited_days.policy_id
            and needed_assignments.sample_date = audited_days.sample_date

),

-- units of a plan that show the same share an assignment, and each of them counts
answered_shares as (

    select
        *,
        avg(case when is_answered then 1 else 0 end)
            over (partition by purpose, plan_id, policy_id, sample_date) as answered_share
    from answered_assignments

),

-- the audit is drawn when the judge has answered for the whole day; from then on nothing more of the judge is needed
short_days as (

    select
        answered_shares.*,
        {{ prevalence._add_days('answered_shares.sample_date', var('label_deadline_days')) }} as deadline_date,
        last_day.as_of_date,
        case answered_shares.purpose
            when 'primary' then answered_shares.answered_share < 1 and not answered_shares.is_audit_drawn
            else coalesce(answered_shares.answered_share < limits.least_answered_share, false)
        end as is_short
    from answered_shares
    cross join limits
    cross join last_day

),

final as (

    select distinct
        plan_id,
        policy_id,
        sample_date,
        assignment_id,
        purpose,
        is_answered,
        is_used,
        is_short,
        deadline_date,
        -- nobody waits for what is past its deadline; what comes after all is taken
        is_short and coalesce(as_of_date <= deadline_date, true) as is_waited_for
    from short_days

)

select * from final
