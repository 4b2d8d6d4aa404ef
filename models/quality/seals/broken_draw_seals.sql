{{ config(materialized='table') }}

{%- set tables = prevalence._recorded_tables() -%}
{%- set day = ['table_name', 'plan_id', 'sample_date'] %}

with

sealed_days as (

    select * from {{ ref('sealed_days') }}

),

records as (

    select {{ prevalence._broadcast(['sealed_days']) }} draw_records.*
    from {{ ref('draw_records') }} as draw_records
    inner join sealed_days
        on draw_records.sample_date = sealed_days.sample_date

),

{% for table in tables -%}
{{ table.model }}_rows as (

    select {{ prevalence._broadcast(['sealed_days']) }} drawn_rows.*
    from {{ ref(table.model) }} as drawn_rows
    inner join sealed_days
        on drawn_rows.sample_date = sealed_days.sample_date

),

{% endfor -%}
drawn_rows as (

    {% for table in tables -%}
    select
        '{{ table.model }}' as table_name,
        plan_id,
        sample_date,
        {{ prevalence._drawn_row_text(table) }} as row_text
    from {{ table.model }}_rows
    {%- if table.where %}
    where {{ table.where }}
    {%- endif %}

    {% if not loop.last -%}
    union all

    {% endif -%}
    {% endfor %}
),

stored_days as (

    select
        table_name,
        plan_id,
        sample_date,
        count(*) as row_count,
        {{ prevalence._hash_sum_text('row_text', 'draw') }} as fingerprint
    from drawn_rows
    group by table_name, plan_id, sample_date

),

-- a day that has lost every row is known by its record
broken_days as (

    select
        records.table_name,
        records.plan_id,
        records.sample_date,
        coalesce(stored_days.row_count, 0) as row_count,
        records.row_count as recorded_count,
        coalesce(stored_days.fingerprint, '0') as fingerprint
    from records
    left join stored_days
        on {{ prevalence._same_key('records', 'stored_days', day) }}
    where
        stored_days.fingerprint is null
        or stored_days.row_count <> records.row_count
        or stored_days.fingerprint <> records.fingerprint

),

broken_items as (

    select * from {{ ref('broken_items') }}

),

label_units as (

    select * from {{ ref('label_units') }}

),

-- an item is shown for every plan that has drawn its unit
broken_item_days as (

    select
        label_units.plan_id,
        label_units.sample_date,
        count(*) as broken_rows,
        min(broken_items.item_id) as first_row,
        {{ prevalence._hash_sum_text('broken_items.found', 'item') }} as fingerprint
    from broken_items
    inner join label_units
        on
            broken_items.unit_type = label_units.unit_type
            and broken_items.unit_id = label_units.unit_id
    group by label_units.plan_id, label_units.sample_date

),

broken as (

    select
        table_name,
        plan_id,
        sample_date,
        case
            when row_count <> recorded_count
                then cast(row_count as string) || ' rows, and ' || cast(recorded_count as string) || ' were recorded'
            else
                'the ' || cast(row_count as string) || ' rows are not those that were recorded when the day was drawn'
        end as reason,
        cast(row_count as string) || ' rows, ' || fingerprint as found
    from broken_days

    union all

    select
        'label_items' as table_name,
        plan_id,
        sample_date,
        cast(broken_rows as string) || ' of the day''s items are not what was recorded when they were put together '
        || '(first: ' || first_row || ')' as reason,
        cast(broken_rows as string) || ' items, ' || fingerprint as found
    from broken_item_days

),

final as (

    select
        broken.table_name,
        broken.plan_id,
        cast(null as string) as policy_id,
        broken.sample_date,
        broken.reason,
        broken.found
    from broken
    where {{ prevalence._is_not_accepted('broken') }}

)

select * from final
