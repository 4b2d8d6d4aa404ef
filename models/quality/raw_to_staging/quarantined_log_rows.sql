{{ config(materialized='table') }}

{%- set sources = [
    {
        'name': 'users',
        'models': ['stg_users_classified'],
        'key': ['user_id'],
        'columns': ['user_id', 'country', 'signed_up_at', 'age_band'],
        'doubles': [],
    },
    {
        'name': 'interactions',
        'models': ['stg_interactions_classified', 'stg_interactions_unplaced'],
        'key': ['interaction_id'],
        'columns': [
            'interaction_id', 'surface', 'occurred_at', 'user_id', 'session_id', 'country', 'received_at',
            'client_stream_id', 'client_sequence', 'app_version', 'experiment_id', 'experiment_arm',
        ],
        'doubles': [],
    },
    {
        'name': 'components',
        'models': ['stg_components_classified', 'stg_components_unplaced'],
        'key': ['interaction_id', 'position'],
        'columns': [
            'interaction_id', 'position', 'component_type', 'content_id', 'text', 'uri', 'media_hash', 'was_viewed',
        ],
        'doubles': [],
    },
    {
        'name': 'risk_scores',
        'models': ['stg_risk_scores_classified'],
        'key': ['content_id', 'policy_id', 'model_version'],
        'columns': ['content_id', 'policy_id', 'model_version', 'score', 'scored_at'],
        'doubles': ['score'],
    },
    {
        'name': 'logged_draws',
        'models': ['stg_logged_draws_classified', 'stg_logged_draws_unplaced'],
        'key': ['plan_id', 'interaction_id'],
        'columns': ['plan_id', 'interaction_id', 'inclusion_probability'],
        'doubles': ['inclusion_probability'],
    },
] %}

with

-- rows of days that are not measured have nothing to mend and can be most of a log: they are counted, not listed
quarantined_rows as (
    {% for source in sources %}{% set source_loop = loop %}{% for model in source.models %}
    select
        '{{ source.name }}' as source_name,
        coalesce(cast(row_date as string), 'undated') as row_day,
        quarantine_reason,
        {% for column in source.key %}{{ "|| '|' || " if not loop.first }}coalesce(cast({{ column }} as string), 'null')
        {% endfor %} as row_key,
        {{ prevalence._json_object(source.columns, source.doubles) }} as row_json
    from {{ ref(model) }}
    where row_disposition = 'quarantined' and quarantine_reason <> 'outside_period'
    {% if not (loop.last and source_loop.last) %}
    union all
    {% endif -%}
    {% endfor %}{% endfor %}
),

final as (

    select
        source_name,
        row_day,
        quarantine_reason,
        row_key,
        row_json,
        -- rows that are equal in every column are told apart by their number only
        cast(
            row_number() over (
                partition by source_name, row_day, quarantine_reason, row_json
                order by row_key asc
            ) as bigint
        ) as copy_number
    from quarantined_rows

)

select * from final
