with

drawn_units as (

    select distinct
        unit_type,
        unit_id,
        unit_key,
        sample_date as unit_date
    from {{ ref('label_units') }}

),

-- an item is put together once, as it was when its unit was first drawn: what was shown does not change afterwards
open_units as (

    select drawn_units.*
    from drawn_units
    {% if flags.INTROSPECT and is_incremental() -%}
    left join {{ this }} as built_items
        on
            drawn_units.unit_type = built_items.unit_type
            and drawn_units.unit_id = built_items.unit_id
    where built_items.unit_id is null
    {%- endif %}

),

user_day_components as (

    select *
    from {{ ref('draw_user_day_components') }}
    where unit_type = 'interaction_part'

),

components as (

    select *
    from {{ ref('stg_components') }}

),

-- a content is judged by itself, as it was shown first that day; columns are listed, because ranking carries whole rows
content_components as (

    select {{ prevalence._broadcast(['open_units']) }}
        open_units.unit_type,
        open_units.unit_id,
        cast(0 as bigint) as position,
        components.component_type,
        components.text,
        components.uri,
        components.media_hash
    from open_units
    inner join components
        on
            open_units.unit_key = components.content_id
            and open_units.unit_date = components.unit_date
    where
        open_units.unit_type = 'content_day'
        and components.was_viewed
    qualify
        row_number() over (
            partition by open_units.unit_id
            order by components.interaction_id asc, components.position asc
        ) = 1

),

-- an interaction is judged with all its components, in the order seen
interaction_components as (

    select {{ prevalence._broadcast(['open_units']) }}
        open_units.unit_type,
        open_units.unit_id,
        components.position,
        components.component_type,
        components.text,
        components.uri,
        components.media_hash
    from open_units
    inner join components
        on
            open_units.unit_key = components.interaction_id
            and open_units.unit_date = components.unit_date
    where open_units.unit_type = 'interaction'

),

-- of an interaction beyond its plan's cap only what was drawn is shown
open_parts as (

    select
        open_units.*,
        user_day_components.interaction_id,
        user_day_components.position
    from open_units
    inner join user_day_components
        on
            open_units.unit_type = user_day_components.unit_type
            and open_units.unit_id = user_day_components.unit_id
    where open_units.unit_type = 'interaction_part'

),

part_components as (

    select {{ prevalence._broadcast(['open_parts']) }}
        open_parts.unit_type,
        open_parts.unit_id,
        components.position,
        components.component_type,
        components.text,
        components.uri,
        components.media_hash
    from open_parts
    inner join components
        on
            open_parts.interaction_id = components.interaction_id
            and open_parts.position = components.position
            and open_parts.unit_date = components.unit_date

),

-- three lists of one shape
item_components as (

    select * from content_components
    union all
    select * from interaction_components
    union all
    select * from part_components

),

-- a component's reference is its place, not its position: references have no gaps
numbered_components as (

    select
        *,
        'c' || cast(
            row_number() over (partition by unit_type, unit_id order by position asc) - 1 as string
        ) as component_ref,
        row_number() over (partition by unit_type, unit_id order by position asc) - 1 as component_number
    from item_components

),

rendered_components as (

    select
        *,
        '{"ref":"' || component_ref || '","kind":' || {{ prevalence._json_string('component_type') }}
        || ',"text":' || {{ prevalence._json_string('text') }}
        || ',"uri":' || {{ prevalence._json_string('uri') }}
        || ',"media_hash":' || {{ prevalence._json_string('media_hash') }} || '}' as component_json,
        {{ prevalence._netstring('component_ref') }} || {{ prevalence._netstring('component_type') }}
        || {{ prevalence._netstring('text') }} || {{ prevalence._netstring('media_hash') }} as hashed_text
    from numbered_components

),

assembled_items as (

    select
        unit_type,
        unit_id,
        count(*) as component_count,
        count_if(uri is not null) as media_count,
        sum(length(coalesce(text, ''))) as text_characters,
        {{ prevalence._string_agg('component_json', ',', 'component_number') }} as components_json,
        {{ prevalence._string_agg('hashed_text', '', 'component_number') }} as hashed_text
    from rendered_components
    group by unit_type, unit_id

),

-- a drawn interaction without any component is still an item, so that it is asked about and not lost
hashed_items as (

    select
        open_units.*,
        'u_' || substr(
            {{ prevalence._sha256(
                "'" ~ var('sampling_salt') ~ ":token|' || open_units.unit_type || '|' || open_units.unit_id"
            ) }}, 1, 24
        ) as unit_token,
        'sha256:' || {{ prevalence._sha256(
            "'labeling_item/v1|' || coalesce(assembled_items.hashed_text, '')"
        ) }} as item_hash,
        '[' || coalesce(assembled_items.components_json, '') || ']' as components,
        coalesce(assembled_items.component_count, 0) as component_count,
        coalesce(assembled_items.media_count, 0) as media_count,
        coalesce(assembled_items.text_characters, 0) as text_characters
    from open_units
    left join assembled_items
        on
            open_units.unit_type = assembled_items.unit_type
            and open_units.unit_id = assembled_items.unit_id

),

final as (

    select
        'itm_' || substr({{ prevalence._sha256("unit_token || '|' || item_hash") }}, 1, 24) as item_id,
        unit_token,
        unit_type,
        unit_id,
        unit_key,
        unit_date,
        'labeling_item/v1' as item_schema,
        item_hash,
        components,
        cast(component_count as bigint) as component_count,
        cast(media_count as bigint) as media_count,
        cast(text_characters as bigint) as text_characters
    from hashed_items

)

select {{ prevalence._in_one_file() }} * from final
