{{ config(materialized='table') }}

with

unit_labels as (

    select *
    from {{ ref('fct_unit_labels') }}

),

possible_assignments as (

    select *
    from {{ ref('label_possible_assignments') }}

),

label_events as (

    select *
    from {{ ref('stg_label_events') }}
    where outcome = 'ok'

),

pool_protocols as (

    select
        unit_labels.plan_id,
        unit_labels.policy_id,
        unit_labels.policy_version,
        possible_assignments.pool,
        count(distinct label_events.label_protocol_id) as label_protocols
    from unit_labels
    inner join possible_assignments
        on
            unit_labels.unit_type = possible_assignments.unit_type
            and unit_labels.unit_id = possible_assignments.unit_id
            and unit_labels.policy_id = possible_assignments.policy_id
            and unit_labels.policy_version = possible_assignments.policy_version
    inner join label_events
        on possible_assignments.assignment_id = label_events.assignment_id
    -- raters measure agreement; their answers are in no published figure
    where possible_assignments.pool <> 'bpo'
    group by unit_labels.plan_id, unit_labels.policy_id, unit_labels.policy_version, possible_assignments.pool

),

-- another version is another series, and has a protocol of its own
protocols as (

    select
        plan_id,
        policy_id,
        max(label_protocols) as label_protocols
    from pool_protocols
    group by plan_id, policy_id

),

plans as (

    select
        plan_id,
        policy_id,
        has_audit,
        count(*) as drawn_units,
        count_if(is_audited) as audited_units,
        count_if(is_audited and expert_is_violating is not null) as expert_answered_units,
        sum(exposure / inclusion_probability) as weighted_exposure,
        sum(case when judge_is_violating is null then exposure / inclusion_probability else 0 end)
            as unjudged_weighted_exposure
    from unit_labels
    group by plan_id, policy_id, has_audit

),

final as (

    select
        plans.plan_id,
        plans.policy_id,
        cast(plans.drawn_units as bigint) as drawn_units,
        cast(plans.audited_units as bigint) as audited_units,
        cast(plans.expert_answered_units as bigint) as expert_answered_units,
        case
            when plans.has_audit then plans.unjudged_weighted_exposure / nullif(plans.weighted_exposure, 0)
        end as judge_nonresponse_share,
        case
            when plans.has_audit
                then
                    coalesce(
                        cast(plans.expert_answered_units as double) / nullif(cast(plans.audited_units as double), 0),
                        cast(0 as double)
                    )
        end as audit_answered_share,
        case
            when not plans.has_audit
                then cast(plans.expert_answered_units as double) / nullif(cast(plans.drawn_units as double), 0)
        end as expert_answered_share,
        cast(coalesce(protocols.label_protocols, 0) as bigint) as label_protocols
    from plans
    left join protocols
        on
            plans.plan_id = protocols.plan_id
            and plans.policy_id = protocols.policy_id

)

select * from final
