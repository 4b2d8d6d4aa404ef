{{ config(materialized='table') }}

{%- set key = [
    'period_type', 'period_start', 'policy_id', 'unit_type', 'pivot_name', 'pivot_value', 'estimator', 'plan_id'
] -%}
{#- nothing has been published before the first release -#}
{%- set is_published = execute and flags.INTROSPECT and load_relation(source('published', 'prevalence')) is not none -%}
{#- named whether something has been published or not: what is read does not hang on what there is -#}
{%- set last_figures, all_periods = ref('release_figures'), ref('periods') -%}
{%- set row_name = prevalence._row_name(key) %}

with

releases as (

    select * from {{ ref('release_ledger') }}

),

records as (

    select * from {{ ref('release_records') }}

),

{% if is_published -%}
release_figures as (

    select * from {{ last_figures }}

),

periods as (

    select * from {{ all_periods }}

),

{% endif -%}
checked_rows as (

    select
        *,
        {{ prevalence._release_row_text() }} as row_text
    from releases

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
        'release ' || cast(records.release_number as string) as row_name,
        2 as severity,
        cast(coalesce(stored_releases.row_count, 0) as string) || ' rows, not those '
        || cast(records.row_count as string) || ' that were recorded when it was published' as reason
    from records
    left join stored_releases
        on records.release_number = stored_releases.release_number
    where
        stored_releases.fingerprint is null
        or stored_releases.row_count <> records.row_count
        or stored_releases.fingerprint <> records.fingerprint

),

-- a row says itself what it was: this names it, also where nothing was recorded
broken_rows as (

    select
        'release_ledger' as table_name,
        'release ' || cast(release_number as string) || ' ' || {{ row_name }} || ' ' || label_protocol_id as row_name,
        2 as severity,
        'the row is not what its fingerprint is of' as reason
    from checked_rows
    where
        release_status <> 'withdrawn'
        and coalesce(row_fingerprint <> {{ prevalence._figure_fingerprint() }}, true)

),

{% if is_published -%}
figures as (

    select
        *,
        {{ row_name }} as row_name,
        {{ prevalence._release_row_text() }} as row_text
    from release_figures

),

mart as (

    select
        *,
        {{ row_name }} as row_name,
        {{ prevalence._release_row_text() }} as row_text
    from {{ source('published', 'prevalence') }}

),

-- a run that was stopped before it wrote the mart has left the one of an earlier release, of which nothing is said
earlier_marts as (

    select distinct mart.release_id
    from mart
    inner join releases
        on mart.release_id = releases.release_id
    where mart.release_id not in (select figures.release_id from figures)

),

published_rows as (

    select mart.*
    from mart
    left join earlier_marts
        on mart.release_id = earlier_marts.release_id
    where earlier_marts.release_id is null

),

shown_periods as (

    select period_type
    from periods
    where is_in_version_1 and not exists (select 1 from earlier_marts)

),

-- of two versions of a policy in a period the mart shows one; a row is right when it is that of either
ledger_rows as (

    select figures.*
    from figures
    inner join shown_periods
        on figures.period_type = shown_periods.period_type

),

compared_rows as (

    select
        coalesce(published_rows.row_name, ledger_rows.row_name) as row_name,
        count(published_rows.row_name) as published_rows,
        count(ledger_rows.row_name) as ledger_rows,
        coalesce(bool_or(published_rows.row_text = ledger_rows.row_text), false) as is_as_released
    from published_rows
    full outer join ledger_rows
        on published_rows.row_name = ledger_rows.row_name
    group by coalesce(published_rows.row_name, ledger_rows.row_name)

),

-- the mart is made from the ledger with every run, and is put right by it
broken_marts as (

    select
        'prevalence' as table_name,
        row_name,
        1 as severity,
        case
            when published_rows = 0 then 'the published row is missing from the mart'
            when ledger_rows = 0 then 'the mart has a row that the last release does not have'
            else 'the mart shows another figure than the release'
        end || '; the mart is made again from the ledger' as reason
    from compared_rows
    where not is_as_released

),

{% endif -%}
broken_shares as (

    select * from {{ ref('broken_estimates') }}

),

estimates as (

    select * from {{ ref('est_prevalence') }}

),

broken_figures as (

    select
        'est_prevalence' as table_name,
        {{ prevalence._row_name(key + ['policy_version']) }} as row_name,
        2 as severity,
        'the figure is ' || cast(prevalence as string) || ', and its sums give '
        || coalesce(cast(prevalence_again as string), 'none') as reason
    from broken_shares

    union all

    -- what has not changed is taken over from the run before, an interval that somebody has put there, too
    select
        'est_prevalence' as table_name,
        {{ prevalence._row_name(key + ['policy_version']) }} as row_name,
        2 as severity,
        'the figure is not what its fingerprint is of' as reason
    from estimates
    where {{ prevalence._is_other('row_fingerprint', prevalence._figure_fingerprint()) }}

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
    select * from broken_figures
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
