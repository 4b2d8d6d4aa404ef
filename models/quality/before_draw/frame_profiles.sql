{{ config(materialized='table') }}

{#- days before and days after a day that it is held against -#}
{%- set near_days = 28 %}

with

sampling_plans as (

    select *
    from {{ ref('frame_plans') }}

),

designs as (

    select *
    from {{ ref('designs') }}

),

totals as (

    select *
    from {{ ref('frame_totals') }}

),

frame_rows as (

    {% for relation in ['frame_units', 'frame_user_days'] -%}
    select
        plan_id,
        unit_date,
        exposure,
        inclusion_probability
    from {{ ref(relation) }}
    {% if not loop.last %}
    union all

    {% endif -%}
    {% endfor %}

),

counted_frames as (

    select
        plan_id,
        unit_date,
        count(*) as frame_units,
        sum(exposure) as frame_exposure,
        min(inclusion_probability) as smallest_inclusion_probability,
        max(inclusion_probability) as largest_inclusion_probability,
        count_if(coalesce(inclusion_probability > 0, false)) as positive_probabilities,
        count_if(coalesce(inclusion_probability > 0 and inclusion_probability <= 1, false)) as valid_probabilities,
        count_if(inclusion_probability < {{ var('logged_probability_floor') }}) as tiny_probabilities
    from frame_rows
    group by plan_id, unit_date

),

unit_days as (

    {% for unit_type, relation, exposure in [
        ('content_day', 'unit_content_days', 'sum(views)'),
        ('interaction', 'unit_interactions', 'count(*)'),
        ('user_day', 'unit_user_days', 'count(*)'),
    ] -%}
    select
        '{{ unit_type }}' as unit_type,
        unit_date,
        count(*) as units,
        {{ exposure }} as exposure
    from {{ ref(relation) }}
    group by unit_date
    {% if not loop.last %}
    union all

    {% endif -%}
    {% endfor %}

),

plans as (

    select
        sampling_plans.plan_id,
        sampling_plans.unit_date,
        sampling_plans.unit_type,
        coalesce(designs.is_drawn_elsewhere, false) as is_drawn_elsewhere,
        coalesce(designs.is_with_replacement, false) as is_with_replacement
    from sampling_plans
    left join designs
        on sampling_plans.design = designs.design

),

-- a plan that draws here has a frame on every day that it draws; one whose draws were logged elsewhere, on the days it
-- was run
plan_days as (

    select *
    from plans
    where not is_drawn_elsewhere

    union all

    select plans.*
    from plans
    inner join counted_frames
        on
            plans.plan_id = counted_frames.plan_id
            and plans.unit_date = counted_frames.unit_date
    where plans.is_drawn_elsewhere

),

joined_days as (

    select
        plan_days.*,
        coalesce(counted_frames.frame_units, 0) as frame_units,
        coalesce(counted_frames.frame_exposure, 0) as frame_exposure,
        -- draws with replacement may be expected to take a unit more than once
        coalesce(
            case
                when plan_days.is_with_replacement then counted_frames.positive_probabilities
                else counted_frames.valid_probabilities
            end,
            0
        ) as valid_probabilities,
        counted_frames.smallest_inclusion_probability,
        counted_frames.largest_inclusion_probability,
        counted_frames.tiny_probabilities,
        coalesce(totals.frame_units, 0) as total_units,
        coalesce(totals.frame_exposure, 0) as total_exposure,
        totals.expected_units,
        totals.sum_of_inclusion_probabilities,
        totals.imputed_score_exposure,
        totals.maximum_weighted_exposure,
        coalesce(unit_days.units, 0) as units,
        coalesce(unit_days.exposure, 0) as exposure
    from plan_days
    left join counted_frames
        on
            plan_days.plan_id = counted_frames.plan_id
            and plan_days.unit_date = counted_frames.unit_date
    left join totals
        on
            plan_days.plan_id = totals.plan_id
            and plan_days.unit_date = totals.unit_date
    left join unit_days
        on
            plan_days.unit_type = unit_days.unit_type
            and plan_days.unit_date = unit_days.unit_date

),

medians as (

    select
        joined_days.plan_id,
        joined_days.unit_date,
        cast(median(case when near_days.frame_exposure > 0 then near_days.frame_exposure end) as double)
            as median_frame_exposure
    from joined_days
    inner join joined_days as near_days
        on
            joined_days.plan_id = near_days.plan_id
            and near_days.unit_date >= {{ prevalence._add_days('joined_days.unit_date', -near_days) }}
            and near_days.unit_date <= {{ prevalence._add_days('joined_days.unit_date', near_days) }}
    group by joined_days.plan_id, joined_days.unit_date

),

-- a day with fewer units than the plan asks for is taken whole
compared_days as (

    select
        joined_days.*,
        medians.median_frame_exposure,
        cast(
            case
                when joined_days.is_with_replacement then joined_days.expected_units
                else least(joined_days.expected_units, joined_days.frame_units)
            end as double
        ) as draws_to_expect
    from joined_days
    inner join medians
        on
            joined_days.plan_id = medians.plan_id
            and joined_days.unit_date = medians.unit_date

),

final as (

    select
        plan_id,
        unit_type,
        unit_date,
        cast(frame_units as bigint) as frame_units,
        cast(frame_exposure as bigint) as frame_exposure,
        cast(expected_units as bigint) as expected_units,
        sum_of_inclusion_probabilities,
        case
            when not is_drawn_elsewhere and frame_units > 0
                then coalesce(abs(sum_of_inclusion_probabilities / draws_to_expect - 1), cast(1 as double))
        end as probability_sum_difference,
        smallest_inclusion_probability,
        largest_inclusion_probability,
        cast(frame_units - valid_probabilities as bigint) as invalid_probabilities,
        case when is_drawn_elsewhere then cast(tiny_probabilities as bigint) end as probabilities_below_floor,
        case when not is_drawn_elsewhere then cast(abs(frame_units - units) as bigint) end as unit_count_difference,
        case when not is_drawn_elsewhere then cast(abs(frame_exposure - exposure) as bigint) end as exposure_difference,
        cast(abs(frame_units - total_units) + abs(frame_exposure - total_exposure) as bigint) as totals_difference,
        maximum_weighted_exposure,
        maximum_weighted_exposure / nullif(cast(frame_exposure as double), 0) as heaviest_unit_share,
        cast(imputed_score_exposure as double) / nullif(cast(frame_exposure as double), 0) as imputed_exposure_share,
        coalesce(cast(frame_exposure as double) / nullif(median_frame_exposure, 0), cast(0 as double)) as exposure_ratio
    from compared_days

)

select * from final
