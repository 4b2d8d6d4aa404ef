{{ config(materialized='table') }}

{%- set key = [
    'period_type', 'period_start', 'policy_id', 'unit_type', 'pivot_name', 'pivot_value', 'estimator', 'plan_id'
] -%}
{#- nothing has been published before the first release -#}
{%- set is_published = execute and flags.INTROSPECT and load_relation(source('published', 'prevalence')) is not none -%}
{%- set row_name = prevalence._row_name(key) %}

with

releases as (

    select * from {{ ref('release_ledger') }}

),

records as (

    select * from {{ ref('release_records') }}

),

last_release as (

    select coalesce(max(release_number), 0) as last_number
    from records

),

-- the newest releases each time, of the older ones those whose turn it is
checked_records as (

    select records.*
    from records
    cross join last_release
    where
        last_release.last_number - records.release_number < {{ var('seal_days') }}
        or (last_release.last_number - records.release_number) % {{ var('seal_turns') }} = 0

),

checked_rows as (

    select {{ prevalence._broadcast(['checked_records']) }}
        releases.*,
        {{ prevalence._release_row_text('releases') }} as row_text
    from releases
    inner join checked_records
        on releases.release_number = checked_records.release_number

),

stored_releases as (

    select
        release_number,
        count(*) as row_count,
        {{ prevalence._hash_sum_text('row_text', 'release') }} as fingerprint
    from checked_rows
    group by release_number

),

broken_releases as (

    select
        'release_ledger' as table_name,
        'release ' || cast(checked_records.release_number as string) as row_name,
        2 as severity,
        cast(coalesce(stored_releases.row_count, 0) as string) || ' rows, not those '
        || cast(checked_records.row_count as string) || ' that were recorded when it was published' as reason
    from checked_records
    left join stored_releases
        on checked_records.release_number = stored_releases.release_number
    where
        stored_releases.fingerprint is null
        or stored_releases.row_count <> checked_records.row_count
        or stored_releases.fingerprint <> checked_records.fingerprint

),

-- a row says itself what it was: this names it, also where nothing was recorded
broken_rows as (

    select
        'release_ledger' as table_name,
        'release ' || cast(release_number as string) || ' ' || {{ row_name }} as row_name,
        2 as severity,
        'the row is not what its fingerprint is of' as reason
    from checked_rows
    where
        release_status <> 'withdrawn'
        and coalesce(row_fingerprint <> {{ prevalence._figure_fingerprint() }}, true)

),

{% if is_published -%}
published_rows as (

    select
        {{ row_name }} as row_name,
        {{ prevalence._release_row_text() }} as row_text
    from {{ source('published', 'prevalence') }}

),

ledger_rows as (

    select
        {{ row_name }} as row_name,
        checked_rows.row_text
    from checked_rows
    inner join last_release
        on checked_rows.release_number = last_release.last_number

),

-- the mart is made from the ledger with every run, and is put right by it
broken_marts as (

    select
        'prevalence' as table_name,
        coalesce(published_rows.row_name, ledger_rows.row_name) as row_name,
        1 as severity,
        case
            when published_rows.row_name is null then 'the published row is missing from the mart'
            when ledger_rows.row_name is null then 'the mart has a row that the last release does not have'
            else 'the mart shows another figure than the release'
        end || '; the mart is made again from the ledger' as reason
    from published_rows
    full outer join ledger_rows
        on published_rows.row_name = ledger_rows.row_name
    where
        published_rows.row_text is null
        or ledger_rows.row_text is null
        or published_rows.row_text <> ledger_rows.row_text

),

{% endif -%}
estimate_sums as (

    select * from {{ ref('estimate_sums') }}

),

broken_estimates as (

    select
        'est_prevalence' as table_name,
        {{ row_name }} as row_name,
        2 as severity,
        'the figure is ' || cast(prevalence as string) || ', and its sums give '
        || coalesce(cast(prevalence_again as string), 'none') as reason
    from estimate_sums
    where
        prevalence_again is null
        or abs(prevalence - prevalence_again) > 1e-9 * greatest(abs(prevalence), abs(prevalence_again), 1e-6)

),

gate_results as (

    select * from {{ source('quality', 'gate_results') }}

),

-- a check that has passed names no failing row and has nothing to say, and the other way round
broken_results as (

    select
        'gate_results' as table_name,
        gate_name || ' ' || check_name || ' ' || severity || ' ' || subject_fingerprint as row_name,
        2 as severity,
        'the check is said to have ' || case when is_passed then 'passed' else 'failed' end
        || ', and its rows and message say otherwise' as reason
    from gate_results
    where
        is_passed is null
        or is_passed <> (coalesce(failing_rows, 0) = 0 and message is null)

),

broken as (

    select * from broken_releases
    union all
    select * from broken_rows
    {%- if is_published %}
    union all
    select * from broken_marts
    {%- endif %}
    union all
    select * from broken_estimates
    union all
    select * from broken_results

),

final as (

    select
        table_name,
        row_name,
        cast(max(severity) as bigint) as severity,
        {{ prevalence._string_agg('reason', '; ', 'reason') }} as reason
    from broken
    group by table_name, row_name

)

select * from final
