{% set tables = prevalence._replayed_tables() %}
{#- a warehouse in which nothing has run since audits have records has none -#}
{%- set has_audit_records = not (execute and flags.INTROSPECT)
    or load_relation(source('stored_draws', 'draw_audit_records')) is not none -%}


with

{% for table in tables -%}
stored_{{ table.model }} as (

    select
        plan_id,
        sample_date,
        {{ prevalence._drawn_row_text(table) }} as row_text
    from {{ source('stored_draws', table.model) }}
    where {{ prevalence._is_replayed('sample_date') }}

),

again_{{ table.model }} as (

    select
        plan_id,
        sample_date
    from {{ ref(table.model) }}

),

{% endfor -%}
stored_frames as (

    select
        plan_id,
        sample_date,
        min(frame_fingerprint) as frame_fingerprint
    from {{ source('stored_draws', 'draw_units') }}
    where {{ prevalence._is_replayed('sample_date') }}
    group by plan_id, sample_date

),

frames as (

    select
        plan_id,
        sample_date,
        min(frame_fingerprint) as frame_fingerprint
    from {{ ref('draw_units') }}
    group by plan_id, sample_date

),

{% if has_audit_records -%}
unrecorded_audits as (

    select distinct
        audits.plan_id,
        audits.sample_date
    from {{ source('stored_draws', 'draw_audits') }} as audits
    left join {{ source('stored_draws', 'draw_audit_records') }} as audit_records
        on
            audits.plan_id = audit_records.plan_id
            and audits.policy_id = audit_records.policy_id
            and audits.sample_date = audit_records.sample_date
    where audit_records.plan_id is null

),

{% endif -%}
records as (

    select
        table_name,
        plan_id,
        sample_date,
        row_count,
        fingerprint
    from {{ source('stored_draws', 'draw_records') }}
    -- plan and policies are recorded as they were, and not drawn again
    where
        table_name in (
            {%- for table in tables %}
            '{{ table.model }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
        and {{ prevalence._is_replayed('sample_date') }}
    {%- if has_audit_records %}

    union all

    -- an audit is recorded by policy; the day's record is that of all of them, where each has one
    select
        'draw_audits' as table_name,
        audit_records.plan_id,
        audit_records.sample_date,
        sum(audit_records.row_count) as row_count,
        cast(sum(cast(audit_records.fingerprint as bigint)) as string) as fingerprint
    from {{ source('stored_draws', 'draw_audit_records') }} as audit_records
    left join unrecorded_audits
        on
            audit_records.plan_id = unrecorded_audits.plan_id
            and audit_records.sample_date = unrecorded_audits.sample_date
    where
        unrecorded_audits.plan_id is null
        and {{ prevalence._is_replayed('audit_records.sample_date', 'audit_records.plan_id') }}
    group by audit_records.plan_id, audit_records.sample_date
    {%- endif %}

),

plans_when_drawn as (

    select
        plan_id,
        sample_date,
        column_name,
        column_value
    from {{ source('earlier_draws', 'draw_plans') }}
    where {{ prevalence._is_replayed('sample_date') }}

),

plans as (

    select
        plan_id,
        {{ prevalence._plan_columns() | join(',\n        ') }}
    from {{ ref('stg_sampling_plans') }}
    -- as it is now, or will be
    qualify row_number() over (partition by plan_id order by plan_row desc) = 1

),

differences as (

    select
        table_name,
        plan_id,
        sample_date,
        row_key,
        problem
    from {{ ref('draw_differences') }}

),

plan_columns as (

    {{ prevalence._plan_column_rows('plans') | indent(4) }}

),

changed_columns as (

    select
        plans_when_drawn.plan_id,
        plans_when_drawn.sample_date,
        plans_when_drawn.column_name,
        case
            when plan_columns.plan_id is null then 'the plan is gone'
            else
                plans_when_drawn.column_name || ' was ' || coalesce(plans_when_drawn.column_value, 'null')
                || ' and is ' || coalesce(plan_columns.column_value, 'null')
        end as change
    from plans_when_drawn
    left join plan_columns
        on
            plans_when_drawn.plan_id = plan_columns.plan_id
            and plans_when_drawn.column_name = plan_columns.column_name
    where
        {{ prevalence._is_other('plans_when_drawn.column_value', 'plan_columns.column_value') }}
        -- one row says that a plan is gone
        and (plan_columns.plan_id is not null or plans_when_drawn.column_name = 'design')

),

changed_plans as (

    select
        plan_id,
        sample_date,
        {{ prevalence._string_agg('change', '; ', 'column_name') }} as plan_changes
    from changed_columns
    group by plan_id, sample_date

),

rows_by_table as (

    {% for table in tables -%}
    select
        '{{ table.model }}' as table_name,
        plan_id,
        sample_date,
        1 as is_stored,
        row_text
    from stored_{{ table.model }}

    union all

    select
        '{{ table.model }}' as table_name,
        plan_id,
        sample_date,
        0 as is_stored,
        cast(null as string) as row_text
    from again_{{ table.model }}

    {% if not loop.last -%}
    union all

    {% endif -%}
    {% endfor %}
),

-- a day of which every row is gone is known by its record
table_days as (

    select
        table_name,
        plan_id,
        sample_date,
        sum(is_stored) as stored_rows,
        sum(1 - is_stored) as drawn_again_rows,
        {{ prevalence._hash_sum_text('row_text', 'draw') }} as fingerprint
    from rows_by_table
    group by table_name, plan_id, sample_date

    union all

    select
        records.table_name,
        records.plan_id,
        records.sample_date,
        0 as stored_rows,
        0 as drawn_again_rows,
        '0' as fingerprint
    from records
    left join rows_by_table
        on
            records.table_name = rows_by_table.table_name
            and records.plan_id = rows_by_table.plan_id
            and records.sample_date = rows_by_table.sample_date
    where rows_by_table.plan_id is null

),

counted_differences as (

    select
        table_name,
        plan_id,
        sample_date,
        count_if(problem = 'missing') as missing_rows,
        count_if(problem = 'extra') as extra_rows,
        count_if(problem = 'differs') as differing_rows,
        count_if(problem = 'broken') as broken_rows,
        min(row_key) as first_row_key
    from differences
    group by table_name, plan_id, sample_date

),

joined_days as (

    select
        table_days.table_name,
        table_days.plan_id,
        table_days.sample_date,
        table_days.stored_rows,
        table_days.drawn_again_rows,
        coalesce(counted_differences.missing_rows, 0) as missing_rows,
        coalesce(counted_differences.extra_rows, 0) as extra_rows,
        coalesce(counted_differences.differing_rows, 0) as differing_rows,
        coalesce(counted_differences.broken_rows, 0) as broken_rows,
        counted_differences.first_row_key,
        case
            when stored_frames.frame_fingerprint is not null
                then {{ prevalence._is_other('stored_frames.frame_fingerprint', 'frames.frame_fingerprint') }}
        end as is_frame_changed,
        changed_plans.plan_changes,
        case
            when records.row_count is not null
                then table_days.stored_rows = records.row_count and table_days.fingerprint = records.fingerprint
        end as is_as_recorded
    from table_days
    left join counted_differences
        on
            table_days.table_name = counted_differences.table_name
            and table_days.plan_id = counted_differences.plan_id
            and table_days.sample_date = counted_differences.sample_date
    left join stored_frames
        on
            table_days.plan_id = stored_frames.plan_id
            and table_days.sample_date = stored_frames.sample_date
    left join frames
        on
            table_days.plan_id = frames.plan_id
            and table_days.sample_date = frames.sample_date
    left join changed_plans
        on
            table_days.plan_id = changed_plans.plan_id
            and table_days.sample_date = changed_plans.sample_date
    left join records
        on
            table_days.table_name = records.table_name
            and table_days.plan_id = records.plan_id
            and table_days.sample_date = records.sample_date

),

judged_days as (

    select
        *,
        case
            when not is_as_recorded then 'edited'
            when broken_rows > 0 then 'broken'
            when missing_rows + extra_rows + differing_rows = 0 then 'same'
            -- same frame, same plan, another sample: the rows or the code that draws are not what they were
            when
                table_name = 'draw_units' and not coalesce(is_frame_changed, true) and plan_changes is null
                then 'differs'
            -- nothing says what the rows were when they were drawn
            when is_as_recorded is null then 'differs'
            else 'inputs_changed'
        end as status
    from joined_days

),

final as (

    select
        table_name,
        plan_id,
        sample_date,
        cast(stored_rows as bigint) as stored_rows,
        cast(drawn_again_rows as bigint) as drawn_again_rows,
        cast(missing_rows as bigint) as missing_rows,
        cast(extra_rows as bigint) as extra_rows,
        cast(differing_rows as bigint) as differing_rows,
        cast(broken_rows as bigint) as broken_rows,
        first_row_key,
        is_frame_changed,
        plan_changes,
        is_as_recorded,
        status,
        status in ('same', 'inputs_changed') as is_proven
    from judged_days

)

select * from final
