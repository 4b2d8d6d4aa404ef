{{ config(materialized='table') }}

with

risk_scores as (

    select *
    from {{ source('raw', 'risk_scores') }}

),

-- a policy that has been retired is known by the days that were drawn for it, and is scored for a while yet; through a
-- source, because draws come after the scores
policies as (

    select policy_id
    from {{ ref('stg_policies') }}

    union

    select policy_id
    from {{ source('earlier_draws', 'draw_policies') }}

),

checked_rows as (

    select {{ prevalence._broadcast(['policies']) }}
        risk_scores.*,
        case
            when {{ prevalence._is_missing('risk_scores.content_id') }} then 'missing_content_id'
            when {{ prevalence._is_missing('risk_scores.policy_id') }} then 'missing_policy_id'
            when risk_scores.model_version is null then 'missing_model_version'
            when risk_scores.scored_at is null then 'missing_scored_at'
            when policies.policy_id is null then 'unknown_policy'
            when risk_scores.score is null then 'missing_score'
            when isnan(risk_scores.score) then 'score_not_a_number'
            when risk_scores.score < 0 or risk_scores.score > 1 then 'score_out_of_range'
        end as quarantine_reason
    from risk_scores
    left join policies
        on risk_scores.policy_id = policies.policy_id

),

ranked_rows as (

    select
        *,
        row_number() over (
            partition by
                content_id, policy_id, model_version, case when quarantine_reason is null then 1 else 0 end
            order by scored_at asc nulls last, score asc nulls last
        ) as row_rank,
        lag(score) over (
            partition by
                content_id, policy_id, model_version, case when quarantine_reason is null then 1 else 0 end
            order by scored_at asc nulls last, score asc nulls last
        ) as earlier_score,
        lag(scored_at) over (
            partition by
                content_id, policy_id, model_version, case when quarantine_reason is null then 1 else 0 end
            order by scored_at asc nulls last, score asc nulls last
        ) as earlier_scored_at
    from checked_rows

),

-- Scores are exported again each day, and a model may change its mind: a score that is as before says nothing new,
-- another one counts from its own time on. Of two scores of one time the smaller one counts.
compared_rows as (

    select
        *,
        row_rank > 1 and score = earlier_score as is_exported_again,
        row_rank > 1 and score <> earlier_score and scored_at = earlier_scored_at as is_contradicted
    from ranked_rows

),

final as (

    select
        content_id,
        policy_id,
        model_version,
        score,
        scored_at,
        {{ prevalence._day_of('scored_at') }} as row_date,
        case
            when quarantine_reason is not null then 'quarantined'
            when is_exported_again or is_contradicted then 'duplicate'
            else 'used'
        end as row_disposition,
        quarantine_reason,
        quarantine_reason is null and coalesce(is_exported_again, false) as is_exported_again
    from compared_rows

)

select * from final
