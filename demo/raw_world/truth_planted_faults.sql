{{ config(enabled=var('demo_world', false), materialized='table', schema='truth', alias='planted_faults') }}

with

extra_rows as (

    select
        'users' as source_name,
        extra_row as fault
    from {{ ref('world_people') }}
    where extra_row is not null

    union all

    select
        'interactions' as source_name,
        extra_row as fault
    from {{ ref('world_requests') }}
    where extra_row is not null

    union all

    select
        'components' as source_name,
        row_origin as fault
    from {{ ref('world_components') }}
    where row_origin <> 'component'

    union all

    select
        'risk_scores' as source_name,
        row_origin as fault
    from {{ ref('world_scores') }}
    where row_origin <> 'score'

),

final as (

    select
        source_name,
        fault,
        cast(count(*) as bigint) as rows
    from extra_rows
    group by source_name, fault

)

select * from final
