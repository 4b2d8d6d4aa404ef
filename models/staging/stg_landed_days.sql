{{ config(materialized='table', event_time='unit_date') }}

{%- set columns = {
    'interactions': [
        'interaction_id', 'surface', 'occurred_at', 'user_id', 'session_id', 'country', 'received_at',
        'client_stream_id', 'client_sequence', 'app_version', 'experiment_id', 'experiment_arm',
    ],
    'components': [
        'interaction_id', 'position', 'component_type', 'content_id', 'text', 'uri', 'media_hash', 'was_viewed',
    ],
    'logged_draws': ['plan_id', 'interaction_id', 'inclusion_probability'],
} %}

with

interactions as {{ prevalence._inlined() }} (

    select
        *,
        {{ prevalence._day_of('occurred_at') }} as unit_date
    from {{ source('raw', 'interactions') }}
    where occurred_at is not null

),

components as {{ prevalence._inlined() }} (

    select *
    from {{ source('raw', 'components') }}

),

logged_draws as (

    select *
    from {{ source('raw', 'logged_draws') }}

),

-- what each day was taken in from; through a source, because staging is built after this
staged_days as (

    select *
    from {{ source('earlier_days', 'stg_staged_days') }}

),

-- components and logged draws have no time of their own: they come and go with the days of their interaction
interaction_days as (

    select
        interaction_id,
        unit_date
    from interactions
    where not {{ prevalence._is_missing('interaction_id') }}
    group by interaction_id, unit_date

),

interactions_of_days as (

    select
        interactions.unit_date,
        count(*) as row_count,
        cast(count(*) as string) || '-'
        || {{ prevalence._row_hash_sum(columns['interactions'], 'interactions') }} as fingerprint
    from interactions
    group by interactions.unit_date

),

components_of_days as (

    select
        interaction_days.unit_date,
        cast(count(*) as string) || '-'
        || {{ prevalence._row_hash_sum(columns['components'], 'components') }} as fingerprint
    from components
    inner join interaction_days
        on components.interaction_id = interaction_days.interaction_id
    group by interaction_days.unit_date

),

logged_draws_of_days as (

    select
        interaction_days.unit_date,
        cast(count(*) as string) || '-'
        || {{ prevalence._row_hash_sum(columns['logged_draws'], 'logged_draws') }} as fingerprint
    from logged_draws
    inner join interaction_days
        on logged_draws.interaction_id = interaction_days.interaction_id
    group by interaction_days.unit_date

),

landed_days as (

    select
        interactions_of_days.unit_date,
        interactions_of_days.row_count,
        interactions_of_days.fingerprint
        || '|' || coalesce(components_of_days.fingerprint, '0')
        || '|' || coalesce(logged_draws_of_days.fingerprint, '0')
        {%- if not prevalence._has_days_of_utc() %}
        || {{ prevalence._zone_mark('interactions_of_days.unit_date') }}
        {%- endif %} as fingerprint
    from interactions_of_days
    left join components_of_days
        on interactions_of_days.unit_date = components_of_days.unit_date
    left join logged_draws_of_days
        on interactions_of_days.unit_date = logged_draws_of_days.unit_date

),

-- of a day that is as it was, what is said below is known
changed_days as (

    select landed_days.unit_date
    from landed_days
    left join staged_days
        on landed_days.unit_date = staged_days.unit_date
    where coalesce(landed_days.fingerprint <> staged_days.fingerprint, true)

),

counted_interactions as (

    select
        interactions.unit_date,
        count(distinct interactions.interaction_id) as interaction_count
    from interactions
    inner join changed_days
        on interactions.unit_date = changed_days.unit_date
    where
        not {{ prevalence._is_missing('interactions.interaction_id') }}
        and interactions.surface is not null
    group by interactions.unit_date

),

counted_components as (

    select
        interaction_days.unit_date,
        count(
            distinct components.interaction_id || '|' || cast(components.position as string)
        ) as component_count
    from components
    inner join interaction_days
        on components.interaction_id = interaction_days.interaction_id
    inner join changed_days
        on interaction_days.unit_date = changed_days.unit_date
    group by interaction_days.unit_date

),

compared_days as (

    select
        coalesce(landed_days.unit_date, staged_days.unit_date) as unit_date,
        coalesce(landed_days.row_count, 0) as interaction_rows,
        landed_days.fingerprint,
        landed_days.unit_date is null as is_gone,
        changed_days.unit_date is not null as is_changed,
        case
            when changed_days.unit_date is not null then coalesce(counted_interactions.interaction_count, 0)
            when landed_days.unit_date is not null then staged_days.interactions
            else 0
        end as interactions,
        case
            when changed_days.unit_date is not null then coalesce(counted_components.component_count, 0)
            when landed_days.unit_date is not null then staged_days.components
            else 0
        end as components,
        coalesce(staged_days.interactions, 0) as staged_interactions,
        coalesce(staged_days.components, 0) as staged_components
    from landed_days
    full outer join staged_days
        on landed_days.unit_date = staged_days.unit_date
    left join changed_days
        on landed_days.unit_date = changed_days.unit_date
    left join counted_interactions
        on landed_days.unit_date = counted_interactions.unit_date
    left join counted_components
        on landed_days.unit_date = counted_components.unit_date

),

-- logs age out by files, by rows and by tables: a day that has less than was measured of it is not measured again
judged_days as (

    select
        *,
        case
            when is_gone then 'gone'
            when is_changed and (interactions < staged_interactions or components < staged_components) then 'shrunk'
            else 'landed'
        end as log_state
    from compared_days

),

final as (

    select
        unit_date,
        cast(interaction_rows as bigint) as interaction_rows,
        cast(interactions as bigint) as interactions,
        cast(components as bigint) as components,
        fingerprint,
        log_state,
        log_state <> 'landed' as is_kept
    from judged_days

)

select * from final
