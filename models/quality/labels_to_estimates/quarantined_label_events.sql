{{ config(materialized='table') }}

{%- set columns = [
    'label_event_id', 'assignment_id', 'item_id', 'item_hash', 'policy_id', 'policy_version', 'label_protocol_id',
    'source', 'rater_id', 'judge_id', 'pool', 'vendor', 'decision', 'rule_ids', 'component_refs', 'confidence_raw',
    'outcome', 'started_at', 'submitted_at', 'lead_time_s', 'cost_minor_units', 'currency', 'ingest_file_sha256',
    'supersedes_event_id'
] %}

with

quarantined_rows as (

    select
        coalesce(cast(row_date as string), 'undated') as row_day,
        quarantine_reason,
        coalesce(label_event_id, 'null') as row_key,
        {{ prevalence._json_object(columns, doubles=['lead_time_s']) }} as row_json
    from {{ ref('stg_label_events_classified') }}
    where row_disposition = 'quarantined'

),

final as (

    select
        'label_events' as source_name,
        row_day,
        quarantine_reason,
        row_key,
        row_json,
        -- rows that are equal in every column are told apart by their number only
        cast(
            row_number() over (
                partition by row_day, quarantine_reason, row_json
                order by row_key asc
            ) as bigint
        ) as copy_number
    from quarantined_rows

)

select * from final
