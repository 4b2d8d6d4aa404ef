{{ config(materialized='table') }}

with

draws as (

    select *
    from {{ ref('label_unit_policies') }}

),

plans as (

    select
        plan_id,
        sample_date,
        audit_units is not null as has_audit
    from {{ ref('draw_plan_settings') }}

),

possible_assignments as (

    select *
    from {{ ref('label_possible_assignments') }}

),

label_events as (

    select *
    from {{ ref('stg_label_events') }}

),

audits as (

    select *
    from {{ ref('draw_audits') }}

),

-- not stored: each of the three below filters before it joins
answers as {{ prevalence._inlined() }} (

    select
        possible_assignments.*,
        label_events.outcome,
        label_events.component_refs,
        case when label_events.outcome = 'ok' then label_events.decision = 'violating' end as is_violating
    from possible_assignments
    left join label_events
        on possible_assignments.assignment_id = label_events.assignment_id

),

judge_answers as (

    select *
    from answers
    where purpose = 'primary'

),

expert_answers as (

    select *
    from answers
    where purpose = 'audit'

),

rater_answers as (

    select
        unit_type,
        unit_id,
        policy_id,
        policy_version,
        count(*) as rater_labels,
        count_if(is_violating) as rater_violating_labels
    from answers
    where purpose = 'overlap' and outcome = 'ok'
    group by unit_type, unit_id, policy_id, policy_version

),

final as (

    select
        draws.plan_id,
        draws.unit_id,
        draws.unit_type,
        draws.policy_id,
        draws.policy_version,
        draws.sample_date,
        draws.design,
        plans.has_audit,
        draws.exposure,
        draws.inclusion_probability,
        draws.draws,
        draws.random_number_key,
        draws.random_number_days,
        draws.frame_units,
        draws.frame_exposure,
        judge_answers.outcome as judge_outcome,
        judge_answers.is_violating as judge_is_violating,
        audits.unit_id is not null as is_audited,
        audits.audit_probability,
        draws.inclusion_probability * audits.audit_probability as overall_inclusion_probability,
        coalesce(
            case
                when plans.has_audit then audits.maximum_overall_weighted_exposure
                else draws.maximum_weighted_exposure
            end,
            -- nothing can be missed where every unit was drawn and audited for certain
            case when draws.inclusion_probability * audits.audit_probability = 1 then cast(0 as double) end
        ) as maximum_overall_weighted_exposure,
        audits.missed_weight,
        expert_answers.outcome as expert_outcome,
        expert_answers.is_violating as expert_is_violating,
        case
            when expert_answers.is_violating is not null
                then expert_answers.is_violating and coalesce(expert_answers.component_refs, '') <> ''
        end as expert_any_component_violates,
        case when expert_answers.is_violating then expert_answers.component_refs end as expert_component_refs,
        cast(coalesce(rater_answers.rater_labels, 0) as bigint) as rater_labels,
        cast(coalesce(rater_answers.rater_violating_labels, 0) as bigint) as rater_violating_labels,
        expert_answers.label_protocol_id
    from draws
    inner join plans
        on
            draws.plan_id = plans.plan_id
            and draws.sample_date = plans.sample_date
    inner join expert_answers
        on
            draws.unit_type = expert_answers.unit_type
            and draws.unit_id = expert_answers.unit_id
            and draws.policy_id = expert_answers.policy_id
            and draws.policy_version = expert_answers.policy_version
    left join judge_answers
        on
            draws.unit_type = judge_answers.unit_type
            and draws.unit_id = judge_answers.unit_id
            and draws.policy_id = judge_answers.policy_id
            and draws.policy_version = judge_answers.policy_version
    left join audits
        on
            draws.plan_id = audits.plan_id
            and draws.unit_id = audits.unit_id
            and draws.policy_id = audits.policy_id
    left join rater_answers
        on
            draws.unit_type = rater_answers.unit_type
            and draws.unit_id = rater_answers.unit_id
            and draws.policy_id = rater_answers.policy_id
            and draws.policy_version = rater_answers.policy_version

)

select * from final
-- sums of doubles depend on the order of their rows, so the rows have one
{{ prevalence._row_order(['plan_id', 'policy_id', 'unit_id']) }}
