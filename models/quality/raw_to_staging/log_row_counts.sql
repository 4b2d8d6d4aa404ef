{{ config(materialized='table') }}

with

measured_days as (

    select *
    from {{ ref('stg_measured_days') }}
    where is_staged

),

staged_days as (

    select *
    from {{ ref('stg_staged_days') }}

),

day_counts as (

    select *
    from {{ ref('log_day_counts') }}

),

landed_interactions as (

    select
        {{ prevalence._day_of('occurred_at') }} as row_date,
        count(*) as row_count
    from {{ source('raw', 'interactions') }}
    group by {{ prevalence._day_of('occurred_at') }}

),

-- Landed rows are counted from raw, by the time column of the source itself, apart from the classification; of a day
-- that stays as it was measured, as they were counted then. Components and logged draws have no time of their own and
-- are counted where staging has placed them.
landed_rows as (

    {% for source_name, time_column in [('users', 'signed_up_at'), ('risk_scores', 'scored_at')] -%}
    select
        '{{ source_name }}' as source_name,
        {{ prevalence._day_of(time_column) }} as row_date,
        'landed' as row_disposition,
        cast(null as string) as quarantine_reason,
        count(*) as row_count
    from {{ source('raw', source_name) }}
    group by {{ prevalence._day_of(time_column) }}

    union all

    {% endfor -%}
    select
        'interactions' as source_name,
        landed_interactions.row_date,
        'landed' as row_disposition,
        cast(null as string) as quarantine_reason,
        landed_interactions.row_count
    from landed_interactions
    left join measured_days
        on landed_interactions.row_date = measured_days.unit_date
    where coalesce(measured_days.has_logs, true)

    union all

    select
        'interactions' as source_name,
        staged_days.unit_date as row_date,
        'landed' as row_disposition,
        cast(null as string) as quarantine_reason,
        staged_days.interaction_rows as row_count
    from staged_days
    inner join measured_days
        on staged_days.unit_date = measured_days.unit_date
    where not measured_days.has_logs

    {% for source_name in ['components', 'logged_draws'] %}
    union all

    select
        '{{ source_name }}' as source_name,
        row_date,
        'landed' as row_disposition,
        cast(null as string) as quarantine_reason,
        row_count
    from day_counts
    where source_name = '{{ source_name }}'

    union all

    select
        '{{ source_name }}' as source_name,
        row_date,
        'landed' as row_disposition,
        cast(null as string) as quarantine_reason,
        count(*) as row_count
    from {{ ref('stg_' ~ source_name ~ '_unplaced') }}
    where row_disposition <> 'kept'
    group by row_date
    {% endfor %}
),

disposed_rows as (

    select
        source_name,
        row_date,
        row_disposition,
        quarantine_reason,
        row_count
    from day_counts

    {% for source_name, model_name in [
        ('users', 'stg_users_classified'),
        ('risk_scores', 'stg_risk_scores_classified'),
    ] %}
    union all

    select
        '{{ source_name }}' as source_name,
        row_date,
        row_disposition,
        case when is_exported_again then 'exported_again' else quarantine_reason end as quarantine_reason,
        count(*) as row_count
    from {{ ref(model_name) }}
    group by
        row_date, row_disposition,
        case when is_exported_again then 'exported_again' else quarantine_reason end
    {% endfor %}

    {% for source_name, model_name in [
        ('interactions', 'stg_interactions_unplaced'),
        ('components', 'stg_components_unplaced'),
        ('logged_draws', 'stg_logged_draws_unplaced')
    ] %}
    union all

    select
        '{{ source_name }}' as source_name,
        row_date,
        row_disposition,
        quarantine_reason,
        count(*) as row_count
    from {{ ref(model_name) }}
    group by row_date, row_disposition, quarantine_reason
    {% endfor %}
),

counted_rows as (

    select * from landed_rows
    union all
    select * from disposed_rows

),

final as (

    select
        source_name,
        coalesce(cast(row_date as string), 'undated') as row_day,
        row_disposition,
        coalesce(quarantine_reason, 'none') as quarantine_reason,
        cast(sum(row_count) as bigint) as row_count
    from counted_rows
    group by
        source_name, coalesce(cast(row_date as string), 'undated'), row_disposition,
        coalesce(quarantine_reason, 'none')

)

select * from final
