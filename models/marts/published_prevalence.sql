{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false) }}

with

candidates as (

    select
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        prevalence,
        std_error,
        interval_lower,
        interval_upper,
        interval_level,
        interval_method,
        sampled_units,
        positive_units,
        effective_n,
        degrees_of_freedom,
        label_protocol_id,
        plan_id,
        row_fingerprint
    from {{ ref('publishable_estimates') }}

),

release_candidates as (

    select
        fingerprint,
        release_id
    from {{ ref('release_candidates') }}

),

gate_results as (

    select
        severity,
        is_passed,
        subject_fingerprint
    from {{ source('quality', 'gate_results') }}
    where gate_name = 'before_publication'

),

passed_subjects as (

    select subject_fingerprint
    from gate_results
    where severity = 'blocking'
    group by subject_fingerprint
    having bool_and(coalesce(is_passed, false))

),

published as (
    {% if flags.INTROSPECT and is_incremental() %}
    select
        release_number,
        release_id,
        release_status,
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        prevalence,
        std_error,
        interval_lower,
        interval_upper,
        interval_level,
        interval_method,
        sampled_units,
        positive_units,
        effective_n,
        degrees_of_freedom,
        label_protocol_id,
        plan_id,
        row_fingerprint
    from {{ this }}
    {% else %}
    -- nothing is published before the first release
    select
        cast(0 as bigint) as release_number,
        cast(null as string) as release_id,
        cast(null as string) as release_status,
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        prevalence,
        std_error,
        interval_lower,
        interval_upper,
        interval_level,
        interval_method,
        sampled_units,
        positive_units,
        effective_n,
        degrees_of_freedom,
        label_protocol_id,
        plan_id,
        row_fingerprint
    from candidates
    where 1 = 0
    {% endif %}
),

last_number as (

    select coalesce(max(release_number), 0) as release_number
    from published

),

last_release as (

    select
        published.release_id,
        published.release_status,
        published.period_type,
        published.period_start,
        published.policy_id,
        published.unit_type,
        published.pivot_name,
        published.pivot_value,
        published.estimator,
        published.prevalence,
        published.std_error,
        published.interval_lower,
        published.interval_upper,
        published.interval_level,
        published.interval_method,
        published.sampled_units,
        published.positive_units,
        published.effective_n,
        published.degrees_of_freedom,
        published.label_protocol_id,
        published.plan_id,
        published.row_fingerprint
    from published
    inner join last_number
        on published.release_number = last_number.release_number

),

last_release_ids as (

    select distinct release_id
    from last_release

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
    left join last_release_ids
        on release_candidates.release_id = last_release_ids.release_id
    where last_release_ids.release_id is null

),

candidate_rows as (

    select
        case
            when last_release.row_fingerprint is null then 'provisional'
            when last_release.row_fingerprint = candidates.row_fingerprint then last_release.release_status
            else 'restated'
        end as release_status,
        candidates.period_type,
        candidates.period_start,
        candidates.policy_id,
        candidates.unit_type,
        candidates.pivot_name,
        candidates.pivot_value,
        candidates.estimator,
        candidates.prevalence,
        candidates.std_error,
        candidates.interval_lower,
        candidates.interval_upper,
        candidates.interval_level,
        candidates.interval_method,
        candidates.sampled_units,
        candidates.positive_units,
        candidates.effective_n,
        candidates.degrees_of_freedom,
        candidates.label_protocol_id,
        candidates.plan_id,
        candidates.row_fingerprint
    from candidates
    left join last_release
        on
            candidates.period_type = last_release.period_type
            and candidates.period_start = last_release.period_start
            and candidates.policy_id = last_release.policy_id
            and candidates.unit_type = last_release.unit_type
            and candidates.pivot_name = last_release.pivot_name
            and candidates.pivot_value = last_release.pivot_value
            and candidates.estimator = last_release.estimator
            and candidates.plan_id = last_release.plan_id

),

-- what was published for other periods stays published; what has vanished from a measured period is withdrawn
kept_rows as (

    select
        last_release.release_status <> 'withdrawn'
        and last_release.period_start >= cast('{{ var("period_start_date") }}' as date)
        and last_release.period_start < cast('{{ var("period_end_date") }}' as date) as is_withdrawn_now,
        last_release.release_status,
        last_release.period_type,
        last_release.period_start,
        last_release.policy_id,
        last_release.unit_type,
        last_release.pivot_name,
        last_release.pivot_value,
        last_release.estimator,
        last_release.prevalence,
        last_release.std_error,
        last_release.interval_lower,
        last_release.interval_upper,
        last_release.interval_level,
        last_release.interval_method,
        last_release.sampled_units,
        last_release.positive_units,
        last_release.effective_n,
        last_release.degrees_of_freedom,
        last_release.label_protocol_id,
        last_release.plan_id,
        last_release.row_fingerprint
    from last_release
    left join candidates
        on
            last_release.period_type = candidates.period_type
            and last_release.period_start = candidates.period_start
            and last_release.policy_id = candidates.policy_id
            and last_release.unit_type = candidates.unit_type
            and last_release.pivot_name = candidates.pivot_name
            and last_release.pivot_value = candidates.pivot_value
            and last_release.estimator = candidates.estimator
            and last_release.plan_id = candidates.plan_id
    where candidates.row_fingerprint is null

),

release_rows as (

    select
        release_status,
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        prevalence,
        std_error,
        interval_lower,
        interval_upper,
        interval_level,
        interval_method,
        sampled_units,
        positive_units,
        effective_n,
        degrees_of_freedom,
        label_protocol_id,
        plan_id,
        row_fingerprint
    from candidate_rows

    union all

    select
        case when is_withdrawn_now then 'withdrawn' else release_status end as release_status,
        period_type,
        period_start,
        policy_id,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        case when not is_withdrawn_now then prevalence end as prevalence,
        case when not is_withdrawn_now then std_error end as std_error,
        case when not is_withdrawn_now then interval_lower end as interval_lower,
        case when not is_withdrawn_now then interval_upper end as interval_upper,
        interval_level,
        interval_method,
        sampled_units,
        positive_units,
        case when not is_withdrawn_now then effective_n end as effective_n,
        case when not is_withdrawn_now then degrees_of_freedom end as degrees_of_freedom,
        label_protocol_id,
        plan_id,
        case when is_withdrawn_now then 'withdrawn' else row_fingerprint end as row_fingerprint
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
