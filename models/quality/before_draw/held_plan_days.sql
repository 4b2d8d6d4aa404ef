{{ config(materialized='table') }}

with

plans as (

    select distinct plan_id
    from {{ ref('stg_sampling_plans') }}

),

held_days as (

    select * from {{ ref('held_days') }}

),

log_source_profiles as (

    select * from {{ ref('log_source_profiles') }}

),

frame_profiles as (

    select * from {{ ref('frame_profiles') }}

),

plan_problems as (

    select * from {{ ref('plan_problems') }}

),

draw_costs as (

    select * from {{ ref('draw_costs') }}

),

gate_checks as (

    select * from {{ ref('gate_checks') }}

),

-- a source without a day of its own: nothing is drawn while it is broken, since a draw is for ever
broken_sources as (

    {{ prevalence._broken_limits('raw_to_staging', [{
        'name': 'log_source_profiles', 'columns': ['duplicate_share', 'quarantined_share'],
    }]) | indent(4) }}

),

broken_frames as (

    {{ prevalence._broken_limits('before_draw', [
        {
            'name': 'frame_profiles',
            'day': 'unit_date',
            'has_plan': true,
            'columns': [
                'frame_units', 'frame_exposure', 'probability_sum_difference', 'invalid_probabilities',
                'probabilities_below_floor',
                'unit_count_difference', 'exposure_difference', 'totals_difference',
            ],
        },
        {'name': 'plan_problems', 'has_plan': true, 'columns': ['severity']},
        {
            'name': 'draw_costs', 'day': 'unit_date', 'has_plan': true,
            'columns': ['cost_budget_share', 'questions_budget_share'],
        },
    ]) | indent(4) }}

),

-- what is wrong with a plan says more than the words of the check
problem_texts as (

    select
        plan_id,
        {{ prevalence._string_agg('message', '; ', 'problem') }} as found
    from plan_problems
    where severity > 1
    group by plan_id

),

broken_limits as (

    select
        *,
        cast(1 as bigint) as reason_order
    from broken_sources

    union all

    select
        *,
        case when holds = 'plan' then cast(2 as bigint) else cast(3 as bigint) end as reason_order
    from broken_frames

),

-- what is wrong with a day is wrong with its frames, too: the reason that comes first is the one to tell
held_parts as (

    select
        plans.plan_id,
        held_days.unit_date,
        held_days.check_name,
        cast(0 as bigint) as reason_order,
        held_days.table_name,
        held_days.column_name,
        held_days.observed,
        held_days.expected,
        held_days.remedy
    from held_days
    cross join plans

    union all

    select
        frame_profiles.plan_id,
        frame_profiles.unit_date,
        broken_limits.check_name,
        broken_limits.reason_order,
        broken_limits.table_name,
        broken_limits.column_name,
        broken_limits.observed,
        broken_limits.expected,
        broken_limits.remedy
    from frame_profiles
    inner join broken_limits
        on
            (broken_limits.plan_id is null or frame_profiles.plan_id = broken_limits.plan_id)
            and (broken_limits.sample_date is null or frame_profiles.unit_date = broken_limits.sample_date)

),

final as (

    select
        held_parts.plan_id,
        held_parts.unit_date,
        held_parts.check_name,
        held_parts.reason_order,
        held_parts.table_name,
        held_parts.column_name,
        held_parts.observed,
        case when held_parts.table_name = 'plan_problems' then problem_texts.found end as found,
        held_parts.expected,
        held_parts.remedy
    from held_parts
    left join problem_texts
        on held_parts.plan_id = problem_texts.plan_id

)

select * from final
