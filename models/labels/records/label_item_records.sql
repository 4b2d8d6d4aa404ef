with

items as (

    select *
    from {{ ref('label_items') }}

),

-- an item is recorded once, right after it was put together, so that a later change of what is shown is seen
unrecorded_items as (

    {{ prevalence._not_yet_kept('items', key=['item_id']) | indent(4) }}

),

final as (

    select
        item_id,
        unit_type,
        unit_id,
        unit_date,
        {{ prevalence._item_fingerprint() }} as row_fingerprint
    from unrecorded_items

)

select {{ prevalence._in_one_file() }} * from final
