{{ config(materialized='table') }}

with

tasks as (

    select
        assignment_id,
        item_id,
        item_hash,
        unit_type,
        unit_id,
        unit_key,
        policy_id,
        policy_version,
        purpose,
        pool,
        slot,
        sample_date,
        label_protocol_id
    from {{ ref('label_tasks') }}

),

final as (

    select
        assignment_id,
        item_id,
        item_hash,
        unit_type,
        unit_id,
        unit_key,
        policy_id,
        policy_version,
        purpose,
        pool,
        slot,
        sample_date,
        label_protocol_id
    from tasks
    where purpose = 'primary'

)

select * from final
