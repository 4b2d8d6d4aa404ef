-- Every release in the ledger is of estimates that passed the gate, and differs from the release before it.
with

releases as (

    select distinct
        release_number,
        release_id,
        fingerprint
    from {{ ref('release_ledger') }}

),

gates as (

    select
        subject_fingerprint,
        bool_and(is_passed) as is_passed
    from {{ source('quality', 'gate_results') }}
    where gate_name = 'before_publication' and severity = 'blocking'
    group by subject_fingerprint

),

compared_releases as (

    select
        releases.release_number,
        releases.release_id,
        coalesce(gates.is_passed, false) as is_passed,
        row_number() over (order by releases.release_number asc) as expected_number,
        lag(releases.release_id) over (order by releases.release_number asc) as previous_release_id
    from releases
    left join gates
        on releases.fingerprint = gates.subject_fingerprint

)

select
    release_number,
    release_id,
    is_passed,
    expected_number,
    previous_release_id
from compared_releases
where
    not is_passed
    or release_number <> expected_number
    or coalesce(previous_release_id = release_id, false)
