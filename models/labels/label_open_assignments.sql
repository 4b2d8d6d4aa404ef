{{ config(materialized='view', alias='open_assignments') }}

with

judge_assignments as (

    select *
    from {{ ref('label_assignments') }}

),

audit_assignments as (

    select *
    from {{ ref('label_audit_assignments') }}

),

needed_assignments as (

    select *
    from {{ ref('label_needed_assignments') }}

),

-- whatever becomes of an answer afterwards, the assignment has one
answers as (

    select distinct assignment_id
    from {{ ref('stg_label_events_classified') }}

),

-- one shape: both take their rows from label_possible_assignments
asked_assignments as (

    select * from judge_assignments
    union all
    select * from audit_assignments

),

-- a content that is drawn on several days is needed on each of them
plan_needs as (

    select
        assignment_id,
        plan_id,
        bool_or(is_waited_for) as is_waited_for
    from needed_assignments
    group by assignment_id, plan_id

),

needs as (

    select
        assignment_id,
        {{ prevalence._string_agg('plan_id', ', ', 'plan_id') }} as needed_by_plans,
        bool_or(is_waited_for) as is_waited_for
    from plan_needs
    group by assignment_id

),

final as (

    select
        asked_assignments.assignment_id,
        asked_assignments.item_id,
        asked_assignments.item_hash,
        asked_assignments.policy_id,
        asked_assignments.policy_version,
        asked_assignments.purpose,
        asked_assignments.pool,
        asked_assignments.slot,
        asked_assignments.label_protocol_id,
        asked_assignments.sample_date,
        needs.needed_by_plans,
        coalesce(needs.is_waited_for, false) as is_waited_for
    from asked_assignments
    left join answers
        on asked_assignments.assignment_id = answers.assignment_id
    left join needs
        on asked_assignments.assignment_id = needs.assignment_id
    where answers.assignment_id is null

)

select * from final
