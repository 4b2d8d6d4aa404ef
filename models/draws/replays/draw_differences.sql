{% set tables = prevalence._replayed_tables() %}

with

settings as (

    {{ prevalence._plan_settings(source('earlier_draws', 'draw_plans')) | indent(4) }}

),

-- under names that no table of drawn rows has
salts as (

    select
        plan_id as salted_plan_id,
        sample_date as salted_date,
        sampling_salt
    from settings

),

-- without an audit a plan has no judge: what one had said by then, because another plan asked, is no part of the draw
audited_plans as (

    select
        plan_id,
        sample_date
    from settings
    where audit_units is not null

),

{% for table in tables -%}
{%- set columns = (table.key + table.columns | list) | join(',\n        ') -%}
{%- set row_key = prevalence._row_key(table.key) -%}
stored_{{ table.model }} as (

    -- a second row of a key is numbered, so that it finds no partner
    select
        plan_id,
        sample_date,
        {{ row_key }} as row_key,
        {{ columns }},
        row_number() over (
            partition by plan_id, sample_date, {{ table.key | join(', ') }}
            order by {{ table.columns | join(', ') }}
        ) as copy_number
    from {{ source('stored_draws', table.model) }}
    where {{ prevalence._is_replayed('sample_date') }}

),

again_{{ table.model }} as (

    select
        plan_id,
        sample_date,
        {{ row_key }} as row_key,
        {{ columns }},
        1 as copy_number
    from {{ ref(table.model) }}

),

{% endfor -%}
differences as (

    {% for table in tables -%}
    {%- set is_audit = table.model == 'draw_audits' -%}
    {%- set is_judged = 'audited_plans.plan_id is not null' -%}
    select
        '{{ table.model }}' as table_name,
        coalesce(stored_rows.plan_id, again_rows.plan_id) as plan_id,
        coalesce(stored_rows.sample_date, again_rows.sample_date) as sample_date,
        coalesce(stored_rows.row_key, again_rows.row_key) as row_key,
        coalesce(stored_rows.copy_number, again_rows.copy_number) as copy_number,
        case
            when stored_rows.plan_id is null then 'missing'
            when again_rows.plan_id is null then 'extra'
            else 'differs'
        end as problem,
        {% for name in table.columns -%}
        {{ "|| " if not loop.first }}case
            when
                stored_rows.plan_id is not null
                and again_rows.plan_id is not null
                and {{ prevalence._is_drawn_otherwise('stored_rows.' ~ name, 'again_rows.' ~ name, name, is_judged) }}
                then
                    '; {{ name }} is ' || coalesce(cast(stored_rows.{{ name }} as string), 'null')
                    || ' and is drawn again as ' || coalesce(cast(again_rows.{{ name }} as string), 'null')
            else ''
        end
        {% endfor %} as details
    from stored_{{ table.model }} as stored_rows
    full outer join again_{{ table.model }} as again_rows
        on
            stored_rows.plan_id = again_rows.plan_id
            and stored_rows.sample_date = again_rows.sample_date
            and stored_rows.row_key = again_rows.row_key
            and stored_rows.copy_number = again_rows.copy_number
    {%- if is_audit %}
    left join audited_plans
        on
            stored_rows.plan_id = audited_plans.plan_id
            and stored_rows.sample_date = audited_plans.sample_date
    {%- endif %}
    where
        stored_rows.plan_id is null
        or again_rows.plan_id is null
        {% for name in table.columns -%}
        or {{ prevalence._is_drawn_otherwise('stored_rows.' ~ name, 'again_rows.' ~ name, name, is_judged) }}
        {% endfor %}

    {% if not loop.last -%}
    union all

    {% endif -%}
    {% endfor %}
),

-- holds on its own, also where the frame has changed since and the draw cannot be made again
broken_rows as (

    {% for table in tables if prevalence._broken_rules(table.model) -%}
    select
        '{{ table.model }}' as table_name,
        stored_{{ table.model }}.plan_id,
        stored_{{ table.model }}.sample_date,
        stored_{{ table.model }}.row_key,
        stored_{{ table.model }}.copy_number,
        'broken' as problem,
        {% for rule, condition in prevalence._broken_rules(table.model).items() -%}
        {{ "|| " if not loop.first }}case when {{ condition }} then '; {{ rule }}' else '' end
        {% endfor %} as details
    from stored_{{ table.model }}
    left join salts
        on
            stored_{{ table.model }}.plan_id = salts.salted_plan_id
            and stored_{{ table.model }}.sample_date = salts.salted_date
    where
        ({{ prevalence._broken_rules(table.model).values() | join(')\n        or (') }})

    {% if not loop.last -%}
    union all

    {% endif -%}
    {% endfor %}
),

problems as (

    select
        table_name,
        plan_id,
        sample_date,
        row_key,
        copy_number,
        problem,
        details
    from differences

    union all

    select
        table_name,
        plan_id,
        sample_date,
        row_key,
        copy_number,
        problem,
        details
    from broken_rows

),

final as (

    select
        table_name,
        plan_id,
        sample_date,
        row_key,
        cast(copy_number as bigint) as copy_number,
        problem,
        nullif(substr(details, 3), '') as details
    from problems

)

select * from final
