-- The outcome of each annotation of a Label Studio export (JSON). Temp tables: lines (line_number, line: one task each, is_utf8) and
-- questions. The tool checks little of this itself: it takes choices and controls that its configuration has not, and second answers.
create or replace temp table readable_lines as
select
    line_number,
    case when is_utf8 and json_valid(line) then line end as document
from lines;

create or replace temp table documents as
select
    *,
    coalesce(json_type(document) = 'OBJECT', false) as is_readable
from readable_lines;

-- a task that nobody answered has no annotation, and is no line
create or replace temp table annotations as
select
    row_number() over (order by line_number, annotation_number) as line_number,
    line_number as task_number,
    is_readable,
    document,
    annotation
from (
    select
        line_number,
        is_readable,
        document,
        unnest(json_extract(document, '$.annotations[*]')) as annotation,
        generate_subscripts(json_extract(document, '$.annotations[*]'), 1) as annotation_number
    from documents
    where json_type(document, '$.annotations') = 'ARRAY'
    union all
    select
        line_number,
        is_readable,
        document,
        null as annotation,
        0 as annotation_number
    from documents
    where json_type(document, '$.annotations') is distinct from 'ARRAY'
);

create or replace temp table controls as
select
    line_number,
    json_extract_string(control, '$.from_name') as control_name,
    json_extract_string(control, '$.value.choices[*]') as choices,
    try_cast(json_extract_string(control, '$.value.rating') as double) as rating
from (
    select
        line_number,
        unnest(json_extract(annotation, '$.result[*]')) as control
    from annotations
    where json_type(annotation, '$.result') = 'ARRAY'
);

create or replace temp table control_values as
select
    line_number,
    bool_or(coalesce(control_name, '') not in ('decision', 'rule_id', 'component_refs', 'confidence', 'note')) as has_unknown,
    coalesce(flatten(list(choices) filter (where control_name = 'decision')), []) as decisions,
    list_distinct(coalesce(flatten(list(choices) filter (where control_name = 'rule_id')), [])) as rule_ids,
    list_distinct(coalesce(flatten(list(choices) filter (where control_name = 'component_refs')), [])) as component_refs,
    max(rating) filter (where control_name = 'confidence') as rating
from controls
group by line_number;

create or replace temp table read_answers as
select
    annotations.line_number,
    annotations.is_readable and json_type(annotations.annotation) is not distinct from 'OBJECT' as is_readable,
    questions.custom_id,
    json_extract_string(annotations.document, '$.data.assignment_id') as assignment_id,
    json_extract_string(annotations.document, '$.data.item_hash') as shown_hash,
    questions.item_hash,
    questions.component_count,
    questions.rules,
    coalesce(json_extract_string(annotations.annotation, '$.was_cancelled') = 'true', false) as was_cancelled,
    coalesce(
        json_extract_string(annotations.annotation, '$.completed_by.id'),
        json_extract_string(annotations.annotation, '$.completed_by')
    ) as completed_by,
    coalesce(
        json_extract_string(annotations.annotation, '$.updated_by.id'),
        json_extract_string(annotations.annotation, '$.updated_by')
    ) as updated_by,
    coalesce(control_values.has_unknown, false) as has_unknown,
    coalesce(control_values.decisions, []) as decisions,
    coalesce(control_values.rule_ids, []) as rule_ids,
    coalesce(control_values.component_refs, []) as component_refs,
    control_values.rating,
    try_cast(json_extract_string(annotations.annotation, '$.created_at') as timestamptz) at time zone 'UTC' as submitted_at,
    try_cast(json_extract_string(annotations.annotation, '$.lead_time') as double) as lead_time_s
from annotations
left join questions
    on json_extract_string(annotations.document, '$.data.assignment_id') = questions.assignment_id
left join control_values
    on annotations.line_number = control_values.line_number;

create or replace temp table classified as
select
    line_number,
    custom_id,
    assignment_id,
    case
        when not is_readable then 'unreadable_line'
        when was_cancelled then 'skipped'
        when has_unknown then 'unknown_control'
        when len(decisions) = 0 then 'empty'
        when len(decisions) > 1 then 'bad_value'
        when coalesce(decisions[1], '') not in ('violating', 'non_violating', 'cannot_determine', 'escalate') then 'bad_value'
        when updated_by <> completed_by then 'edited_by_other'
        when shown_hash is distinct from item_hash then 'stale_item'
        when decisions[1] = 'escalate' then 'escalated'
        when not coalesce(list_has_all(rules, rule_ids) and are_refs(component_refs, component_count), false) then 'bad_value'
        when rating is not null and rating not in (1, 2, 3) then 'bad_value'
        when decisions[1] = 'violating' and len(rule_ids) = 0 then 'inconsistent'
        when decisions[1] <> 'violating' and len(rule_ids) + len(component_refs) > 0 then 'inconsistent'
        when decisions[1] = 'cannot_determine' then 'cannot_determine'
        else 'ok'
    end as outcome,
    decisions[1] as decision,
    rule_ids,
    component_refs,
    case cast(rating as integer) when 1 then 'low' when 2 then 'medium' when 3 then 'high' end as confidence,
    case
        when lead_time_s between 0 and 864000 then submitted_at - to_microseconds(cast(lead_time_s * 1000000 as bigint))
    end as started_at,
    submitted_at,
    lead_time_s,
    cast(null as bigint) as input_tokens,
    cast(null as bigint) as output_tokens,
    -- whom a project was made for; what the tool says about itself is a claim
    cast(null as varchar) as rater_code,
    cast(null as varchar) as model
from read_answers;
