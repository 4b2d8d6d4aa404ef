{{ config(materialized='table') }}

with

-- landed rows are counted from raw, by the time column of the source itself, apart from the classification;
-- components and logged draws have no time of their own and are counted where staging has placed them
landed_rows as (

    {% for source_name, time_column in [
        ('users', 'signed_up_at'), ('interactions', 'occurred_at'), ('risk_scores', 'scored_at')
    ] -%}
    select
        '{{ source_name }}' as source_name,
        cast({{ time_column }} as date) as row_date,
        'landed' as row_disposition,
        cast(null as string) as quarantine_reason,
        count(*) as row_count
    from {{ source('raw', source_name) }}
    group by cast({{ time_column }} as date)

    union all

    {% endfor -%}
    {% for source_name in ['components', 'logged_draws'] -%}
    select
        '{{ source_name }}' as source_name,
        row_date,
        'landed' as row_disposition,
        cast(null as string) as quarantine_reason,
        count(*) as row_count
    from {{ ref('stg_' ~ source_name ~ '_classified') }}
    group by row_date

    union all

    {% endfor -%}
    select
        'components' as source_name,
        row_date,
        'landed' as row_disposition,
        cast(null as string) as quarantine_reason,
        count(*) as row_count
    from {{ ref('stg_components_unplaced') }}
    group by row_date

),

disposed_rows as (

    {% for source_name, model_name in [
        ('users', 'stg_users_classified'),
        ('interactions', 'stg_interactions_classified'),
        ('interactions', 'stg_interactions_unplaced'),
        ('components', 'stg_components_classified'),
        ('components', 'stg_components_unplaced'),
        ('risk_scores', 'stg_risk_scores_classified'),
        ('logged_draws', 'stg_logged_draws_classified')
    ] -%}
    select
        '{{ source_name }}' as source_name,
        row_date,
        row_disposition,
        quarantine_reason,
        count(*) as row_count
    from {{ ref(model_name) }}
    group by row_date, row_disposition, quarantine_reason
    {% if not loop.last %}
    union all

    {% endif -%}
    {% endfor %}

),

counted_rows as (

    select
        source_name,
        row_date,
        row_disposition,
        quarantine_reason,
        row_count
    from landed_rows

    union all

    select
        source_name,
        row_date,
        row_disposition,
        quarantine_reason,
        row_count
    from disposed_rows

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
