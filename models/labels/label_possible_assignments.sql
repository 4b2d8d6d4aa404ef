{{ config(materialized='table') }}

with

items as (

    select *
    from {{ ref('label_items') }}

),

policies as (

    select *
    from {{ ref('stg_policies') }}

),

slots as (

    {{ prevalence._assignment_slots() | indent(4) }}

),

final as (

    select
        {{ prevalence._assignment_id(
            'items.unit_type', 'items.unit_key', 'items.item_hash', 'policies.policy_id', 'policies.policy_version',
            'slots.purpose', 'slots.slot'
        ) }} as assignment_id,
        items.item_id,
        items.item_hash,
        items.unit_type,
        items.unit_id,
        items.unit_key,
        items.component_count,
        policies.policy_id,
        policies.policy_version,
        slots.purpose,
        slots.pool,
        slots.slot,
        items.unit_date as sample_date,
        {{ prevalence._label_protocol_id('policies.policy_id', 'policies.policy_version', 'slots.pool') }}
            as label_protocol_id
    from items
    cross join policies
    cross join slots

)

select * from final
