{{ config(materialized='table') }}

with

calendar_days as (

    {{ prevalence._calendar_days() | indent(4) }}

),

plans as (

    select
        plan_id,
        unit_type,
        design
    from {{ ref('stg_sampling_plans') }}

),

totals as (

    select
        plan_id,
        unit_date,
        frame_units,
        frame_exposure,
        expected_units,
        sum_of_inclusion_probabilities,
        imputed_score_exposure,
        maximum_weighted_exposure
    from {{ ref('frame_totals') }}

),

frame_rows as (

    select
        plan_id,
        unit_date,
        design,
        exposure,
        inclusion_probability
    from {{ ref('frame_content_days') }}

    union all

    select
        plan_id,
        unit_date,
        design,
        exposure,
        inclusion_probability
    from {{ ref('frame_interactions') }}

    union all

    select
        plan_id,
        unit_date,
        design,
        exposure,
        inclusion_probability
    from {{ ref('frame_user_days') }}

),

counted_frames as (

    select
        plan_id,
        unit_date,
        count(*) as frame_units,
        sum(exposure) as frame_exposure,
        min(inclusion_probability) as smallest_inclusion_probability,
        max(inclusion_probability) as largest_inclusion_probability,
        -- draws with replacement may be expected to take a unit more than once
        count_if(
            coalesce(
                inclusion_probability > 0 and (inclusion_probability <= 1 or design = 'pps_with_replacement'), false
            )
        ) as valid_probabilities
    from frame_rows
    group by plan_id, unit_date

),

unit_days as (

    select
        'content_day' as unit_type,
        unit_date,
        count(*) as units,
        sum(views) as exposure
    from {{ ref('unit_content_days') }}
    group by unit_date

    union all

    select
        'interaction' as unit_type,
        unit_date,
        count(*) as units,
        count(*) as exposure
    from {{ ref('unit_interactions') }}
    group by unit_date

    union all

    select
        'user_day' as unit_type,
        unit_date,
        count(*) as units,
        count(*) as exposure
    from {{ ref('unit_user_days') }}
    group by unit_date

),

-- a plan that draws here has a frame on every day; one whose draws were logged elsewhere, on the days it was run
plan_days as (

    select
        plans.plan_id,
        plans.unit_type,
        plans.design,
        calendar_days.calendar_date as unit_date
    from plans
    cross join calendar_days
    where plans.design <> 'logged'

    union all

    select
        plans.plan_id,
        plans.unit_type,
        plans.design,
        counted_frames.unit_date
    from plans
    inner join counted_frames
        on plans.plan_id = counted_frames.plan_id
    where plans.design = 'logged'

),

joined_days as (

    select
        plan_days.plan_id,
        plan_days.unit_type,
        plan_days.unit_date,
        plan_days.design,
        coalesce(counted_frames.frame_units, 0) as frame_units,
        coalesce(counted_frames.frame_exposure, 0) as frame_exposure,
        coalesce(counted_frames.valid_probabilities, 0) as valid_probabilities,
        counted_frames.smallest_inclusion_probability,
        counted_frames.largest_inclusion_probability,
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
        plan_id,
        cast(median(frame_exposure) as double) as median_frame_exposure
    from joined_days
    group by plan_id

),

final as (

    select
        joined_days.plan_id,
        joined_days.unit_type,
        joined_days.unit_date,
        cast(joined_days.frame_units as bigint) as frame_units,
        cast(joined_days.frame_exposure as bigint) as frame_exposure,
        cast(joined_days.expected_units as bigint) as expected_units,
        joined_days.sum_of_inclusion_probabilities,
        -- a day with fewer units than the plan asks for is taken whole
        case
            when joined_days.design <> 'logged' and joined_days.frame_units > 0
                then
                    coalesce(
                        abs(
                            joined_days.sum_of_inclusion_probabilities
                            / cast(
                                case
                                    when joined_days.design = 'pps_with_replacement' then joined_days.expected_units
                                    else least(joined_days.expected_units, joined_days.frame_units)
                                end as double
                            ) - 1
                        ),
                        cast(1 as double)
                    )
        end as probability_sum_difference,
        joined_days.smallest_inclusion_probability,
        joined_days.largest_inclusion_probability,
        cast(joined_days.frame_units - joined_days.valid_probabilities as bigint) as invalid_probabilities,
        case
            when joined_days.design <> 'logged'
                then cast(abs(joined_days.frame_units - joined_days.units) as bigint)
        end as unit_count_difference,
        case
            when joined_days.design <> 'logged'
                then cast(abs(joined_days.frame_exposure - joined_days.exposure) as bigint)
        end as exposure_difference,
        cast(
            abs(joined_days.frame_units - joined_days.total_units)
            + abs(joined_days.frame_exposure - joined_days.total_exposure) as bigint
        ) as totals_difference,
        joined_days.maximum_weighted_exposure,
        joined_days.maximum_weighted_exposure / nullif(cast(joined_days.frame_exposure as double), 0)
            as heaviest_unit_share,
        cast(joined_days.imputed_score_exposure as double)
        / nullif(cast(joined_days.frame_exposure as double), 0) as imputed_exposure_share,
        coalesce(
            cast(joined_days.frame_exposure as double) / nullif(medians.median_frame_exposure, 0),
            cast(0 as double)
        ) as exposure_ratio
    from joined_days
    inner join medians
        on joined_days.plan_id = medians.plan_id

)

select * from final
