{{ config(materialized='table') }}

with

-- landed rows are counted from raw, by the time column of the source itself, apart from the classification;
-- components and logged draws have no time of their own and are counted where staging has placed them
landed_rows as (

    {% for source_name, row_date, relation in [
        ('users', 'cast(signed_up_at as date)', source('raw', 'users')),
        ('interactions', 'cast(occurred_at as date)', source('raw', 'interactions')),
        ('risk_scores', 'cast(scored_at as date)', source('raw', 'risk_scores')),
        ('components', 'row_date', ref('stg_components_classified')),
        ('components', 'row_date', ref('stg_components_unplaced')),
        ('logged_draws', 'row_date', ref('stg_logged_draws_classified')),
    ] -%}
    select
        '{{ source_name }}' as source_name,
        {{ row_date }} as row_date,
        'landed' as row_disposition,
        cast(null as string) as quarantine_reason,
        count(*) as row_count
    from {{ relation }}
    group by {{ row_date }}
    {% if not loop.last %}
    union all

    {% endif -%}
    {% endfor %}

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
