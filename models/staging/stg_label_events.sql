{{ config(materialized='view') }}

with

classified_events as (

    select *
    from {{ ref('stg_label_events_classified') }}

),

final as (

    select
        label_event_id,
        assignment_id,
        item_id,
        policy_id,
        label_protocol_id,
        source,
        rater_id,
        judge_id,
        pool,
        vendor,
        decision,
        rule_ids,
        component_refs,
        outcome,
        submitted_at,
        lead_time_s,
        cost_minor_units,
        currency
    from classified_events
    where row_disposition = 'used'

)

select * from final
