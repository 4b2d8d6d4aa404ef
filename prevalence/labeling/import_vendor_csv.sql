-- The outcome of each row of a vendor's decisions.csv. Temp tables: decisions (line_number and the columns as texts) and questions.
create or replace temp table read_answers as
select
    decisions.line_number,
    questions.custom_id,
    decisions.assignment_id,
    decisions.item_hash as shown_hash,
    questions.item_hash,
    questions.component_count,
    questions.rules,
    lower(trim(decisions.decision)) as decision,
    list_distinct(
        list_filter(list_transform(split(decisions.rule_ids, '|'), lambda text: trim(text)), lambda text: text <> '')
    ) as rule_ids,
    list_distinct(
        list_filter(list_transform(split(decisions.component_refs, '|'), lambda text: trim(text)), lambda text: text <> '')
    ) as component_refs,
    trim(decisions.confidence) as confidence,
    try_cast(trim(decisions.confidence) as double) as rating,
    trim(decisions.started_at) as started_text,
    trim(decisions.submitted_at) as submitted_text,
    try_cast(trim(decisions.started_at) as timestamptz) at time zone 'UTC' as started_at,
    try_cast(trim(decisions.submitted_at) as timestamptz) at time zone 'UTC' as submitted_at,
    trim(decisions.rater_code) as rater_code,
    decisions.is_whole
from decisions
left join questions
    on trim(decisions.assignment_id) = questions.assignment_id;

create or replace temp table classified as
select
    line_number,
    custom_id,
    assignment_id,
    case
        when not is_whole then 'unreadable_line'
        -- a row as it was sent: nobody has answered yet
        when decision = '' and rater_code = '' and submitted_text = '' then 'missing'
        when shown_hash is distinct from item_hash then 'stale_item'
        when decision = 'skipped' then 'skipped'
        when decision = '' then 'empty'
        when decision not in ('violating', 'non_violating', 'cannot_determine', 'escalate') then 'bad_value'
        when rater_code = '' then 'bad_value'
        when submitted_at is null or not isfinite(submitted_at) then 'bad_value'
        when submitted_at > getvariable('imported_at') + interval 1 day then 'bad_value'
        when started_text <> '' and coalesce(started_at > submitted_at or not isfinite(started_at), true) then 'bad_value'
        when decision = 'escalate' then 'escalated'
        when not coalesce(list_has_all(rules, rule_ids) and are_refs(component_refs, component_count), false) then 'bad_value'
        when confidence <> '' and coalesce(rating not in (1, 2, 3), true) then 'bad_value'
        when decision = 'violating' and len(rule_ids) = 0 then 'inconsistent'
        when decision <> 'violating' and len(rule_ids) + len(component_refs) > 0 then 'inconsistent'
        when decision = 'cannot_determine' then 'cannot_determine'
        else 'ok'
    end as outcome,
    decision,
    rule_ids,
    component_refs,
    case rating when 1 then 'low' when 2 then 'medium' when 3 then 'high' end as confidence,
    case when isfinite(started_at) then started_at end as started_at,
    case when isfinite(submitted_at) then submitted_at end as submitted_at,
    case
        when isfinite(started_at) and isfinite(submitted_at) then date_diff('second', started_at, submitted_at)
    end as lead_time_s,
    cast(null as bigint) as input_tokens,
    cast(null as bigint) as output_tokens,
    nullif(rater_code, '') as rater_code,
    cast(null as varchar) as model
from read_answers;
