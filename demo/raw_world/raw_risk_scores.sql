{{ config(enabled=var('demo_world', false), materialized='table', alias='risk_scores', schema='raw') }}

with

final as (

    select
        content_id,
        policy_id,
        model_version,
        score,
        scored_at
    from {{ ref('world_scores') }}

)

select * from final
