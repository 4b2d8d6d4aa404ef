with

draws as (

    select
        plan_id,
        sample_date
    from {{ ref('draw_units') }}

),

plans as (

    select
        plan_id,
        {{ prevalence._plan_columns() | join(',\n        ') }}
    from {{ ref('stg_sampling_plans') }}

),

{% if flags.INTROSPECT and is_incremental() -%}
kept_days as (

    select distinct
        plan_id,
        sample_date
    from {{ this }}

),

{% endif -%}
open_days as (

    select distinct
        draws.plan_id,
        draws.sample_date
    from draws
    {% if flags.INTROSPECT and is_incremental() -%}
    left join kept_days
        on
            draws.plan_id = kept_days.plan_id
            and draws.sample_date = kept_days.sample_date
    where kept_days.plan_id is null
    {%- endif %}

),

plan_columns as (

    {{ prevalence._plan_column_rows('plans') | indent(4) }}

),

final as (

    select
        open_days.plan_id,
        open_days.sample_date,
        plan_columns.column_name,
        plan_columns.column_value
    from open_days
    inner join plan_columns
        on open_days.plan_id = plan_columns.plan_id

)

select {{ prevalence._in_one_file() }} * from final
