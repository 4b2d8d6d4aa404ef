-- Every drawn unit is put before labelers.
with

draws as (

    select
        plan_id,
        unit_type,
        unit_id
    from {{ ref('label_units') }}

),

items as (

    select
        unit_type,
        unit_id
    from {{ ref('label_items') }}

)

select
    draws.plan_id,
    draws.unit_id
from draws
left join items
    on
        draws.unit_type = items.unit_type
        and draws.unit_id = items.unit_id
where items.unit_id is null
