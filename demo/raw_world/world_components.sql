{{ prevalence._daily('day_start_at') }}
{{ config(enabled=var('demo_world', false), schema='demo_world') }}

{%- set size = prevalence._world_size() %}
{%- set policies = prevalence._world_policies() %}

with

requests as (

    select
        day_number,
        day_start_at,
        request_key,
        interaction_id,
        second_of_day,
        {%- for policy in policies %}
        share_{{ loop.index }},
        {%- endfor %}
        queries,
        responses,
        images
    from {{ ref('world_requests') }}
    where not is_lost

),

cohorts as (

    select *
    from {{ ref('world_days').render() }}

),

blocks as (

    select
        block_rows.component_type,
        block_rows.slot,
        block_rows.start_share,
        block_rows.end_share
    from (values {{ prevalence._world_block_rows() }}) as block_rows (component_type, slot, start_share, end_share)

),

numbered_components as (

    select
        requests.*,
        positions.position,
        requests.request_key || '|' || cast(positions.position as string) as component_key,
        case
            when positions.position < requests.queries then 'query'
            when positions.position < requests.queries + requests.responses then 'response'
            else 'image'
        end as component_type
    from requests
    inner join range(12) as positions (position)
        on requests.queries + requests.responses + requests.images > positions.position

),

hashed_components as (

    select
        *,
        {{ prevalence._world_unit('component_key', 'pool') }} as pool_unit,
        {{ prevalence._world_unit('component_key', 'rank') }} as rank_unit,
        {{ prevalence._world_unit('component_key', 'view') }} as view_unit
    from numbered_components

),

drawn_components as (

    select
        *,
        {{ prevalence._world_piece('pool_unit', 0, 26) }} as slot_piece,
        -- what goes live in a day's first hour is shown from the second hour on
        {{ prevalence._world_age(prevalence._world_piece('pool_unit', 1, 26)) }} as drawn_age,
        {{ prevalence._world_piece('rank_unit', 0) }} as popularity_piece,
        -- the bits after those of popularity_piece
        rank_unit * cast(8192 as double) - floor(rank_unit * cast(8192 as double)) as rank_piece,
        {{ prevalence._world_piece('view_unit', 0) }} as view_piece,
        {{ prevalence._world_piece('view_unit', 1) }} as copy_piece
    from hashed_components

),

slotted_components as (

    select
        *,
        case
            when slot_piece < share_1 then 1
            {%- for policy in policies[1:] %}
            when slot_piece < {{ prevalence._world_share_sum(loop.index + 1) }} then {{ loop.index + 1 }}
            {%- endfor %}
            else 0
        end as slot
    from drawn_components

),

aged_components as (

    select
        *,
        -- one ordinary image in ten is what trends today: contents of yesterday, the first shown most
        slot = 0 and component_type = 'image' and popularity_piece < 0.10 as is_trending,
        popularity_piece < 0.40 as is_popular,
        day_number - {% if size.is_replicated %}least({% endif %}case
            when slot = 0 and component_type = 'image' and popularity_piece < 0.10 then 1
            when drawn_age = 0 and second_of_day < 3600 then 1
            else drawn_age
        end{% if size.is_replicated %}, day_number % {{ size.days_per_world }}){% endif %} as cohort_number
    from slotted_components

),

-- heavy tails from powers of a uniform number: 1/u for what trends, u^4 for what is popular, u^1.5 for the rest
ranked_components as (

    select
        aged_components.*,
        cohorts.day_label,
        cast(cohorts.day_number as string) || '|' || cast(
            cast(floor(cohorts.contents * blocks.start_share) as bigint)
            + cast(floor(
                greatest(
                    cast(1 as double),
                    floor(cohorts.contents * blocks.end_share) - floor(cohorts.contents * blocks.start_share)
                )
                * case
                    when aged_components.is_trending then cast(0 as double)
                    when aged_components.slot = 0 and aged_components.is_popular
                        then
                            aged_components.rank_piece * aged_components.rank_piece
                            * aged_components.rank_piece * aged_components.rank_piece
                    else aged_components.rank_piece * sqrt(aged_components.rank_piece)
                end
            ) as bigint)
            + case
                when aged_components.is_trending
                    then cast(least(
                        floor(cast(1 as double) / (aged_components.rank_piece + cast(1e-9 as double))) - 1,
                        floor(cohorts.contents * blocks.end_share) - floor(cohorts.contents * blocks.start_share) - 1
                    ) as bigint)
                else 0
            end
            as string
        ) as content_key
    from aged_components
    inner join cohorts
        on aged_components.cohort_number = cohorts.day_number
    inner join blocks
        on
            aged_components.component_type = blocks.component_type
            and aged_components.slot = blocks.slot

),

identified_components as (

    select
        *,
        {{ prevalence._world_hex('content_key', 'content') }} as content_hex
    from ranked_components

),

described_components as (

    select
        *,
        'c' || day_label || substr(content_hex, 1, 14) as content_id,
        case when component_type <> 'image' then component_type || ' ' || substr(content_hex, 1, 4) end as text,
        case when component_type = 'image' then 'media/' || substr(content_hex, 1, 14) || '.jpg' end as uri,
        case when component_type = 'image' then 'md5:' || content_hex end as media_hash,
        -- the first is always seen; further down some are not, and of some nobody knows
        case
            when position = 0 then true
            when view_piece < 0.06 then null
            when view_piece < 0.06 + 0.02 * position then false
            else true
        end as was_viewed,
        case
            when copy_piece < 0.005 then 'duplicate'
            when copy_piece < 0.0053 then 'null_content_id'
            when copy_piece < 0.0056 then 'without_interaction'
            when copy_piece < 0.0058 then 'null_interaction_id'
            when copy_piece < 0.0060 then 'null_position'
        end as extra_row
    from identified_components

),

copies as (

    select copy_rows.copy_number
    from (values (0), (1)) as copy_rows (copy_number)

),

final as (

    select
        described_components.day_start_at,
        case
            when copies.copy_number = 0 or described_components.extra_row = 'duplicate'
                then described_components.interaction_id
            when described_components.extra_row = 'without_interaction'
                then 'i' || substr({{ prevalence._world_hex(
                    'described_components.component_key', 'planted component'
                ) }}, 1, 20)
            when described_components.extra_row <> 'null_interaction_id' then described_components.interaction_id
        end as interaction_id,
        cast(case
            when copies.copy_number = 0 or described_components.extra_row <> 'null_position'
                then described_components.position + case
                    when copies.copy_number = 1 and described_components.extra_row = 'null_content_id' then 100
                    else 0
                end
        end as bigint) as position,
        described_components.component_type,
        case
            when copies.copy_number = 0 or described_components.extra_row <> 'null_content_id'
                then described_components.content_id
        end as content_id,
        described_components.text,
        described_components.uri,
        described_components.media_hash,
        described_components.was_viewed,
        case when copies.copy_number = 0 then 'component' else described_components.extra_row end as row_origin
    from described_components
    inner join copies
        on copies.copy_number = 0 or described_components.extra_row is not null

)

select * from final
