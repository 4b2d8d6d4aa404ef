{{ config(materialized='table') }}

{#- days before and after a day that its `near_` shares are taken over: 28 together -#}
{%- set near_days = (13, 14) %}

with

unit_labels as (

    select *
    from {{ ref('fct_unit_labels') }}

),

needed_assignments as (

    select *
    from {{ ref('label_needed_assignments') }}

),

gate_checks as (

    select *
    from {{ ref('gate_checks') }}
    where gate_name = 'labels_to_estimates'

),

-- what a day may do by itself
day_limits as (

    select
        min(case when check_name = 'every_drawn_day_is_labelled' then blocking_lower end) as least_labelled_share,
        max(case when check_name = 'day_judge_nonresponse_share' then blocking_upper end) as most_nonresponse_share
    from gate_checks

),

days as (

    select
        plan_id,
        policy_id,
        sample_date,
        has_audit,
        count(*) as drawn_units,
        -- count_if of nothing but nulls is null on DuckDB and 0 on Spark, hence the coalesce
        count(judge_outcome) as judged_units,
        count(judge_is_violating) as judge_answered_units,
        count_if(coalesce(judge_is_violating, false)) as judge_violating_units,
        count_if(coalesce(judge_outcome = 'cannot_determine', false)) as judge_undetermined_units,
        count_if(coalesce(judge_outcome not in ('ok', 'cannot_determine'), false)) as judge_failed_units,
        count_if(is_audited) as audited_units,
        count_if(is_audited and expert_is_violating is not null) as expert_answered_units,
        count_if(is_audited and coalesce(expert_is_violating, false)) as expert_violating_units,
        -- what the judge calls violating, or gives no answer to, is audited with certainty
        count_if(coalesce(judge_is_violating, true) and not is_audited) as unaudited_violating_units,
        count_if(rater_labels > 0) as rater_labelled_units,
        count(distinct case when is_audited then label_protocol_id end) as label_protocols,
        sum(exposure / inclusion_probability) as weighted_exposure,
        sum(case when judge_is_violating is null then exposure / inclusion_probability else 0 end)
            as unjudged_weighted_exposure
    from unit_labels
    group by plan_id, policy_id, sample_date, has_audit

),

needs as (

    select
        plan_id,
        policy_id,
        sample_date,
        count(*) as needed_answers,
        count_if(not is_answered) as open_answers,
        count_if(is_answered) as answered,
        count_if(is_answered and not is_used) as unusable_answers,
        bool_or(is_short and purpose = 'primary') as is_short_of_judge,
        bool_or(is_short and purpose = 'audit') as is_short_of_experts
    from needed_assignments
    group by plan_id, policy_id, sample_date

),

-- what is said of answers is said once they are in: until then the day waits (label_maturity)
answered_days as (

    select
        days.*,
        coalesce(needs.needed_answers, 0) as needed_answers,
        coalesce(needs.open_answers, 0) as open_answers,
        coalesce(needs.is_short_of_judge, false) as is_short_of_judge,
        coalesce(needs.is_short_of_experts, false) as is_short_of_experts,
        not coalesce(needs.is_short_of_judge or needs.is_short_of_experts, false) as are_answers_in,
        cast(needs.unusable_answers as double) / nullif(cast(needs.answered as double), 0) as unusable_answer_share,
        case
            when days.has_audit
                then 1 - cast(days.judge_answered_units as double) / nullif(cast(days.drawn_units as double), 0)
        end as judge_nonresponse_share,
        -- the share of the units that were to be labelled: by the expert all that were sent to one
        cast(days.expert_answered_units as double) / nullif(cast(days.audited_units as double), 0) as labelled_share
    from days
    left join needs
        on
            days.plan_id = needs.plan_id
            and days.policy_id = needs.policy_id
            and days.sample_date = needs.sample_date

),

-- a day that fails by itself does not speak for those around it
spoken_days as (

    select
        answered_days.*,
        {{ prevalence._days_between("cast('1970-01-01' as date)", 'answered_days.sample_date') }} as day_number,
        answered_days.are_answers_in
        and coalesce(answered_days.labelled_share >= day_limits.least_labelled_share, true)
        and coalesce(answered_days.judge_nonresponse_share <= day_limits.most_nonresponse_share, true) as is_spoken_for
    from answered_days
    cross join day_limits

),

near_sums as (

    select
        {%- for column in [
            'weighted_exposure', 'unjudged_weighted_exposure', 'audited_units', 'expert_answered_units'
        ] %}
        cast(
            sum(case when is_spoken_for then {{ column }} end) over (
                partition by plan_id, policy_id, has_audit
                order by day_number asc
                range between {{ near_days[0] }} preceding and {{ near_days[1] }} following
            ) as double
        ) as near_{{ column }},
        {%- endfor %}
        *
    from spoken_days

),

near_shares as (

    select
        *,
        -- rounded: what is left of sums of doubles are last digits, which differ between runs
        round(near_unjudged_weighted_exposure / nullif(near_weighted_exposure, 0), 9) as near_judge_nonresponse_share,
        near_expert_answered_units / nullif(near_audited_units, 0) as near_answered_share
    from near_sums

),

final as (

    select
        plan_id,
        policy_id,
        sample_date,
        has_audit,
        cast(drawn_units as bigint) as drawn_units,
        cast(judged_units as bigint) as judged_units,
        cast(judge_answered_units as bigint) as judge_answered_units,
        cast(judge_violating_units as bigint) as judge_violating_units,
        cast(judge_undetermined_units as bigint) as judge_undetermined_units,
        cast(judge_failed_units as bigint) as judge_failed_units,
        cast(audited_units as bigint) as audited_units,
        cast(expert_answered_units as bigint) as expert_answered_units,
        cast(expert_violating_units as bigint) as expert_violating_units,
        cast(rater_labelled_units as bigint) as rater_labelled_units,
        cast(needed_answers as bigint) as needed_answers,
        cast(open_answers as bigint) as open_answers,
        is_short_of_judge,
        is_short_of_experts,
        case
            when has_audit and not is_short_of_judge then cast(unaudited_violating_units as bigint)
        end as unaudited_violating_units,
        cast(label_protocols as bigint) as label_protocols,
        case when not is_short_of_judge then judge_nonresponse_share end as judge_nonresponse_share,
        case when are_answers_in then labelled_share end as labelled_share,
        case when are_answers_in then unusable_answer_share end as unusable_answer_share,
        case when are_answers_in and has_audit then near_judge_nonresponse_share end as near_judge_nonresponse_share,
        case when are_answers_in and has_audit then near_answered_share end as near_audit_answered_share,
        case when are_answers_in and not has_audit then near_answered_share end as near_expert_answered_share
    from near_shares

)

select * from final
