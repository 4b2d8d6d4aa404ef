{{ config(materialized='view') }}

with

sealed_days as (

    select * from {{ ref('sealed_days') }}

),

records as (

    select {{ prevalence._broadcast(['sealed_days']) }} item_records.*
    from {{ ref('label_item_records') }} as item_records
    inner join sealed_days
        on item_records.unit_date = sealed_days.sample_date

),

items as (

    select {{ prevalence._broadcast(['sealed_days']) }} label_items.*
    from {{ ref('label_items') }} as label_items
    inner join sealed_days
        on label_items.unit_date = sealed_days.sample_date

),

stored_items as (

    select
        item_id,
        {{ prevalence._item_fingerprint() }} as row_fingerprint
    from items

),

final as (

    select
        records.item_id,
        records.unit_type,
        records.unit_id,
        records.unit_date,
        coalesce(stored_items.row_fingerprint, 'gone') as found
    from records
    left join stored_items
        on records.item_id = stored_items.item_id
    where stored_items.item_id is null or stored_items.row_fingerprint <> records.row_fingerprint

)

select * from final
