{{ config(enabled=var('demo_world', false), materialized='table', schema='demo_world') }}

{%- set size = prevalence._world_size() %}

with

cohorts as (

    select
        day_number,
        day_start_at,
        day_label,
        contents,
        day_number % {{ size.days_per_world }} as day_of_world
    from {{ ref('world_days') }}
    where contents > 0

),

blocks as (

    select
        block_rows.component_type,
        block_rows.slot,
        block_rows.start_share,
        block_rows.end_share
    from (values {{ prevalence._world_block_rows() }}) as block_rows (component_type, slot, start_share, end_share)

),

numbered_contents as (

    select
        cohorts.*,
        numbers.content_number,
        cast(cohorts.day_number as string) || '|' || cast(numbers.content_number as string) as content_key
    from cohorts
    inner join range({{ size.largest_cohort }}) as numbers (content_number)
        on cohorts.contents > numbers.content_number

),

hashed_contents as (

    select
        numbered_contents.*,
        blocks.component_type,
        blocks.slot,
        cast(floor(numbered_contents.contents * blocks.start_share) as bigint) as block_start,
        {{ prevalence._world_hex('numbered_contents.content_key', 'content') }} as content_hex,
        {{ prevalence._world_unit('numbered_contents.content_key', 'life') }} as life_unit
    from numbered_contents
    inner join blocks
        on
            floor(numbered_contents.contents * blocks.start_share) <= numbered_contents.content_number
            and floor(numbered_contents.contents * blocks.end_share) > numbered_contents.content_number

),

drawn_contents as (

    select
        *,
        content_number - block_start as block_rank,
        {{ prevalence._world_piece('life_unit', 0) }} as second_piece,
        {{ prevalence._world_piece('life_unit', 1) }} as scored_piece,
        {{ prevalence._world_piece('life_unit', 2) }} as rescored_piece,
        {{ prevalence._world_piece('life_unit', 3) }} as age_piece
    from hashed_contents

),

-- contents go live in the first hour of their day; those of a world's first day are older, as if it had begun before
dated_contents as (

    select
        *,
        {{ prevalence._add_seconds('day_start_at',
            'cast(floor(second_piece * 3600) as bigint)' ~ (
                ' - case when day_of_world = 0 then 86400 * ' ~ prevalence._world_age('age_piece', 1) ~ ' else 0 end'
                if size.is_replicated else ''
            )
        ) }} as created_at,
        {{ prevalence._add_seconds(
            "cast('" ~ var('demo_world_start_date') ~ "' as timestamp)",
            (size.switch_day * 86400) ~ ' + cast(floor(second_piece * 7200) as bigint)'
        ) }} as switched_at
    from drawn_contents

),

final as (

    select
        'c' || day_label || substr(content_hex, 1, 14) as content_id,
        content_key,
        component_type,
        cast(slot as bigint) as slot,
        cast(block_rank as bigint) as block_rank,
        created_at,
        -- some contents never reach the scorer
        case when scored_piece >= 0.04 then created_at end as first_scored_at,
        -- the second model version scores again what still lives when it arrives, and everything that is new
        case
            when rescored_piece < 0.03 then null
            when created_at >= switched_at then created_at
            when
                created_at >= {{ prevalence._add_seconds(
                    "cast('" ~ var('demo_world_start_date') ~ "' as timestamp)",
                    'cast(' ~ ((size.switch_day - 30) * 86400) ~ ' as bigint)'
                ) }}
                then switched_at
        end as second_scored_at
    from dated_contents

)

select * from final
