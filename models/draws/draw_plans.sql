with

drawn_units as (

    {{ prevalence._not_yet_kept(ref('draw_units')) | indent(4) }}

),

plans as (

    select * from {{ ref('frame_plans') }}

),

open_days as (

    select distinct
        plan_id,
        sample_date
    from drawn_units

),

-- beside the plan the vars that the day is drawn under
plan_columns as (

    {{ prevalence._plan_column_rows(
        'plans', keys=['plan_id', 'unit_date'],
        columns=dict(prevalence._plan_columns(), **prevalence._recorded_vars())
    ) | indent(4) }}

),

final as (

    select
        open_days.plan_id,
        open_days.sample_date,
        plan_columns.column_name,
        plan_columns.column_value
    from open_days
    inner join plan_columns
        on
            open_days.plan_id = plan_columns.plan_id
            and open_days.sample_date = plan_columns.unit_date

)

select {{ prevalence._in_one_file() }} * from final
