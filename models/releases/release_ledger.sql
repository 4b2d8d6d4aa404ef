{%- set key = [
    'period_type', 'period_start', 'policy_id', 'unit_type', 'pivot_name', 'pivot_value', 'estimator', 'plan_id'
] -%}
{#- what a withdrawn row no longer says, and what it keeps -#}
{%- set withheld = [
    'prevalence', 'std_error', 'interval_lower', 'interval_upper', 'effective_n', 'degrees_of_freedom'
] -%}
{%- set kept = ['interval_level', 'interval_method', 'sampled_units', 'positive_units', 'label_protocol_id'] -%}

with

candidates as (

    select * from {{ ref('publishable_estimates') }}

),

release_candidates as (

    select * from {{ ref('release_candidates') }}

),

gate_results as (

    select * from {{ source('quality', 'gate_results') }}
    where gate_name = 'before_publication' and severity = 'blocking'

),

passed_subjects as (

    select subject_fingerprint
    from gate_results
    group by subject_fingerprint
    having bool_and(coalesce(is_passed, false))

),

published as (
    {% if flags.INTROSPECT and is_incremental() %}
    select * from {{ this }}
    {% else %}
    -- nothing is published before the first release
    select
        cast(0 as bigint) as release_number,
        cast(null as string) as release_id,
        cast(null as string) as release_status,
        candidates.*
    from candidates
    where 1 = 0
    {% endif %}
),

last_number as (

    select coalesce(max(release_number), 0) as release_number
    from published

),

last_release as (

    select published.*
    from published
    inner join last_number
        on published.release_number = last_number.release_number

),

-- one row when there is something new to publish and the gate has passed for exactly that, no row otherwise
new_release as (

    select
        release_candidates.release_id,
        release_candidates.fingerprint,
        last_number.release_number + 1 as release_number
    from release_candidates
    inner join passed_subjects
        on release_candidates.fingerprint = passed_subjects.subject_fingerprint
    cross join last_number
    where release_candidates.release_id not in (select last_release.release_id from last_release)

),

candidate_rows as (

    select
        candidates.*,
        case
            when last_release.row_fingerprint is null then 'provisional'
            when last_release.row_fingerprint = candidates.row_fingerprint then last_release.release_status
            else 'restated'
        end as release_status
    from candidates
    left join last_release
        on {{ prevalence._same_key('candidates', 'last_release', key) }}

),

-- what was published for other periods stays published; what has vanished from a measured period is withdrawn
kept_rows as (

    select
        last_release.*,
        last_release.release_status <> 'withdrawn'
        {%- if var('period_start_date') %}
        and last_release.period_start >= cast('{{ var("period_start_date") }}' as date)
        {%- endif %}
        {%- if var('period_end_date') %}
        and last_release.period_start < cast('{{ var("period_end_date") }}' as date)
        {%- endif %} as is_withdrawn_now
    from last_release
    left join candidates
        on {{ prevalence._same_key('last_release', 'candidates', key) }}
    where candidates.row_fingerprint is null

),

release_rows as (

    select {{ (['release_status', 'row_fingerprint'] + key + withheld + kept) | join(', ') }}
    from candidate_rows

    union all

    select
        case when is_withdrawn_now then 'withdrawn' else release_status end as release_status,
        case when is_withdrawn_now then 'withdrawn' else row_fingerprint end as row_fingerprint,
        {{ key | join(', ') }},
        {%- for column in withheld %}
        case when not is_withdrawn_now then {{ column }} end as {{ column }},
        {%- endfor %}
        {{ kept | join(', ') }}
    from kept_rows

),

final as (

    select
        cast(new_release.release_number as bigint) as release_number,
        new_release.release_id,
        new_release.fingerprint,
        release_rows.release_status,
        release_rows.period_type,
        release_rows.period_start,
        release_rows.policy_id,
        release_rows.unit_type,
        release_rows.pivot_name,
        release_rows.pivot_value,
        release_rows.estimator,
        release_rows.prevalence,
        release_rows.std_error,
        release_rows.interval_lower,
        release_rows.interval_upper,
        release_rows.interval_level,
        release_rows.interval_method,
        release_rows.sampled_units,
        release_rows.positive_units,
        release_rows.effective_n,
        release_rows.degrees_of_freedom,
        release_rows.label_protocol_id,
        release_rows.plan_id,
        release_rows.row_fingerprint
    from release_rows
    cross join new_release

)

select {{ prevalence._in_one_file() }} * from final
