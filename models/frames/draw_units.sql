{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false) }}

with

content_days as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        exposure,
        inclusion_probability,
        is_certainty
    from {{ ref('frame_content_days') }}

),

interactions as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        exposure,
        inclusion_probability,
        is_certainty
    from {{ ref('frame_interactions') }}

),

user_days as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        exposure,
        inclusion_probability,
        is_certainty
    from {{ ref('frame_user_days') }}

),

totals as (

    select
        plan_id,
        unit_date,
        unit_type,
        frame_units,
        frame_exposure,
        maximum_weighted_exposure
    from {{ ref('frame_totals') }}

),

{% if flags.INTROSPECT and is_incremental() -%}
drawn_days as (

    select distinct
        plan_id,
        sample_date
    from {{ this }}

),

{% endif -%}
-- a day is drawn once: what is in this table already is never drawn again
open_days as (

    select
        totals.plan_id,
        totals.unit_date,
        totals.unit_type,
        totals.frame_units,
        totals.frame_exposure,
        totals.maximum_weighted_exposure
    from totals
    {% if flags.INTROSPECT and is_incremental() -%}
    left join drawn_days
        on
            totals.plan_id = drawn_days.plan_id
            and totals.unit_date = drawn_days.sample_date
    where drawn_days.plan_id is null
    {%- endif %}

),

frame_units as (

    select
        content_days.plan_id,
        content_days.unit_id,
        content_days.unit_date,
        content_days.unit_key,
        content_days.design,
        content_days.expected_units,
        content_days.exposure,
        content_days.inclusion_probability,
        content_days.is_certainty
    from content_days

    union all

    select
        interactions.plan_id,
        interactions.unit_id,
        interactions.unit_date,
        interactions.unit_key,
        interactions.design,
        interactions.expected_units,
        interactions.exposure,
        interactions.inclusion_probability,
        interactions.is_certainty
    from interactions

    union all

    select
        user_days.plan_id,
        user_days.unit_id,
        user_days.unit_date,
        user_days.unit_key,
        user_days.design,
        user_days.expected_units,
        user_days.exposure,
        user_days.inclusion_probability,
        user_days.is_certainty
    from user_days

),

open_units as (

    select {{ prevalence._broadcast(['open_days']) }}
        frame_units.plan_id,
        frame_units.unit_id,
        open_days.unit_type,
        frame_units.unit_key,
        frame_units.unit_date as sample_date,
        frame_units.design,
        frame_units.expected_units,
        frame_units.exposure,
        frame_units.inclusion_probability,
        frame_units.is_certainty,
        {{ prevalence.hash_unit(
            "frame_units.plan_id || '|' || frame_units.unit_id", var('sampling_salt') ~ ':draw'
        ) }} as random_number,
        open_days.frame_units,
        open_days.frame_exposure,
        open_days.maximum_weighted_exposure
    from frame_units
    inner join open_days
        on
            frame_units.plan_id = open_days.plan_id
            and frame_units.unit_date = open_days.unit_date

),

drawn_units as (

    {{ prevalence.draw_sample(
        'open_units', unit='unit_id', design='design', inclusion_probability='inclusion_probability',
        is_certainty='is_certainty', random_number='random_number', expected_units='expected_units',
        by=['plan_id', 'sample_date']
    ) | indent(4) }}

),

final as (

    select
        plan_id,
        unit_id,
        unit_type,
        unit_key,
        sample_date,
        design,
        exposure,
        inclusion_probability,
        1 / inclusion_probability as design_weight,
        is_certainty,
        random_number,
        frame_units,
        frame_exposure,
        maximum_weighted_exposure
    from drawn_units

)

select {{ prevalence._in_one_file() }} * from final
