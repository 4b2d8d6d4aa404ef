{{ config(materialized='table') }}

with

items as (

    select *
    from {{ ref('label_items') }}

),

-- in the version that was in force when the unit was drawn; plans that drew it share what they ask
asked_policies as (

    select distinct
        unit_type,
        unit_id,
        policy_id,
        policy_version
    from {{ ref('label_unit_policies') }}

),

slots as (

    {{ prevalence._assignment_slots() | indent(4) }}

),

final as (

    select
        {{ prevalence._assignment_id(
            'items.unit_type', 'items.unit_key', 'items.item_hash', 'asked_policies.policy_id',
            'asked_policies.policy_version', 'slots.purpose', 'slots.slot'
        ) }} as assignment_id,
        items.item_id,
        items.item_hash,
        items.unit_type,
        items.unit_id,
        items.unit_key,
        items.component_count,
        asked_policies.policy_id,
        asked_policies.policy_version,
        slots.purpose,
        slots.pool,
        slots.slot,
        items.unit_date as sample_date,
        {{ prevalence._label_protocol_id('asked_policies.policy_id', 'asked_policies.policy_version', 'slots.pool') }}
            as label_protocol_id
    from items
    inner join asked_policies
        on
            items.unit_type = asked_policies.unit_type
            and items.unit_id = asked_policies.unit_id
    cross join slots

)

select * from final
