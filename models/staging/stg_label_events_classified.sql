{{ config(materialized='table') }}

with

label_events as (

    select *
    from {{ source('raw', 'label_events') }}

),

assignments_of_items as (

    select *
    from {{ ref('label_possible_assignments') }}

),

-- what is drawn on several days is one assignment, of an item a day
possible_assignments as (

    select
        assignment_id,
        item_hash,
        component_count,
        policy_id,
        policy_version,
        pool,
        label_protocol_id,
        min(sample_date) as shown_from
    from assignments_of_items
    group by assignment_id, item_hash, component_count, policy_id, policy_version, pool, label_protocol_id

),

-- a policy that has been retired is known by what was asked about it
policies as (

    select policy_id
    from {{ ref('stg_policies') }}

    union

    select policy_id
    from assignments_of_items

),

-- to which of its assignments such an event belongs nobody can tell
shared_event_ids as (

    select label_event_id
    from label_events
    group by label_event_id
    having min(nullif(assignment_id, '')) <> max(nullif(assignment_id, ''))

),

checked_rows as (

    select
        label_events.*,
        case
            when coalesce(label_events.label_event_id, '') = '' then 'missing_label_event_id'
            when coalesce(label_events.assignment_id, '') = '' then 'missing_assignment_id'
            when label_events.submitted_at is null then 'missing_submitted_at'
            when shared_event_ids.label_event_id is not null then 'label_event_id_of_two_assignments'
            when policies.policy_id is null then 'unknown_policy'
            when possible_assignments.assignment_id is null then 'unknown_assignment'
            when
                label_events.policy_id <> possible_assignments.policy_id
                or coalesce(label_events.policy_version, '') <> possible_assignments.policy_version
                or coalesce(label_events.pool, '') <> possible_assignments.pool
                then 'not_what_was_asked'
            when coalesce(label_events.item_hash, '') <> possible_assignments.item_hash then 'stale_item'
            when assignments_of_items.assignment_id is null then 'another_item'
            when
                coalesce(label_events.label_protocol_id, '') <> possible_assignments.label_protocol_id
                then 'another_label_protocol'
            when
                coalesce(label_events.source, '') not in ('human', 'llm', 'rule')
                or (possible_assignments.pool = 'llm') = (label_events.source = 'human')
                then 'source_not_of_the_pool'
            when
                {{ prevalence._is_before_day(
                    'label_events.submitted_at', 'cast(possible_assignments.shown_from as timestamp)'
                ) }}
                then 'submitted_before_it_was_shown'
            when
                coalesce(label_events.outcome, '') not in (
                    'ok', 'cannot_determine', 'skipped', 'escalated', 'refusal', 'provider_filter', 'truncated',
                    'empty', 'malformed_json', 'schema_invalid', 'inconsistent', 'request_error', 'retryable_error',
                    'expired', 'unreadable_line', 'missing', 'duplicate', 'stale_item', 'edited_by_other',
                    'bad_value', 'unknown_control'
                )
                then 'unknown_outcome'
            when
                label_events.outcome = 'ok'
                and coalesce(label_events.decision, '') not in ('violating', 'non_violating')
                then 'ok_without_decision'
            when
                label_events.component_refs <> ''
                and not {{ prevalence._are_component_refs(
                    'label_events.component_refs', 'possible_assignments.component_count'
                ) }}
                then 'bad_component_refs'
        end as quarantine_reason
    from label_events
    left join possible_assignments
        on label_events.assignment_id = possible_assignments.assignment_id
    left join assignments_of_items
        on
            label_events.assignment_id = assignments_of_items.assignment_id
            and label_events.item_id = assignments_of_items.item_id
    left join shared_event_ids
        on label_events.label_event_id = shared_event_ids.label_event_id
    left join policies
        on label_events.policy_id = policies.policy_id

),

-- An event replaces another, earlier one of its own assignment; of equal times the order of ids decides, as it does for
-- what counts first, so that no two replace each other. Whatever else an event names is ignored.
replacements as (

    select
        replaced_rows.assignment_id,
        replaced_rows.label_event_id,
        replaced_rows.submitted_at,
        replacing_rows.label_event_id as replacing_event_id,
        replacing_rows.submitted_at as replaced_at
    from checked_rows as replacing_rows
    inner join checked_rows as replaced_rows
        on
            replacing_rows.supersedes_event_id = replaced_rows.label_event_id
            and replacing_rows.assignment_id = replaced_rows.assignment_id
            and replacing_rows.label_event_id <> replaced_rows.label_event_id
    where
        replacing_rows.quarantine_reason is null
        and (
            replacing_rows.submitted_at > replaced_rows.submitted_at
            or (
                replacing_rows.submitted_at = replaced_rows.submitted_at
                and replacing_rows.label_event_id > replaced_rows.label_event_id
            )
        )

),

superseded_events as (

    select distinct
        assignment_id,
        label_event_id,
        submitted_at
    from replacements

),

superseding_events as (

    select distinct
        assignment_id,
        replacing_event_id,
        replaced_at
    from replacements

),

-- the first usable answer to an assignment counts, never the average; without one, the first answer tells why
ranked_rows as (

    select
        checked_rows.*,
        superseded_events.label_event_id is not null as is_superseded,
        coalesce(checked_rows.supersedes_event_id, '') <> ''
        and checked_rows.quarantine_reason is null
        and superseding_events.replacing_event_id is null as has_bad_supersedes_event_id,
        row_number() over (
            partition by
                checked_rows.assignment_id,
                case when checked_rows.quarantine_reason is null then 1 else 0 end
            order by
                case when superseded_events.label_event_id is null then 0 else 1 end asc,
                case when checked_rows.outcome = 'ok' then 0 else 1 end asc,
                checked_rows.submitted_at asc nulls last,
                checked_rows.label_event_id asc nulls last,
                checked_rows.decision asc nulls last
        ) as row_rank
    from checked_rows
    left join superseded_events
        on
            checked_rows.assignment_id = superseded_events.assignment_id
            and checked_rows.label_event_id = superseded_events.label_event_id
            and checked_rows.submitted_at = superseded_events.submitted_at
    left join superseding_events
        on
            checked_rows.assignment_id = superseding_events.assignment_id
            and checked_rows.label_event_id = superseding_events.replacing_event_id
            and checked_rows.submitted_at = superseding_events.replaced_at

),

final as (

    select
        label_event_id,
        assignment_id,
        item_id,
        item_hash,
        policy_id,
        policy_version,
        label_protocol_id,
        source,
        rater_id,
        judge_id,
        pool,
        vendor,
        decision,
        rule_ids,
        component_refs,
        confidence_raw,
        outcome,
        started_at,
        submitted_at,
        lead_time_s,
        cost_minor_units,
        currency,
        ingest_file_sha256,
        supersedes_event_id,
        {{ prevalence._day_of('submitted_at') }} as row_date,
        case
            when quarantine_reason is not null then 'quarantined'
            when row_rank > 1 or is_superseded then 'duplicate'
            else 'used'
        end as row_disposition,
        quarantine_reason,
        is_superseded,
        has_bad_supersedes_event_id
    from ranked_rows

)

select * from final
