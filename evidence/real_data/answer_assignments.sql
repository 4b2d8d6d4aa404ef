-- Answers to the assignments that are open in the attached warehouse, as label events. Needs the temp table
-- source_answers (unit_key, policy_id, pool, slot, label, component_refs), which each set's answers.sql makes: that is the
-- part to write for one's own labels. Variable: answers (the file to write).
create or replace temp table open_assignments as
with assignments as (
    select
        assignment_id,
        item_id,
        item_hash,
        unit_key,
        policy_id,
        policy_version,
        pool,
        slot,
        sample_date,
        label_protocol_id
    from warehouse.labels.label_assignments
    union all
    select
        assignment_id,
        item_id,
        item_hash,
        unit_key,
        policy_id,
        policy_version,
        pool,
        slot,
        sample_date,
        label_protocol_id
    from warehouse.labels.label_audit_assignments
)

select assignments.*
from assignments
inner join (select distinct pool from source_answers) as labelers
    on assignments.pool = labelers.pool
left join warehouse.raw.label_events as events
    on assignments.assignment_id = events.assignment_id
where events.assignment_id is null;

-- Every open assignment of a pool that answers at all gets a row. One that nobody answered says so.
copy (
    select
        'answer_' || md5(open_assignments.assignment_id) as label_event_id,
        open_assignments.assignment_id,
        open_assignments.item_id,
        open_assignments.item_hash,
        open_assignments.policy_id,
        open_assignments.policy_version,
        open_assignments.label_protocol_id,
        case open_assignments.pool when 'llm' then 'llm' else 'human' end as source,
        case
            when open_assignments.pool <> 'llm'
                then open_assignments.pool || '_' || open_assignments.slot
        end as rater_id,
        case when open_assignments.pool = 'llm' then 'published_judge' end as judge_id,
        open_assignments.pool,
        cast(null as varchar) as vendor,
        case source_answers.label
            when 'violating' then 'violating'
            when 'non_violating' then 'non_violating'
            when 'unsure' then 'cannot_determine'
        end as decision,
        cast(null as varchar) as rule_ids,
        case
            when source_answers.label = 'violating' then source_answers.component_refs
        end as component_refs,
        cast(null as varchar) as confidence_raw,
        case
            when source_answers.label in ('violating', 'non_violating') then 'ok'
            when source_answers.label = 'unsure' then 'cannot_determine'
            when source_answers.label = 'invalid' then 'schema_invalid'
            else 'missing'
        end as outcome,
        cast(null as timestamp) as started_at,
        cast(open_assignments.sample_date as timestamp) + interval 1 day as submitted_at,
        cast(null as double) as lead_time_s,
        cast(null as bigint) as cost_minor_units,
        cast(null as varchar) as currency,
        cast(null as varchar) as ingest_file_sha256,
        cast(null as varchar) as supersedes_event_id
    from open_assignments
    left join source_answers
        on
            open_assignments.unit_key = source_answers.unit_key
            and open_assignments.policy_id = source_answers.policy_id
            and open_assignments.pool = source_answers.pool
            and open_assignments.slot = source_answers.slot
    order by open_assignments.assignment_id
) to (getvariable('answers')) (format parquet);
