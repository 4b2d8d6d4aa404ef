{{ config(materialized='table') }}

with

judge_assignments as (

    select *
    from {{ ref('label_possible_assignments') }}
    where purpose = 'primary'

),

-- a content that was drawn on several days is asked about once, as it was drawn first
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
    from judge_assignments
    qualify row_number() over (partition by assignment_id order by sample_date asc, item_id asc) = 1

)

select * from final
