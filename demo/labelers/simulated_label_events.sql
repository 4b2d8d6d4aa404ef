{{ config(
    enabled=var('demo_world', false),
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    schema='raw',
    alias='label_events'
) }}

{%- set audit_assignments = ref('label_audit_assignments') %}

with

assignments as (

    select *
    from {{ ref('label_assignments') }}

    {% if prevalence._relation_exists(audit_assignments) -%}
    -- people are asked once the judge has answered
    union all

    select *
    from {{ audit_assignments }}
    {%- endif %}

),

-- an answer that was given is never given again
open_assignments as (

    select assignments.*
    from assignments
    {% if flags.INTROSPECT and is_incremental() -%}
    left join (select distinct assignment_id from {{ this }}) as answers
        on assignments.assignment_id = answers.assignment_id
    where answers.assignment_id is null
    {%- endif %}

),

truths as (

    select *
    from {{ ref('simulated_item_truths') }}

),

-- One labeler answers an item under a policy the same way however often it is asked.
hashed_answers as (

    select
        open_assignments.*,
        truths.risk,
        truths.difficulty,
        truths.is_violating,
        truths.component_refs,
        {{ prevalence._world_unit(
            "open_assignments.pool || '|' || cast(open_assignments.slot as string) || '|' || open_assignments.item_id"
            ~ " || '|' || open_assignments.policy_id", 'answer'
        ) }} as answer_unit,
        {{ prevalence._world_unit(
            "open_assignments.pool || '|' || cast(open_assignments.slot as string) || '|' || open_assignments.item_id"
            ~ " || '|' || open_assignments.policy_id", 'circumstance'
        ) }} as circumstance_unit
    from open_assignments
    inner join truths
        on
            open_assignments.unit_type = truths.unit_type
            and open_assignments.unit_key = truths.unit_key
            and open_assignments.policy_id = truths.policy_id

),

drawn_answers as (

    select
        *,
        {{ prevalence._world_piece('answer_unit', 0, 26) }} as error_piece,
        {{ prevalence._world_piece('answer_unit', 1, 26) }} as outcome_piece,
        {{ prevalence._world_piece('circumstance_unit', 0) }} as time_piece,
        {{ prevalence._world_piece('circumstance_unit', 1) }} as lead_piece,
        {{ prevalence._world_piece('circumstance_unit', 2) }} as rater_piece,
        -- The judge misses more where an item is hard and sees more that is not there where the risk is high. Experts
        -- say what counts as a violation. Raters err on hard items.
        case
            when pool = 'llm' and is_violating then cast(0.02 as double) + cast(0.2 as double) * difficulty
            when pool = 'llm'
                then cast(0.001 as double) + cast(0.03 as double) * risk / (risk + cast(0.1 as double))
            when pool = 'sme' then cast(0 as double)
            else cast(0.01 as double) + cast(0.24 as double) * difficulty
        end as error_probability
    from hashed_answers

),

given_answers as (

    select
        *,
        case
            when error_piece < error_probability then not is_violating
            else is_violating
        end as says_violating,
        case
            when pool = 'llm' and outcome_piece < 0.003 then 'refusal'
            when pool = 'llm' and outcome_piece < 0.005 then 'malformed_json'
            when pool = 'bpo' and outcome_piece < cast(0.05 as double) * difficulty then 'cannot_determine'
            else 'ok'
        end as outcome
    from drawn_answers

),

timed_answers as (

    select
        *,
        -- the judge answers in the night after the day, people during the two days after that
        {{ prevalence._add_seconds(
            'cast(sample_date as timestamp)',
            "cast(case when pool = 'llm' then 86400 + floor(time_piece * 21600)"
            ~ " else 115200 + floor(time_piece * 172800) end as bigint)"
        ) }} as submitted_at,
        cast(case
            when pool = 'llm' then 1 + floor(lead_piece * 4)
            else 8 + floor(lead_piece * 40) + floor(difficulty * 90)
        end as bigint) as lead_seconds
    from given_answers

),

final as (

    select
        'lev_' || substr({{ prevalence._world_hex('assignment_id', 'answer') }}, 1, 24) as label_event_id,
        assignment_id,
        item_id,
        item_hash,
        policy_id,
        policy_version,
        label_protocol_id,
        case when pool = 'llm' then 'llm' else 'human' end as source,
        case
            when pool = 'sme' then 'expert_' || cast(cast(floor(rater_piece * 6) as bigint) + 1 as string)
            when pool = 'bpo'
                then
                    'rater_' || cast(slot as string) || '_'
                    || cast(cast(floor(rater_piece * 20) as bigint) + 1 as string)
        end as rater_id,
        case when pool = 'llm' then 'simulated_judge_1' end as judge_id,
        pool,
        case
            when pool = 'llm' then 'simulated_model'
            when pool = 'sme' then 'in_house'
            when slot = 0 then 'vendor_north'
            else 'vendor_south'
        end as vendor,
        case
            when outcome = 'cannot_determine' then 'cannot_determine'
            when outcome = 'ok' and says_violating then 'violating'
            when outcome = 'ok' then 'non_violating'
        end as decision,
        cast(null as string) as rule_ids,
        -- a violation of the whole alone has no component to point at; one that is not there is seen in the first
        case
            when outcome <> 'ok' or not says_violating then null
            when is_violating then component_refs
            else 'c0'
        end as component_refs,
        case
            when outcome <> 'ok' then null
            when difficulty < 0.3 then 'high'
            when difficulty < 0.6 then 'medium'
            else 'low'
        end as confidence_raw,
        outcome,
        {{ prevalence._add_seconds('submitted_at', '-lead_seconds') }} as started_at,
        submitted_at,
        cast(lead_seconds as double) as lead_time_s,
        cast(case
            when pool = 'llm' then 1
            when pool = 'bpo' then 12
            else 90
        end as bigint) as cost_minor_units,
        'USD' as currency,
        cast(null as string) as ingest_file_sha256,
        cast(null as string) as supersedes_event_id
    from timed_answers

)

select {{ prevalence._in_one_file() }} * from final
