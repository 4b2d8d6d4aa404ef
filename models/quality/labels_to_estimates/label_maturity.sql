{{ config(materialized='table') }}

with

label_profiles as (

    select *
    from {{ ref('label_profiles') }}

),

frame_coverage as (

    select *
    from {{ ref('frame_coverage') }}

),

broken_seals as (

    select *
    from {{ ref('broken_seals') }}

),

measured_days as (

    select *
    from {{ ref('stg_measured_days') }}
    where is_staged

),

gate_checks as (

    select *
    from {{ ref('gate_checks') }}

),

maturity_reasons as (

    select *
    from {{ ref('maturity_reasons') }}

),

-- no model reads a clock: it is the newest day that there are logs of
last_day as (

    select max(unit_date) as as_of_date
    from measured_days

),

broken_limits as (

    {{ prevalence._broken_limits('labels_to_estimates', [
        {
            'name': 'label_profiles',
            'day': 'sample_date',
            'has_plan': true,
            'has_policy': true,
            'columns': [
                'labelled_share', 'judge_nonresponse_share', 'near_judge_nonresponse_share',
                'near_audit_answered_share', 'near_expert_answered_share', 'unaudited_violating_units',
                'label_protocols', 'unusable_answer_share',
            ],
        },
        {
            'name': 'frame_coverage',
            'day': 'sample_date',
            'has_plan': true,
            'columns': [
                'drawn_units', 'draw_deviation', 'weighted_exposure_deviation', 'uncovered_exposure_share', 'effective_draws',
            ],
        },
        {
            'name': 'broken_seals', 'day': 'sample_date', 'has_plan': true, 'has_policy': true, 'columns': ['severity'],
        },
    ]) | indent(4) }}

),

-- of several limits that are broken, one is told: of the day's frame before those of its answers
held_parts as (

    select
        label_profiles.plan_id,
        label_profiles.policy_id,
        label_profiles.sample_date,
        broken_limits.check_name,
        broken_limits.observed,
        broken_limits.expected,
        broken_limits.remedy
    from label_profiles
    inner join broken_limits
        on
            (broken_limits.plan_id is null or label_profiles.plan_id = broken_limits.plan_id)
            and (broken_limits.policy_id is null or label_profiles.policy_id = broken_limits.policy_id)
            and (broken_limits.sample_date is null or label_profiles.sample_date = broken_limits.sample_date)
    qualify row_number() over (
        partition by label_profiles.plan_id, label_profiles.policy_id, label_profiles.sample_date
        order by broken_limits.table_name asc, broken_limits.check_name asc
    ) = 1

),

dated_parts as (

    select
        label_profiles.*,
        last_day.as_of_date,
        {{ prevalence._add_days('label_profiles.sample_date', var('label_lag_days')) }} as lag_date,
        {{ prevalence._add_days('label_profiles.sample_date', var('label_deadline_days')) }} as deadline_date
    from label_profiles
    cross join last_day

),

reasoned_parts as (

    select
        dated_parts.*,
        held_parts.check_name,
        held_parts.observed,
        held_parts.expected,
        held_parts.remedy,
        case
            when held_parts.check_name is not null then held_parts.check_name
            when
                (dated_parts.is_short_of_judge or dated_parts.is_short_of_experts)
                and coalesce(dated_parts.as_of_date > dated_parts.deadline_date, false)
                then 'deadline_has_passed'
            when dated_parts.is_short_of_judge then 'judge_answers_open'
            when dated_parts.is_short_of_experts then 'expert_answers_open'
            when dated_parts.audited_units = 0 then 'nothing_audited'
            when coalesce(dated_parts.as_of_date < dated_parts.lag_date, false) then 'lag'
            else 'all_answers_in'
        end as reason
    from dated_parts
    left join held_parts
        on
            dated_parts.plan_id = held_parts.plan_id
            and dated_parts.policy_id = held_parts.policy_id
            and dated_parts.sample_date = held_parts.sample_date

),

final as (

    select
        reasoned_parts.plan_id,
        reasoned_parts.policy_id,
        reasoned_parts.sample_date,
        case when reasoned_parts.check_name is not null then 'held' else maturity_reasons.state end as state,
        reasoned_parts.reason,
        reasoned_parts.observed,
        coalesce(reasoned_parts.expected, maturity_reasons.expected) as expected,
        coalesce(reasoned_parts.remedy, maturity_reasons.remedy) as remedy,
        reasoned_parts.needed_answers,
        reasoned_parts.open_answers,
        reasoned_parts.deadline_date
    from reasoned_parts
    left join maturity_reasons
        on reasoned_parts.reason = maturity_reasons.reason

)

select * from final
