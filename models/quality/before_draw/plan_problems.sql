{{ config(materialized='table') }}

with

row_problems as (

    select *
    from {{ ref('plan_row_problems') }}

),

plan_days as (

    select *
    from {{ ref('frame_plans') }}

),

sampling_plans as (

    select *
    from {{ ref('stg_sampling_plans') }}

),

starts as (

    select *
    from {{ ref('frame_plan_starts') }}

),

-- a plan as it draws its newest day: what it was on days before is drawn and cannot be mended
newest_settings as (

    select
        plan_id,
        unit_type,
        design,
        expected_units
    from plan_days
    qualify row_number() over (partition by plan_id order by is_drawn asc, unit_date desc) = 1

),

plans as (

    select
        plan_days.plan_id,
        plan_days.unit_date,
        plan_days.unit_type,
        plan_days.design,
        plan_days.expected_units
    from plan_days
    inner join newest_settings
        on
            plan_days.plan_id = newest_settings.plan_id
            and plan_days.unit_type = newest_settings.unit_type
            and plan_days.design = newest_settings.design
            and plan_days.expected_units = newest_settings.expected_units
    where plan_days.expected_units >= 1

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
        on
            plans.plan_id = totals.plan_id
            and plans.unit_date = totals.unit_date
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

renamed_plans as (

    select
        plan_id,
        max(renamed_from) as renamed_from
    from sampling_plans
    where renamed_from is not null
    group by plan_id

),

listed_plans as (

    select distinct plan_id
    from sampling_plans

),

-- what was drawn under the earlier name is found by it: a name that nobody knows or that is still in use finds nothing
bad_names as (

    select
        renamed_plans.plan_id,
        case
            when renamed_plans.renamed_from = renamed_plans.plan_id then 'renamed_from_itself'
            when listed_plans.plan_id is not null then 'renamed_from_a_plan_that_is_there'
            when starts.plan_id is null then 'renamed_from_unknown'
            else 'renamed_from_too_late'
        end as problem,
        cast(null as double) as asked,
        cast(null as double) as available,
        case
            when starts.plan_id is not null and listed_plans.plan_id is null then cast(1 as bigint)
            else cast(2 as bigint)
        end as severity,
        'renamed_from is ' || renamed_plans.renamed_from || case
            when renamed_plans.renamed_from = renamed_plans.plan_id
                then ', the plan itself; leave it empty'
            when listed_plans.plan_id is not null
                then ', which still stands among the plans; take its row out, or leave renamed_from empty'
            when starts.plan_id is null
                then
                    ', and no plan of that name was ever there; put the name there that the plan had before, or leave '
                    || 'it empty'
            else
                ', and the plan was there before under its own name: it goes on as a series of its own; leave it empty'
        end as message
    from renamed_plans
    left join listed_plans
        on renamed_plans.renamed_from = listed_plans.plan_id
    left join starts
        on renamed_plans.renamed_from = starts.plan_id
    left join starts as own_starts
        on renamed_plans.plan_id = own_starts.plan_id
    where
        listed_plans.plan_id is not null
        or starts.plan_id is null
        or starts.series_id <> own_starts.series_id

),

final as (

    {% for relation in [
        'row_problems', 'bad_names', 'too_many_units', 'small_days', 'sizes_of_nothing', 'empty_strata', 'floors_above_the_sample'
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
