{{ config(materialized='table') }}

with

row_problems as (

    select *
    from {{ ref('plan_row_problems') }}

),

plans as (

    select *
    from {{ ref('stg_sampling_plans') }}
    where expected_units >= 1

),

designs as (

    select *
    from {{ ref('designs') }}

),

totals as (

    select *
    from {{ ref('frame_totals') }}

),

strata as (

    select *
    from {{ ref('frame_strata') }}

),

plan_frames as (

    select
        plans.plan_id,
        plans.unit_type,
        plans.expected_units,
        designs.is_with_replacement,
        count(*) as days,
        count_if(totals.frame_units < plans.expected_units) as small_days,
        count_if(coalesce(totals.frame_size, 0) = 0) as days_without_size,
        min(totals.frame_units) as smallest_frame,
        cast(median(totals.frame_units) as double) as median_frame
    from plans
    inner join designs
        on plans.design = designs.design
    inner join totals
        on plans.plan_id = totals.plan_id
    where not designs.is_drawn_elsewhere
    group by plans.plan_id, plans.unit_type, plans.expected_units, designs.is_with_replacement

),

-- draws with replacement may be more than there are units
too_many_units as (

    select
        plan_id,
        'more_units_than_the_frame' as problem,
        cast(expected_units as double) as asked,
        median_frame as available,
        cast(2 as bigint) as severity,
        'expected_units is ' || cast(expected_units as string) || ' and the frame has '
        || cast(cast(floor(median_frame) as bigint) as string) || ' units (' || unit_type || ') on the median day; '
        || cast(small_days as string) || ' of ' || cast(days as string)
        || ' days have fewer than asked for; ask for no more than the frame has' as message
    from plan_frames
    where expected_units > median_frame and not is_with_replacement

),

-- a holiday stops no measurement
small_days as (

    select
        plan_id,
        'days_smaller_than_the_sample' as problem,
        cast(expected_units as double) as asked,
        cast(smallest_frame as double) as available,
        cast(1 as bigint) as severity,
        cast(small_days as string) || ' of ' || cast(days as string) || ' days have fewer units (' || unit_type
        || ') than expected_units, ' || cast(expected_units as string) || ', the smallest '
        || cast(smallest_frame as string) || '; they are taken whole' as message
    from plan_frames
    where small_days > 0 and expected_units <= median_frame and not is_with_replacement

),

sizes_of_nothing as (

    select
        plan_id,
        'all_sizes_zero' as problem,
        cast(days_without_size as double) as asked,
        cast(0 as double) as available,
        cast(2 as bigint) as severity,
        'the sizes of all units are 0 on ' || cast(days_without_size as string) || ' of ' || cast(days as string)
        || ' days, so that no unit could be drawn; raise defence_share above 0 and see whether the units of these days '
        || 'have any exposure' as message
    from plan_frames
    where days_without_size > 0

),

stratum_days as (

    select
        plan_id,
        stratum_number,
        count(*) as days,
        count_if(frame_units = 0) as empty_days
    from strata
    group by plan_id, stratum_number

),

-- on most days: a stratum that is empty now and then is merely not drawn from
empty_strata as (

    select
        plan_id,
        'stratum_without_units' as problem,
        cast(stratum_number as double) as asked,
        cast(days - empty_days as double) as available,
        case when 2 * empty_days >= days then cast(2 as bigint) else cast(1 as bigint) end as severity,
        'stratum ' || cast(stratum_number as string) || ' has no unit on ' || cast(empty_days as string) || ' of '
        || cast(days as string) || ' days; move stratum_bounds (frames.frame_strata has the units of each)' as message
    from stratum_days
    where empty_days > 0

),

floors_above_the_sample as (

    select
        plan_id,
        'stratum_minima_above_the_sample' as problem,
        cast(count(distinct stratum_number) as double) as asked,
        cast(null as double) as available,
        cast(2 as bigint) as severity,
        cast(count(distinct stratum_number) as string)
        || ' strata ask for minimum_stratum_units each, more than expected_units on '
        || cast(count(distinct unit_date) as string) || ' days; lower the minimum, or take fewer strata' as message
    from strata
    where allocated_units is null
    group by plan_id

),

final as (

    {% for relation in [
        'row_problems', 'too_many_units', 'small_days', 'sizes_of_nothing', 'empty_strata', 'floors_above_the_sample'
    ] -%}
    select
        {{ relation }}.plan_id,
        {{ relation }}.problem,
        {{ relation }}.asked,
        {{ relation }}.available,
        {{ relation }}.severity,
        {{ relation }}.message
    from {{ relation }}
    {%- if not loop.last %}

    union all

    {% endif -%}
    {% endfor %}

)

select * from final
