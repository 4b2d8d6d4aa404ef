{{ config(materialized='view') }}

{%- set day = ['table_name', 'plan_id', 'sample_date'] %}

with

differences as (

    select * from {{ ref('draw_differences') }}

),

replays as (

    select * from {{ ref('draw_replays') }}

),

-- after a change of the frame most rows differ, and that says nothing about an edit
unexplained as (

    select differences.*
    from differences
    inner join replays
        on {{ prevalence._same_key('differences', 'replays', day) }}
    where
        not replays.is_proven
        and (differences.problem = 'broken' or not coalesce(replays.is_frame_changed, false))

),

final as (

    select
        table_name,
        plan_id,
        sample_date,
        cast(row_number() over (
            partition by {{ day | join(', ') }} order by row_key asc, problem asc, copy_number asc
        ) as bigint) as difference_number,
        cast(count(*) over (partition by {{ day | join(', ') }}) as bigint) as differences,
        row_key,
        copy_number,
        problem,
        details
    from unexplained

)

select * from final
