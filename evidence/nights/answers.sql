-- Answers of simulated labelers to what is open in the attached warehouse: experts read a text's markers right, the judge misses a fifth of what
-- breaks a policy and calls a twentieth of the rest violating. Variables: `night` (date of the answers), `pool`, `judge`.
create or replace temp table night_answers as
with asked as (
    select
        open_assignments.*,
        items.components,
        items.components like '%' || open_assignments.policy_id || '%' as breaks,
        md5_number_lower(open_assignments.item_hash || open_assignments.policy_id || getvariable('judge')) % 100 as luck
    from warehouse.labels.open_assignments as open_assignments
    inner join (select distinct item_id, components from warehouse.labels.label_items) as items
        on open_assignments.item_id = items.item_id
    where open_assignments.pool = getvariable('pool')
),

judged as (
    select
        *,
        case
            when pool <> 'llm' then breaks
            when breaks then luck >= 20
            else luck < 5
        end as is_violating
    from asked
)

select
    'answer_' || md5(assignment_id) as label_event_id,
    assignment_id,
    item_id,
    item_hash,
    policy_id,
    policy_version,
    label_protocol_id,
    case pool when 'llm' then 'llm' else 'human' end as source,
    case when pool <> 'llm' then pool || '_' || slot end as rater_id,
    case when pool = 'llm' then getvariable('judge') end as judge_id,
    pool,
    cast(null as varchar) as vendor,
    case when is_violating then 'violating' else 'non_violating' end as decision,
    cast(null as varchar) as rule_ids,
    cast(null as varchar) as component_refs,
    cast(null as varchar) as confidence_raw,
    'ok' as outcome,
    cast(null as timestamp) as started_at,
    cast(getvariable('night') as timestamp) + interval 6 hour as submitted_at,
    cast(null as double) as lead_time_s,
    cast(null as bigint) as cost_minor_units,
    cast(null as varchar) as currency,
    cast(null as varchar) as ingest_file_sha256,
    cast(null as varchar) as supersedes_event_id
from judged
order by assignment_id;
