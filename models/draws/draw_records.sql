{#- What was drawn within the frames' layer; the audit is drawn again from rows that are kept, and needs no record. -#}
{% set tables = prevalence._replayed_tables() | rejectattr('model', 'equalto', 'draw_audits') | list %}

with

{% if flags.INTROSPECT and is_incremental() -%}
recorded_days as (

    select distinct
        table_name,
        plan_id,
        sample_date
    from {{ this }}

),

{% endif -%}
-- a day is recorded once, right after it was drawn, so that a later change of it shows
{% for table in tables -%}
{{ table.model }}_rows as (

    select
        plan_id,
        sample_date,
        '{{ table.model }}' as table_name,
        {{ prevalence._drawn_row_text(table) }} as row_text
    from {{ ref(table.model) }}
    {% if flags.INTROSPECT and is_incremental() -%}
    where not exists (
        select 1
        from recorded_days
        where
            recorded_days.table_name = '{{ table.model }}'
            and recorded_days.plan_id = {{ table.model }}.plan_id
            and recorded_days.sample_date = {{ table.model }}.sample_date
    )
    {%- endif %}

),

{% endfor -%}
drawn_rows as (

    {% for table in tables -%}
    select
        table_name,
        plan_id,
        sample_date,
        row_text
    from {{ table.model }}_rows

    {% if not loop.last -%}
    union all

    {% endif -%}
    {% endfor %}
),

final as (

    select
        table_name,
        plan_id,
        sample_date,
        cast(count(*) as bigint) as row_count,
        {{ prevalence._hash_sum_text('row_text', 'draw') }} as fingerprint
    from drawn_rows
    group by table_name, plan_id, sample_date

)

select {{ prevalence._in_one_file() }} * from final
