{{ config(materialized='table') }}

with

tasks as (

    select
        assignment_id,
        item_id,
        item_hash,
        unit_type,
        unit_id,
        unit_key,
        policy_id,
        policy_version,
        purpose,
        pool,
        slot,
        sample_date,
        label_protocol_id
    from {{ ref('label_tasks') }}
    where purpose in ('audit', 'overlap')

),

audited_units as (

    select distinct
        unit_type,
        unit_id,
        policy_id
    from {{ ref('draw_audits') }}

),

-- a tenth of the audited items, whatever the judge said about them, also goes to two raters; what is audited on several
-- days is asked about once
final as (

    select
        tasks.assignment_id,
        tasks.item_id,
        tasks.item_hash,
        tasks.unit_type,
        tasks.unit_id,
        tasks.unit_key,
        tasks.policy_id,
        tasks.policy_version,
        tasks.purpose,
        tasks.pool,
        tasks.slot,
        tasks.sample_date,
        tasks.label_protocol_id
    from tasks
    inner join audited_units
        on
            tasks.unit_type = audited_units.unit_type
            and tasks.unit_id = audited_units.unit_id
            and tasks.policy_id = audited_units.policy_id
    where
        tasks.purpose = 'audit'
        or {{ prevalence.hash_unit(
            "tasks.policy_id || '|' || tasks.unit_key || '|' || tasks.item_hash", var('sampling_salt') ~ ':overlap'
        ) }} < {{ var('rater_overlap_share') }}
    qualify row_number() over (partition by tasks.assignment_id order by tasks.sample_date asc, tasks.item_id asc) = 1

)

select * from final
