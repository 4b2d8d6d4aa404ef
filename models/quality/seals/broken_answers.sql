{{ config(materialized='table') }}

{%- set key = ['assignment_id', 'label_event_id'] %}

with

records as (

    select * from {{ ref('label_answer_records') }}

),

answers as (

    select * from {{ ref('stg_label_events_classified') }}

),

last_answer as (

    select cast(max(submitted_at) as date) as last_date
    from records

),

once_broken_days as (

    select broken_date
    from {{ source('earlier_seals', 'once_broken_days') }}
    where table_group = 'answers'

),

-- answers are looked at in turn as draws are; whether one is gone costs little, and is seen of all
checked_records as (

    select
        records.*,
        (
            once_broken_days.broken_date is not null
            or {{ prevalence._is_sealed_day('cast(records.submitted_at as date)', 'last_answer.last_date') }}
        ) as is_in_turn
    from records
    cross join last_answer
    left join once_broken_days
        on cast(records.submitted_at as date) = once_broken_days.broken_date

),

-- an event may be there twice: what was read is still there when one of them says the same
known_answers as (

    select
        checked_records.assignment_id,
        checked_records.label_event_id,
        checked_records.decision,
        checked_records.row_fingerprint,
        checked_records.is_in_turn,
        answers.label_event_id is not null as is_there,
        answers.decision as decision_now,
        case when checked_records.is_in_turn then {{ prevalence._answer_fingerprint('answers') }} end as fingerprint_now
    from checked_records
    left join answers
        on {{ prevalence._same_key('checked_records', 'answers', key) }}

),

compared_answers as (

    select
        assignment_id,
        label_event_id,
        row_fingerprint,
        max(decision) as decision,
        max(decision_now) as decision_now,
        bool_or(is_there) as is_there,
        bool_or(is_there and (not is_in_turn or fingerprint_now = row_fingerprint)) as is_as_read,
        max(fingerprint_now) as fingerprint_now
    from known_answers
    group by assignment_id, label_event_id, row_fingerprint

),

final as (

    select
        assignment_id,
        label_event_id,
        row_fingerprint,
        case when is_there then 'changed' else 'gone' end as problem,
        decision,
        case when is_there then decision_now end as decision_now,
        case when is_there then fingerprint_now else 'gone' end as found
    from compared_answers
    where not is_as_read

)

select * from final
