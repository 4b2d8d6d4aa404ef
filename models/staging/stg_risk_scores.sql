{{ config(materialized='view') }}

with

classified_scores as (

    select *
    from {{ ref('stg_risk_scores_classified') }}

),

final as (

    select
        content_id,
        policy_id,
        model_version,
        score,
        scored_at
    from classified_scores
    where row_disposition = 'used'

)

select * from final
