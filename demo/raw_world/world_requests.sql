{{ prevalence._daily('day_start_at') }}
{{ config(enabled=var('demo_world', false), schema='demo_world') }}

{%- set size = prevalence._world_size() %}
{%- set policies = prevalence._world_policies() %}

with

-- one day in each batch
days as (

    select *
    from {{ ref('world_days') }}
    where requests > 0

),

people as (

    select
        person_number,
        user_id,
        country,
        {%- for policy in policies %}
        taste_{{ loop.index }},
        {%- endfor %}
        experiment_id,
        experiment_arm
    from {{ ref('world_people') }}

),

numbered_requests as (

    select
        days.*,
        numbers.request_number,
        cast(days.day_number as string) || '|' || cast(numbers.request_number as string) as request_key
    from days
    inner join range({{ size.requests * 106 // (100 * size.days) + 1 }}) as numbers (request_number)
        on days.requests > numbers.request_number

),

hashed_requests as (

    select
        *,
        {{ prevalence._world_hex('request_key', 'request') }} as request_hex,
        {{ prevalence._world_unit('request_key', 'time') }} as time_unit,
        {{ prevalence._world_unit('request_key', 'person') }} as person_unit,
        {{ prevalence._world_unit('request_key', 'page') }} as page_unit,
        {{ prevalence._world_unit('request_key', 'log') }} as log_unit
    from numbered_requests

),

drawn_requests as (

    select
        *,
        -- the sum of two uniform numbers: a day with a quiet night and a busy middle
        cast(floor(43200 * (
            {{ prevalence._world_piece('time_unit', 0, 26) }} + {{ prevalence._world_piece('time_unit', 1, 26) }}
        )) as bigint) as second_of_day,
        -- the square makes a few people ask much and most little
        {% if size.is_replicated -%}
        cast(floor(day_number / cast({{ size.days_per_world }} as double)) as bigint) * {{ size.users_per_world }} +
        {% endif -%}
        cast(floor(
            {{ size.users_per_world }}
            * {{ prevalence._world_piece('person_unit', 0, 26) }} * {{ prevalence._world_piece('person_unit', 0, 26) }}
        ) as bigint) as person_number,
        {{ prevalence._world_piece('person_unit', 2) }} as identity_piece,
        {{ prevalence._world_piece('person_unit', 3) }} as country_piece,
        {{ prevalence._world_piece('page_unit', 0) }} as surface_piece,
        {{ prevalence._world_piece('page_unit', 1) }} as images_piece,
        {{ prevalence._world_piece('page_unit', 2) }} as response_piece,
        {{ prevalence._world_piece('page_unit', 3) }} as version_piece,
        {{ prevalence._world_piece('log_unit', 0) }} as loss_piece,
        {{ prevalence._world_piece('log_unit', 1) }} as delay_kind_piece,
        {{ prevalence._world_piece('log_unit', 2) }} as delay_piece,
        {{ prevalence._world_piece('log_unit', 3) }} as copy_piece
    from hashed_requests

),

placed_requests as (

    select
        drawn_requests.*,
        people.experiment_id,
        people.experiment_arm,
        {%- for policy in policies %}
        people.taste_{{ loop.index }},
        {%- endfor %}
        'i' || drawn_requests.day_label || substr(drawn_requests.request_hex, 1, 14) as interaction_id,
        {{ prevalence._add_seconds('drawn_requests.day_start_at', 'drawn_requests.second_of_day') }} as occurred_at,
        case when drawn_requests.identity_piece >= 0.15 then people.user_id end as user_id,
        case when drawn_requests.country_piece < 0.02 then 'US' else people.country end as server_country,
        case
            when drawn_requests.surface_piece < 0.35 then 'search'
            when drawn_requests.surface_piece < 0.65 then 'feed'
            when drawn_requests.surface_piece < 0.85 then 'related_pins'
            else 'chat'
        end as surface,
        case
            when drawn_requests.country_piece < 0.02 then 'US'
            when drawn_requests.country_piece < 0.97 then people.country
        end as country,
        row_number() over (
            partition by drawn_requests.day_number, drawn_requests.person_number
            order by drawn_requests.second_of_day asc, drawn_requests.request_number asc
        ) - 1 as client_sequence
    from drawn_requests
    inner join people
        on drawn_requests.person_number = people.person_number

),

factored_requests as (

    select
        *,
        case server_country
            when 'BR' then cast(1.2 as double)
            when 'DE' then cast(0.7 as double)
            when 'GB' then cast(0.9 as double)
            when 'IN' then cast(1.3 as double)
            when 'JP' then cast(0.6 as double)
            else cast(1 as double)
        end as country_factor
    from placed_requests

),

-- the share of what is shown that comes from each policy's borderline contents
shares as (

    select
        {%- for policy in policies %}
        least(
            cast(0.24 as double),
            cast({{ policy.shown_share }} as double) * taste_{{ loop.index }} * country_factor
            * {{ prevalence._world_surface_factor(policy) }} * {{ prevalence._world_step_factor(policy, size) }}
        ) as share_{{ loop.index }},
        {%- endfor %}
        *
    from factored_requests

),

final as (

    select
        cast(day_number as bigint) as day_number,
        day_start_at,
        request_key,
        interaction_id,
        surface,
        occurred_at,
        cast(second_of_day as bigint) as second_of_day,
        user_id,
        case
            when version_piece < 0.99
                then 's' || substr({{ prevalence._world_hex(
                    "cast(person_number as string) || '|' || cast(day_number as string) || '|' || "
                    ~ "cast(cast(floor(second_of_day / cast(14400 as double)) as bigint) as string)", 'session'
                ) }}, 1, 16)
        end as session_id,
        country,
        server_country,
        -- most events land within minutes, some within two days, one in a hundred days later; a few do not say when
        case
            when delay_kind_piece < 0.01
                then {{ prevalence._add_seconds(
                    'occurred_at', '172800 + cast(floor(delay_piece * 345600) as bigint)'
                ) }}
            when delay_kind_piece < 0.03
                then {{ prevalence._add_seconds('occurred_at', 'cast(floor(delay_piece * 144000) as bigint)') }}
            when delay_kind_piece < 0.99
                then {{ prevalence._add_seconds(
                    'occurred_at', 'cast(floor(delay_piece * delay_piece * 600) as bigint)'
                ) }}
        end as received_at,
        's' || substr({{ prevalence._world_hex(
            "cast(person_number as string) || '|' || cast(day_number as string)", 'stream'
        ) }}, 1, 16) as client_stream_id,
        cast(client_sequence as bigint) as client_sequence,
        case
            when version_piece < 0.55 then '7.2.0'
            when version_piece < 0.90 then '7.1.3'
            else '6.9.8'
        end as app_version,
        experiment_id,
        experiment_arm,
        cast(case when surface in ('search', 'chat') then 1 else 0 end as bigint) as queries,
        cast(case
            when surface <> 'chat' then 0
            when response_piece < 0.85 then 1
            else 2
        end as bigint) as responses,
        cast(case
            when surface = 'search' then 2 + floor(images_piece * 6)
            when surface = 'feed' then 4 + floor(images_piece * 5)
            when surface = 'related_pins' then 4 + floor(images_piece * 4)
            else floor(images_piece * 4)
        end as bigint) as images,
        {%- for policy in policies %}
        share_{{ loop.index }},
        {%- endfor %}
        loss_piece < 0.004 as is_lost,
        case
            when loss_piece < 0.004 then null
            when copy_piece < 0.005 then 'duplicate'
            when copy_piece < 0.0053 then 'null_interaction_id'
            when copy_piece < 0.0056 then 'null_occurred_at'
            when copy_piece < 0.0059 then 'outside_period'
            when copy_piece < 0.0062 then 'null_surface'
        end as extra_row
    from shares

)

select * from final
