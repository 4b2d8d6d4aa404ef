{% set key = ['assignment_id', 'label_event_id'] %}

with

-- what was set aside has been counted nowhere, and is mended where it comes from
usable_answers as (

    select *
    from {{ ref('stg_label_events_classified') }}
    where row_disposition <> 'quarantined'

),

-- an answer is recorded once, when it is first read
unrecorded_answers as (

    {{ prevalence._not_yet_kept('usable_answers', key=key) | indent(4) }}

),

final as (

    select distinct
        unrecorded_answers.assignment_id,
        unrecorded_answers.label_event_id,
        unrecorded_answers.decision,
        unrecorded_answers.outcome,
        unrecorded_answers.component_refs,
        unrecorded_answers.submitted_at,
        {{ prevalence._answer_fingerprint('unrecorded_answers') }} as row_fingerprint
    from unrecorded_answers

)

select {{ prevalence._in_one_file() }} * from final
