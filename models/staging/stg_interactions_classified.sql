{{ prevalence._daily('occurred_at', day='row_date') }}

with

-- `render()` keeps dbt from cutting the source to the batch's day a second time.
interactions as {{ prevalence._inlined() }} (

    select *
    from {{ source('raw', 'interactions').render() }}
    where
        occurred_at >= {{ prevalence._batch_start() }}
        and occurred_at < {{ prevalence._batch_end() }}

),

repeated_interactions as (

    select *
    from {{ ref('stg_interactions_repeated') }}

),

checked_rows as {{ prevalence._inlined() }} (

    select
        *,
        cast(occurred_at as date) as row_date,
        case
            when {{ prevalence._is_missing('interaction_id') }} then 'missing_interaction_id'
            when surface is null then 'missing_surface'
        end as quarantine_reason
    from interactions

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

-- the first of a day's copies is still one when the event is known from an earlier day
compared_rows as (

    select
        ranked_rows.*,
        ranked_rows.row_rank > 1
        or coalesce(repeated_interactions.first_date < ranked_rows.row_date, false) as is_copy
    from ranked_rows
    left join repeated_interactions
        on ranked_rows.interaction_id = repeated_interactions.interaction_id

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
                received_at > {{ prevalence._day_plus_hours('row_date', 24 + var('late_after_hours')) }}
                then 'late'
            else 'used'
        end as row_disposition,
        quarantine_reason is null and not is_copy as is_used,
        quarantine_reason
    from compared_rows

)

select * from final
