{{ config(materialized='table') }}

with

unit_labels as (

    select *
    from {{ ref('fct_unit_labels') }}

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
        count_if(rater_labels > 0) as rater_labelled_units
    from unit_labels
    group by plan_id, policy_id, sample_date, has_audit

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
        case when has_audit then cast(unaudited_violating_units as bigint) end as unaudited_violating_units,
        case
            when has_audit then 1 - cast(judge_answered_units as double) / nullif(cast(drawn_units as double), 0)
        end as judge_nonresponse_share,
        -- the share of the units that were to be labelled: by the expert all that were sent to one
        coalesce(
            cast(expert_answered_units as double) / nullif(cast(audited_units as double), 0), cast(0 as double)
        ) as labelled_share
    from days

)

select * from final
