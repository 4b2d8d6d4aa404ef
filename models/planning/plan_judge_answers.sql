{{ config(materialized='view') }}

with

unit_labels as (

    select
        plan_id,
        unit_id,
        unit_type,
        policy_id,
        audit_probability,
        judge_is_violating,
        expert_is_violating
    from {{ ref('fct_unit_labels') }}
    where
        unit_type in ('content_day', 'interaction')
        and has_audit
        and is_audited
        and judge_is_violating is not null
        and expert_is_violating is not null

),

unit_scores as (

    select
        plan_id,
        unit_id,
        policy_id,
        score_millionths
    from {{ ref('draw_unit_scores') }}

),

-- thousandths of a label: an audited unit stands for one over the probability of its audit
weighted_labels as (

    select
        unit_labels.unit_type,
        unit_labels.policy_id,
        {{ prevalence._root_bucket('coalesce(unit_scores.score_millionths, 0)', 4, 100000) }} as score_bucket,
        unit_labels.judge_is_violating,
        unit_labels.expert_is_violating,
        cast(round(1000 / unit_labels.audit_probability) as bigint) as weight
    from unit_labels
    left join unit_scores
        on
            unit_labels.plan_id = unit_scores.plan_id
            and unit_labels.unit_id = unit_scores.unit_id
            and unit_labels.policy_id = unit_scores.policy_id

),

final as (

    select
        unit_type,
        policy_id,
        score_bucket,
        cast(count(*) as bigint) as expert_labels,
        cast(count_if(expert_is_violating) as bigint) as violating_labels,
        cast(count_if(expert_is_violating and not judge_is_violating) as bigint) as missed_labels,
        cast(sum(case when expert_is_violating then weight else 0 end) as bigint) as violating_weight,
        cast(sum(case when expert_is_violating and judge_is_violating then weight else 0 end) as bigint)
            as called_violating_weight,
        cast(sum(case when not expert_is_violating then weight else 0 end) as bigint) as other_weight,
        cast(sum(case when not expert_is_violating and judge_is_violating then weight else 0 end) as bigint)
            as called_other_weight
    from weighted_labels
    group by unit_type, policy_id, score_bucket

)

select * from final
