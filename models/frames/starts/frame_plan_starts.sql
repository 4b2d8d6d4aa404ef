with

sampling_plans as (

    select * from {{ ref('stg_sampling_plans') }}

),

-- what was drawn by earlier runs; through a source, because it is drawn after the frames
drawn_days as (

    select distinct
        plan_id,
        sample_date
    from {{ source('earlier_draws', 'draw_plans') }}

),

last_day as (

    select max(sample_date) as last_drawn_date
    from drawn_days

),

plans as (

    select
        plan_id,
        max(renamed_from) as renamed_from
    from sampling_plans
    group by plan_id

),

drawn_plans as (

    select distinct plan_id
    from drawn_days

),

known_plans as (
    {% if flags.INTROSPECT and is_incremental() %}
    select
        plan_id,
        series_id,
        begins_after
    from {{ this }}

    union all

    -- of a warehouse from before this record
    select
        drawn_plans.plan_id,
        drawn_plans.plan_id as series_id,
        cast(null as date) as begins_after
    from drawn_plans
    left join {{ this }} as recorded_plans
        on drawn_plans.plan_id = recorded_plans.plan_id
    where recorded_plans.plan_id is null
    {% else %}
    select
        plan_id,
        plan_id as series_id,
        cast(null as date) as begins_after
    from drawn_plans
    {% endif %}
),

-- a plan is recorded once, when it is first seen, whether it can draw yet or not
new_plans as (

    {{ prevalence._not_yet_kept('plans', key=['plan_id']) | indent(4) }}

),

-- one that was renamed goes on as what it was; one whose earlier name nobody knows is not there
-- (quality.plan_row_problems)
final as (

    select
        new_plans.plan_id,
        coalesce(earlier_plans.series_id, new_plans.plan_id) as series_id,
        case
            when earlier_plans.plan_id is not null then earlier_plans.begins_after
            when drawn_plans.plan_id is null then last_day.last_drawn_date
        end as begins_after
    from new_plans
    cross join last_day
    left join known_plans as earlier_plans
        on new_plans.renamed_from = earlier_plans.plan_id
    left join drawn_plans
        on new_plans.plan_id = drawn_plans.plan_id
    where new_plans.renamed_from is null or earlier_plans.plan_id is not null

)

select {{ prevalence._in_one_file() }} * from final
