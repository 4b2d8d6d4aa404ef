{%- set key = ['table_group', 'broken_date'] %}

with

broken_seals as (

    select *
    from {{ ref('broken_seals') }}

),

broken_answers as (

    select * from {{ ref('broken_answers') }}

),

answer_records as (

    select * from {{ ref('label_answer_records') }}

),

found_days as (

    select distinct
        'draws' as table_group,
        sample_date as broken_date
    from broken_seals
    where table_name <> 'label_events'

    union all

    select distinct
        'answers' as table_group,
        cast(answer_records.submitted_at as date) as broken_date
    from broken_answers
    inner join answer_records
        on {{ prevalence._same_key('broken_answers', 'answer_records', ['assignment_id', 'label_event_id']) }}
    where broken_answers.problem = 'changed'

),

new_days as (

    {{ prevalence._not_yet_kept('found_days', key=key) | indent(4) }}

),

final as (

    select
        table_group,
        broken_date
    from new_days

)

select {{ prevalence._in_one_file() }} * from final
