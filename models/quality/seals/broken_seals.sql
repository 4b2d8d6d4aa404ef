{{ config(materialized='table') }}

{%- set key = ['plan_id', 'policy_id', 'sample_date'] -%}
{%- set audits = prevalence._replayed_tables() | selectattr('model', 'equalto', 'draw_audits') | first %}

with

broken_draw_seals as (

    select * from {{ ref('broken_draw_seals') }}

),

sealed_days as (

    select * from {{ ref('sealed_days') }}

),

audit_records as (

    select {{ prevalence._broadcast(['sealed_days']) }} draw_audit_records.*
    from {{ ref('draw_audit_records') }} as draw_audit_records
    inner join sealed_days
        on draw_audit_records.sample_date = sealed_days.sample_date

),

audits as (

    select {{ prevalence._broadcast(['sealed_days']) }} draw_audits.*
    from {{ ref('draw_audits') }} as draw_audits
    inner join sealed_days
        on draw_audits.sample_date = sealed_days.sample_date

),

audit_rows as (

    select
        plan_id,
        policy_id,
        sample_date,
        {{ prevalence._drawn_row_text(audits) }} as row_text
    from audits

),

stored_audits as (

    select
        plan_id,
        policy_id,
        sample_date,
        count(*) as row_count,
        {{ prevalence._hash_sum_text('row_text', 'draw') }} as fingerprint
    from audit_rows
    group by plan_id, policy_id, sample_date

),

broken_audits as (

    select
        audit_records.plan_id,
        audit_records.policy_id,
        audit_records.sample_date,
        coalesce(stored_audits.row_count, 0) as row_count,
        audit_records.row_count as recorded_count,
        coalesce(stored_audits.fingerprint, '0') as fingerprint
    from audit_records
    left join stored_audits
        on {{ prevalence._same_key('audit_records', 'stored_audits', key) }}
    where
        stored_audits.fingerprint is null
        or stored_audits.row_count <> audit_records.row_count
        or stored_audits.fingerprint <> audit_records.fingerprint

),

broken_answers as (

    select * from {{ ref('broken_answers') }}

),

possible_assignments as (

    select * from {{ ref('label_possible_assignments') }}

),

unit_policies as (

    select * from {{ ref('label_unit_policies') }}

),

-- an answer counts for every plan and day that has drawn what it is about and asked under that version
broken_answer_days as (

    select
        unit_policies.plan_id,
        possible_assignments.policy_id,
        unit_policies.sample_date,
        count(distinct broken_answers.label_event_id) as broken_rows,
        count(distinct case when broken_answers.problem = 'gone' then broken_answers.label_event_id end) as gone_rows,
        min(broken_answers.label_event_id) as first_row,
        {{ prevalence._hash_sum_text("broken_answers.label_event_id || '|' || broken_answers.found", 'answer') }}
            as fingerprint
    from broken_answers
    inner join possible_assignments
        on broken_answers.assignment_id = possible_assignments.assignment_id
    inner join unit_policies
        on
            possible_assignments.unit_type = unit_policies.unit_type
            and possible_assignments.unit_id = unit_policies.unit_id
            and possible_assignments.policy_id = unit_policies.policy_id
            and possible_assignments.policy_version = unit_policies.policy_version
    group by unit_policies.plan_id, possible_assignments.policy_id, unit_policies.sample_date

),

broken as (

    select
        'draw_audits' as table_name,
        plan_id,
        policy_id,
        sample_date,
        case
            when row_count <> recorded_count
                then cast(row_count as string) || ' rows, and ' || cast(recorded_count as string) || ' were recorded'
            else
                'the ' || cast(row_count as string) || ' rows are not those that were recorded when the audit was drawn'
        end as reason,
        cast(row_count as string) || ' rows, ' || fingerprint as found
    from broken_audits

    union all

    select
        'label_events' as table_name,
        plan_id,
        policy_id,
        sample_date,
        cast(broken_rows as string) || ' answers that had been read have changed since, ' || cast(gone_rows as string)
        || ' of them are gone (first: ' || first_row || ')' as reason,
        cast(broken_rows as string) || ' answers, ' || fingerprint as found
    from broken_answer_days

),

all_broken as (

    select
        table_name,
        plan_id,
        policy_id,
        sample_date,
        reason,
        found
    from broken
    where {{ prevalence._is_not_accepted('broken') }}

    union all

    select *
    from broken_draw_seals

),

final as (

    select
        table_name,
        plan_id,
        policy_id,
        sample_date,
        cast(2 as bigint) as severity,
        table_name || ' of ' || plan_id || coalesce(' and ' || policy_id, '') || ' on ' || cast(sample_date as string)
        || ': ' || reason as reason,
        found
    from all_broken

)

select * from final
