{{ config(materialized='table') }}

with

risk_scores as (

    select *
    from {{ source('raw', 'risk_scores') }}

),

policies as (

    select policy_id
    from {{ ref('stg_policies') }}

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
        ) as row_rank
    from checked_rows

),

final as (

    select
        content_id,
        policy_id,
        model_version,
        score,
        scored_at,
        cast(scored_at as date) as row_date,
        case
            when quarantine_reason is not null then 'quarantined'
            when row_rank > 1 then 'duplicate'
            else 'used'
        end as row_disposition,
        quarantine_reason
    from ranked_rows

)

select * from final
