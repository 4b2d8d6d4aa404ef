{{ config(enabled=var('demo_world', false), materialized='table', schema='demo_world') }}

{%- set size = prevalence._world_size() %}
{%- set people = size.users_per_world * size.worlds %}

with

numbered_people as (

    select
        people.person_number,
        cast(people.person_number as string) as person_key
    from range({{ people }}) as people (person_number)

),

hashed_people as (

    select
        person_number,
        {{ prevalence._world_hex('person_key', 'person') }} as person_hex,
        {{ prevalence._world_unit('person_key', 'account') }} as account_unit,
        {{ prevalence._world_unit('person_key', 'taste') }} as taste_unit,
        {{ prevalence._world_unit('person_key', 'habit') }} as habit_unit
    from numbered_people

),

drawn_people as (

    select
        person_number,
        person_hex,
        {{ prevalence._world_piece('account_unit', 0) }} as country_piece,
        {{ prevalence._world_piece('account_unit', 1) }} as sign_up_piece,
        {{ prevalence._world_piece('account_unit', 2) }} as age_piece,
        {{ prevalence._world_piece('account_unit', 3) }} as log_piece,
        {%- for policy in prevalence._world_policies() %}
        {{ prevalence._world_piece('taste_unit', loop.index0) }} as taste_piece_{{ loop.index }},
        {%- endfor %}
        {{ prevalence._world_piece('habit_unit', 0) }} as appetite_piece,
        {{ prevalence._world_piece('habit_unit', 1) }} as experiment_piece
    from hashed_people

),

final as (

    select
        cast(person_number as bigint) as person_number,
        'u' || substr(person_hex, 1, 16) as user_id,
        case
            when country_piece < 0.34 then 'US'
            when country_piece < 0.54 then 'IN'
            when country_piece < 0.70 then 'BR'
            when country_piece < 0.82 then 'DE'
            when country_piece < 0.92 then 'GB'
            else 'JP'
        end as country,
        {{ prevalence._add_seconds(
            "cast('" ~ var('demo_world_start_date') ~ "' as timestamp)",
            '-cast(floor(sign_up_piece * 69120000) as bigint) - 5184000'
        ) }} as signed_up_at,
        case
            when age_piece < 0.20 then null
            when age_piece < 0.45 then '18_24'
            when age_piece < 0.70 then '25_34'
            when age_piece < 0.88 then '35_49'
            else '50_or_more'
        end as age_band,
        -- An appetite for whatever is borderline, and a taste for each policy's: most people are below the average, a
        -- few many times above it. 1/u has such a tail; the caps keep it finite.
        {%- for policy in prevalence._world_policies() %}
        (0.25 + least(cast(12 as double), cast(0.12 as double) / (appetite_piece + cast(1e-4 as double))))
        * (0.3 + least(
            cast(12 as double), cast(0.12 as double) / (taste_piece_{{ loop.index }} + cast(1e-4 as double))
        )) as taste_{{ loop.index }},
        {%- endfor %}
        case when experiment_piece < 0.3 then 'ranking_7' end as experiment_id,
        case
            when experiment_piece < 0.15 then 'control'
            when experiment_piece < 0.3 then 'treatment'
        end as experiment_arm,
        case
            when log_piece < 0.003 then 'duplicate'
            when log_piece < 0.0035 then 'null_user_id'
            when log_piece < 0.004 then 'null_country'
        end as extra_row
    from drawn_people

)

select * from final
