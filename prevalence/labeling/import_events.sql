-- What becomes of each line: an answer to its question, a question to ask again, or a line that is left over and counted. Temp tables:
-- classified, questions, earlier_answers (assignment_id, is_ok: of other files). Variables: file_sha256, imported_at, is_closing,
-- most_replicates, input_price and output_price (of a million tokens, in minor units), currency.
create or replace temp table placed as
with ranked as (
    select
        classified.* exclude (assignment_id),
        classified.assignment_id as named_assignment_id,
        questions.* exclude (custom_id),
        questions.custom_id is not null as is_asked,
        earlier_answers.assignment_id is not null as was_answered,
        coalesce(earlier_answers.is_ok, false) as was_ok,
        -- the first usable answer counts, never the average; without one the first says why
        row_number() over (
            partition by classified.custom_id
            order by
                classified.outcome = 'missing' asc,
                classified.outcome = 'ok' desc,
                classified.submitted_at asc nulls last,
                classified.line_number asc
        ) as line_rank
    from classified
    left join questions
        on classified.custom_id = questions.custom_id
    left join earlier_answers
        on questions.assignment_id = earlier_answers.assignment_id
)

select
    *,
    case
        when outcome = 'unreadable_line' then 'unreadable_line'
        when not is_asked then 'unknown_assignment'
        when line_rank > 1 then 'duplicate'
        when outcome = 'missing' and not getvariable('is_closing') then 'not_answered'
        when was_ok or (was_answered and outcome <> 'ok') then 'duplicate'
        when outcome in ('expired', 'retryable_error') and replicate + 1 < getvariable('most_replicates') then 'ask_again'
        else 'answer'
    end as disposition,
    'lev_' || substr(
        sha256(coalesce(custom_id, '') || '|' || getvariable('file_sha256') || '|' || cast(line_number as varchar)), 1, 24
    ) as label_event_id
from ranked;

-- A label costs less than the smallest coin: each row takes what the sum so far has grown by, so that the rows add up to the sum.
create or replace temp table costs as
select
    line_number,
    cast(floor(spent) - coalesce(lag(floor(spent)) over (order by line_number), 0) as bigint) as cost_minor_units
from (
    select
        line_number,
        sum(
            (coalesce(input_tokens, 0) * getvariable('input_price') + coalesce(output_tokens, 0) * getvariable('output_price'))
            / 1000000.0
        ) over (order by line_number) as spent
    from placed
    where disposition = 'answer'
);

create or replace temp table label_events as
select
    placed.label_event_id,
    placed.assignment_id,
    placed.item_id,
    placed.item_hash,
    placed.policy_id,
    placed.policy_version,
    placed.label_protocol_id,
    case placed.pool when 'llm' then 'llm' else 'human' end as source,
    case
        -- a pseudonym; an address that somebody wrote in its place is made one
        when placed.pool <> 'llm' and contains(placed.rater_code, '@')
            then placed.vendor || ':' || substr(sha256(lower(placed.rater_code)), 1, 12)
        when placed.pool <> 'llm' then placed.vendor || ':' || coalesce(placed.rater, placed.rater_code, 'unknown')
    end as rater_id,
    case placed.pool when 'llm' then placed.labeler_id end as judge_id,
    placed.pool,
    placed.vendor,
    case when placed.outcome in ('ok', 'cannot_determine') then placed.decision end as decision,
    case
        when placed.outcome = 'ok' and len(placed.rule_ids) > 0
            then array_to_string(list_filter(placed.rules, lambda rule: list_contains(placed.rule_ids, rule)), '|')
    end as rule_ids,
    case
        when placed.outcome = 'ok' and len(placed.component_refs) > 0
            then
                array_to_string(
                    list_transform(
                        list_sort(list_transform(placed.component_refs, lambda ref: cast(substr(ref, 2) as integer))),
                        lambda number: 'c' || number
                    ), '|'
                )
    end as component_refs,
    case when placed.outcome = 'ok' then placed.confidence end as confidence_raw,
    placed.outcome,
    placed.started_at,
    -- a clock that is wrong is not believed where our own knows better
    case
        when placed.pool <> 'llm' and placed.submitted_at is not null then placed.submitted_at
        when placed.submitted_at between placed.issued_at and getvariable('imported_at') then placed.submitted_at
        else getvariable('imported_at')
    end as submitted_at,
    cast(placed.lead_time_s as double) as lead_time_s,
    case when placed.pool = 'llm' and getvariable('currency') is not null then costs.cost_minor_units end as cost_minor_units,
    case when placed.pool = 'llm' then getvariable('currency') end as currency,
    getvariable('file_sha256') as ingest_file_sha256,
    cast(null as varchar) as supersedes_event_id
from placed
left join costs
    on placed.line_number = costs.line_number
where placed.disposition = 'answer'
order by placed.line_number;
