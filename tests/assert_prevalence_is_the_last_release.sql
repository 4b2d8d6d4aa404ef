-- marts.prevalence holds the rows of the ledger's last release and no others.
with

releases as (

    select
        release_number,
        release_id
    from {{ ref('release_ledger') }}

),

last_release as (

    select max(release_number) as release_number
    from releases

),

last_rows as (

    select
        releases.release_id,
        count(*) as ledger_rows
    from releases
    inner join last_release
        on releases.release_number = last_release.release_number
    group by releases.release_id

),

mart_rows as (

    select
        release_id,
        count(*) as mart_rows
    from {{ ref('prevalence', v=1) }}
    group by release_id

)

select
    coalesce(last_rows.release_id, mart_rows.release_id) as release_id,
    last_rows.ledger_rows,
    mart_rows.mart_rows
from last_rows
full outer join mart_rows
    on last_rows.release_id = mart_rows.release_id
where coalesce(last_rows.ledger_rows, 0) <> coalesce(mart_rows.mart_rows, 0)
