{% set tables = prevalence._recorded_tables() %}

with

-- a day is recorded once, right after it was drawn, so that a later change of it shows
{% for table in tables -%}
{{ table.model }}_rows as (

    {{ prevalence._not_yet_kept(ref(table.model), among="table_name = '" ~ table.model ~ "'") | indent(4) }}

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
