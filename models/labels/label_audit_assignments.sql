{{ config(materialized='table') }}

with

possible_assignments as (

    select *
    from {{ ref('label_possible_assignments') }}
    where purpose in ('audit', 'overlap')

),

audits as (

    select *
    from {{ ref('draw_audits') }}

),

-- vars that each day was drawn under
settings as (

    select *
    from {{ ref('draw_plan_settings') }}

),

unit_policies as (

    select *
    from {{ ref('label_unit_policies') }}

),

audited_units as (

    select
        unit_policies.unit_type,
        unit_policies.unit_id,
        unit_policies.policy_id,
        unit_policies.policy_version,
        settings.sampling_salt,
        max(settings.rater_overlap_share) as rater_overlap_share
    from audits
    inner join unit_policies
        on
            audits.plan_id = unit_policies.plan_id
            and audits.unit_id = unit_policies.unit_id
            and audits.policy_id = unit_policies.policy_id
    inner join settings
        on
            audits.plan_id = settings.plan_id
            and audits.sample_date = settings.sample_date
    group by
        unit_policies.unit_type, unit_policies.unit_id, unit_policies.policy_id, unit_policies.policy_version,
        settings.sampling_salt

),

-- a tenth of the audited items, whatever the judge said about them, also goes to two raters
asked_assignments as (

    select possible_assignments.*
    from possible_assignments
    inner join audited_units
        on
            possible_assignments.unit_type = audited_units.unit_type
            and possible_assignments.unit_id = audited_units.unit_id
            and possible_assignments.policy_id = audited_units.policy_id
            and possible_assignments.policy_version = audited_units.policy_version
    where
        possible_assignments.purpose = 'audit'
        or {{ prevalence.hash_unit(
            "possible_assignments.policy_id || '|' || possible_assignments.unit_key || '|' || "
            ~ "possible_assignments.item_hash",
            prevalence._salted('audited_units.sampling_salt', 'overlap')
        ) }} < audited_units.rater_overlap_share

),

-- what is audited on several days is asked about once
final as (

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
    from asked_assignments
    qualify row_number() over (partition by assignment_id order by sample_date asc, item_id asc) = 1

)

select * from final
