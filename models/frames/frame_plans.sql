{{ config(materialized='table', event_time='unit_date') }}

{%- set columns = prevalence._plan_columns() | list %}
{%- set recorded = prevalence._recorded_vars() | list -%}
{%- set vars_in_force = [] -%}
{%- for name, data_type in prevalence._recorded_vars().items() -%}
{%- do vars_in_force.append(prevalence._var_in_force(name, data_type) ~ ' as ' ~ name) -%}
{%- endfor %}

with

sampling_plans as (

    select * from {{ ref('stg_sampling_plans') }}

),

starts as (

    select * from {{ ref('frame_plan_starts') }}

),

measured_days as (

    select * from {{ ref('stg_measured_days') }}

),

-- what was drawn by earlier runs; through a source, because it is drawn after the frames
drawn_plan_columns as (

    select * from {{ source('earlier_draws', 'draw_plans') }}

),

drawn_settings as (

    {{ prevalence._plan_settings('drawn_plan_columns') | indent(4) }}

),

drawn_plans as (

    select
        drawn_settings.*,
        coalesce(starts.series_id, drawn_settings.plan_id) as series_id
    from drawn_settings
    left join starts
        on drawn_settings.plan_id = starts.plan_id

),

-- a plan of which nobody can tell which of its rows holds draws nothing
ambiguous_plans as (

    select distinct plan_id
    from sampling_plans
    where is_in_force_twice

),

-- without a date a plan draws the days after those that were drawn when it came
plan_days as (

    select
        sampling_plans.*,
        starts.series_id,
        measured_days.unit_date
    from sampling_plans
    inner join starts
        on sampling_plans.plan_id = starts.plan_id
    cross join measured_days
    left join ambiguous_plans
        on sampling_plans.plan_id = ambiguous_plans.plan_id
    where
        ambiguous_plans.plan_id is null
        and {{ prevalence._is_in_force('measured_days.unit_date', 'sampling_plans') }}
        and (
            sampling_plans.valid_from is not null
            or coalesce(measured_days.unit_date > starts.begins_after, true)
        )

),

-- a day that was drawn stays with the settings and under the name that it was drawn with
undrawn_plans as (

    select plan_days.*
    from plan_days
    left join drawn_plans
        on
            plan_days.series_id = drawn_plans.series_id
            and plan_days.unit_date = drawn_plans.sample_date
    where drawn_plans.plan_id is null

),

final as (

    select
        plan_id,
        sample_date as unit_date,
        series_id,
        true as is_drawn,
        {{ (columns + recorded) | join(',\n        ') }}
    from drawn_plans

    union all

    select
        plan_id,
        unit_date,
        series_id,
        false as is_drawn,
        {{ (columns + vars_in_force) | join(',\n        ') }}
    from undrawn_plans

)

select * from final
