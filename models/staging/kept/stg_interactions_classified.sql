{{ prevalence._daily('row_date', keeps_days=true) }}

with

open_days as (

    select unit_date
    from {{ ref('stg_landed_days') }}
    where not is_kept

),

-- `render()` keeps dbt from cutting the source to the batch's day a second time.
interactions as {{ prevalence._inlined() }} (

    select interactions.*
    from {{ source('raw', 'interactions').render() }} as interactions
    inner join open_days
        on {{ prevalence._day_of('interactions.occurred_at') }} = open_days.unit_date
    where
        {{ prevalence._is_from_day('interactions.occurred_at', prevalence._batch_start()) }}
        and {{ prevalence._is_before_day('interactions.occurred_at', prevalence._batch_end()) }}

),

checked_rows as {{ prevalence._inlined() }} (

    select
        *,
        {{ prevalence._day_of('occurred_at') }} as row_date,
        case
            when {{ prevalence._is_missing('interaction_id') }} then 'missing_interaction_id'
            when surface is null then 'missing_surface'
        end as quarantine_reason
    from interactions

),

checked_ids as (

    select distinct interaction_id
    from checked_rows
    where quarantine_reason is null

),

-- what this model has taken in on other days stays, whether its logs are there any more or not
taken_rows as (

    {% if flags.INTROSPECT and is_incremental() -%}
    select
        interaction_id,
        row_date
    from {{ this }}
    where
        is_used = true
        and row_date >= cast({{ prevalence._batch_start() }} - interval '{{ var("deduplication_days") }}' day as date)
        and row_date < cast({{ prevalence._batch_end() }} + interval '{{ var("deduplication_days") }}' day as date)
        and (
            row_date < cast({{ prevalence._batch_start() }} as date)
            or row_date >= cast({{ prevalence._batch_end() }} as date)
        )
    {%- else -%}
    select
        cast(null as string) as interaction_id,
        cast(null as date) as row_date
    where 1 = 0
    {%- endif %}

),

taken_days as (

    select distinct row_date
    from taken_rows

),

-- a day that is landed and not measured had the event, too, when it came before this one
earlier_rows as {{ prevalence._inlined() }} (

    select
        interaction_id,
        {{ prevalence._day_of('occurred_at') }} as row_date
    from {{ source('raw', 'interactions').render() }}
    where
        surface is not null
        and {{ prevalence._is_from_day(
            'occurred_at', prevalence._batch_start() ~ " - interval '" ~ var('deduplication_days') ~ "' day"
        ) }}
        and {{ prevalence._is_before_day('occurred_at', prevalence._batch_start()) }}

),

-- An event belongs to the day that took it in first, and to the earliest of days that are built one after the other. So
-- a day that is built again comes out as it was, and nothing that was drawn moves to a day that was landed later.
known_ids as (

    select checked_ids.interaction_id
    from checked_ids
    inner join taken_rows
        on checked_ids.interaction_id = taken_rows.interaction_id

    union

    select checked_ids.interaction_id
    from checked_ids
    inner join earlier_rows
        on checked_ids.interaction_id = earlier_rows.interaction_id
    left join taken_days
        on earlier_rows.row_date = taken_days.row_date
    where taken_days.row_date is null

),

-- every column takes part in the order, so that only rows equal in all of them can tie
ranked_rows as (

    {{ prevalence._ranked_copies(
        'checked_rows',
        key=['interaction_id'],
        part='case when quarantine_reason is null then 1 else 0 end',
        order_by='occurred_at asc, received_at asc nulls last, surface asc nulls last, user_id asc nulls last, '
            ~ 'session_id asc nulls last, country asc nulls last, client_stream_id asc nulls last, '
            ~ 'client_sequence asc nulls last, app_version asc nulls last, experiment_id asc nulls last, '
            ~ 'experiment_arm asc nulls last'
    ) | indent(4) }}

),

-- the first of a day's copies is still one when the event is known from another day
compared_rows as (

    select
        ranked_rows.*,
        ranked_rows.row_rank > 1
        or known_ids.interaction_id is not null as is_copy
    from ranked_rows
    left join known_ids
        on ranked_rows.interaction_id = known_ids.interaction_id

),

final as (

    select
        interaction_id,
        surface,
        occurred_at,
        user_id,
        session_id,
        country,
        received_at,
        client_stream_id,
        client_sequence,
        app_version,
        experiment_id,
        experiment_arm,
        row_date,
        case
            when quarantine_reason is not null then 'quarantined'
            when is_copy then 'duplicate'
            when
                {{ prevalence._is_after_day(
                    'received_at', 'row_date', var('late_after_hours'), strictly=true
                ) }}
                then 'late'
            else 'used'
        end as row_disposition,
        quarantine_reason is null and not is_copy as is_used,
        quarantine_reason
    from compared_rows

)

select * from final
