{{ config(materialized='view') }}

with

unit_labels as (

    select
        plan_id,
        unit_id,
        unit_type,
        policy_id,
        draws,
        exposure,
        audit_probability,
        overall_inclusion_probability,
        expert_is_violating,
        -- null where no judge was asked, or gave no answer
        case when has_audit then judge_is_violating end as judge_is_violating
    from {{ ref('fct_unit_labels') }}
    where
        unit_type in ('content_day', 'interaction')
        and is_audited
        and expert_is_violating is not null
        and overall_inclusion_probability > 0

),

unit_scores as (

    select *
    from {{ ref('draw_unit_scores') }}

),

-- what a label stands for: exposure of the frame, and drawn units in thousandths
weighted_labels as (

    select
        unit_labels.*,
        {{ prevalence._root_bucket('coalesce(unit_scores.score_millionths, 0)', 4, 100000) }} as score_bucket,
        cast(round(
            unit_labels.draws * unit_labels.exposure / unit_labels.overall_inclusion_probability
        ) as bigint) as exposure_weight,
        case
            when unit_labels.judge_is_violating is null then cast(0 as bigint)
            else cast(round(1000 / unit_labels.audit_probability) as bigint)
        end as judged_weight
    from unit_labels
    left join unit_scores
        on
            unit_labels.plan_id = unit_scores.plan_id
            and unit_labels.unit_id = unit_scores.unit_id
            and unit_labels.policy_id = unit_scores.policy_id

),

final as (

    select
        plan_id,
        unit_type,
        policy_id,
        score_bucket,
        cast(count(*) as bigint) as expert_labels,
        cast(count_if(expert_is_violating) as bigint) as violating_labels,
        cast(sum(exposure_weight) as bigint) as exposure_weight,
        cast(sum(case when expert_is_violating then exposure_weight else 0 end) as bigint) as violating_exposure_weight,
        cast(sum(case when expert_is_violating then judged_weight else 0 end) as bigint) as violating_weight,
        cast(sum(case when expert_is_violating and judge_is_violating then judged_weight else 0 end) as bigint)
            as called_violating_weight,
        cast(sum(case when not expert_is_violating then judged_weight else 0 end) as bigint) as other_weight,
        cast(sum(case when not expert_is_violating and judge_is_violating then judged_weight else 0 end) as bigint)
            as called_other_weight
    from weighted_labels
    group by plan_id, unit_type, policy_id, score_bucket

)

select * from final
