-- The outcome of each line of a batch's output. Temp tables: lines (line_number, line, is_utf8) and questions. Every step is a table of
-- its own, so that nothing is taken out of a text before it is known to be JSON.
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

create or replace temp table responses as
select
    line_number,
    is_readable,
    json_extract_string(document, '$.custom_id') as custom_id,
    try_cast(json_extract_string(document, '$.response.status_code') as integer) as status,
    json_type(document, '$.response.body') as body_type,
    coalesce(
        json_extract_string(document, '$.response.body.error.code'),
        json_extract_string(document, '$.error.code'),
        json_extract_string(document, '$.error.error.code'),
        json_extract_string(document, '$.error.error.type')
    ) as error_code,
    json_extract_string(document, '$.response.body.choices[0].finish_reason') as finish_reason,
    nullif(json_extract_string(document, '$.response.body.choices[0].message.refusal'), '') as refusal,
    json_extract_string(document, '$.response.body.model') as model,
    trim(
        case json_type(document, '$.response.body.choices[0].message.content')
            when 'VARCHAR' then json_extract_string(document, '$.response.body.choices[0].message.content')
            when 'ARRAY' then json_extract_string(document, '$.response.body.choices[0].message.content[0].text')
        end, ' ' || chr(9) || chr(10) || chr(13)
    ) as content,
    try_cast(json_extract_string(document, '$.response.body.usage.prompt_tokens') as bigint) as input_tokens,
    try_cast(json_extract_string(document, '$.response.body.usage.completion_tokens') as bigint) as output_tokens,
    to_timestamp(
        case
            when try_cast(json_extract_string(document, '$.response.body.created') as bigint) between 1 and 32503680000
                then try_cast(json_extract_string(document, '$.response.body.created') as bigint)
        end
    ) at time zone 'UTC' as created_at,
    try_cast(json_extract_string(document, '$.at') as timestamptz) at time zone 'UTC' as answered_at,
    try_cast(json_extract_string(document, '$.seconds') as double) as lead_time_s
from documents;

-- chat models like to put a fence around JSON: one is taken off, and nothing else is mended
create or replace temp table contents as
select
    *,
    case
        when regexp_matches(content, '^```[A-Za-z]*[ \t\r]*\n.*\n[ \t]*```$', 's')
            then regexp_extract(content, '^```[A-Za-z]*[ \t\r]*\n(.*)\n[ \t]*```$', 1, 's')
        else content
    end as bare_content
from responses;

create or replace temp table json_contents as
select
    * exclude (bare_content),
    case when json_valid(bare_content) then bare_content end as answer
from contents;

create or replace temp table answers as
select
    json_contents.*,
    questions.assignment_id,
    questions.component_count,
    questions.rules
from json_contents
left join questions
    on json_contents.custom_id = questions.custom_id;

create or replace temp table read_answers as
select
    *,
    json_extract_string(answer, '$.decision') as decision,
    json_extract_string(answer, '$.confidence') as confidence,
    json_extract_string(answer, '$.needs_escalation') as needs_escalation,
    list_distinct(case when json_type(answer, '$.rule_ids') = 'ARRAY' then json_extract_string(answer, '$.rule_ids[*]') end) as rule_ids,
    list_distinct(
        case when json_type(answer, '$.component_refs') = 'ARRAY' then json_extract_string(answer, '$.component_refs[*]') end
    ) as component_refs,
    coalesce(
        json_type(answer, '$.decision') = 'VARCHAR'
        and json_type(answer, '$.confidence') = 'VARCHAR'
        and json_type(answer, '$.rationale') = 'VARCHAR'
        and json_type(answer, '$.needs_escalation') = 'BOOLEAN'
        and json_type(answer, '$.instruction_like_content') = 'BOOLEAN'
        and json_type(answer, '$.rule_ids') = 'ARRAY'
        and json_type(answer, '$.component_refs') = 'ARRAY'
        and json_type(answer) = 'OBJECT'
        and len(json_keys(answer)) = 7
        and len(list_filter(json_extract(answer, '$.rule_ids[*]'), lambda element: json_type(element) <> 'VARCHAR')) = 0
        and len(list_filter(json_extract(answer, '$.component_refs[*]'), lambda element: json_type(element) <> 'VARCHAR')) = 0,
        false
    ) as has_the_keys
from answers;

create or replace temp table classified as
select
    line_number,
    custom_id,
    assignment_id,
    case
        when not is_readable then 'unreadable_line'
        when status is null and error_code = 'batch_expired' then 'expired'
        when status is null and error_code in ('timeout', 'connection_error', 'answer_too_large') then 'retryable_error'
        when coalesce(status, 0) <> 200 and error_code in ('content_filter', 'content_policy_violation') then 'provider_filter'
        when coalesce(status, 0) in (408, 409, 425, 429) or coalesce(status, 0) >= 500 then 'retryable_error'
        when coalesce(status, 0) <> 200 then 'request_error'
        when finish_reason = 'content_filter' then 'provider_filter'
        when refusal is not null then 'refusal'
        when finish_reason = 'length' then 'truncated'
        when body_type is distinct from 'OBJECT' then 'malformed_json'
        when coalesce(content, '') = '' then 'empty'
        when answer is null then 'malformed_json'
        when not has_the_keys then 'schema_invalid'
        when decision not in ('violating', 'non_violating', 'cannot_determine') then 'schema_invalid'
        when confidence not in ('low', 'medium', 'high') then 'schema_invalid'
        when not list_has_all(rules, rule_ids) then 'schema_invalid'
        when not coalesce(are_refs(component_refs, component_count), false) then 'schema_invalid'
        when needs_escalation = 'true' then 'escalated'
        when decision = 'violating' and len(rule_ids) = 0 then 'inconsistent'
        when decision <> 'violating' and len(rule_ids) + len(component_refs) > 0 then 'inconsistent'
        when decision = 'cannot_determine' then 'cannot_determine'
        else 'ok'
    end as outcome,
    decision,
    rule_ids,
    component_refs,
    confidence,
    cast(null as timestamp) as started_at,
    coalesce(created_at, answered_at) as submitted_at,
    lead_time_s,
    input_tokens,
    output_tokens,
    cast(null as varchar) as rater_code,
    model
from read_answers;
