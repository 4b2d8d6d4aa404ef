{{ config(materialized='view', alias='shown_items') }}

with

items as (

    select * from {{ ref('label_items') }}

),

-- nothing that leads back to the unit
final as (

    select
        item_id,
        item_schema,
        item_hash,
        components,
        component_count,
        media_count,
        text_characters
    from items

)

select * from final
