{%- set key = [
    'period_type', 'period_start', 'policy_id', 'label_protocol_id', 'unit_type', 'pivot_name', 'pivot_value', 'estimator',
    'plan_id'
] %}

with

ledger as (

    select * from {{ ref('release_ledger') }}

),

releases as (

    select distinct
        release_number,
        release_id,
        fingerprint
    from ledger

),

-- until which release a row stands
dated_rows as (

    select
        *,
        lead(release_number) over (partition by {{ key | join(', ') }} order by release_number) as next_release_number
    from ledger

),

final as (

    select
        releases.release_number,
        releases.release_id,
        releases.fingerprint,
        dated_rows.release_status,
        dated_rows.period_type,
        dated_rows.period_start,
        dated_rows.policy_id,
        dated_rows.unit_type,
        dated_rows.pivot_name,
        dated_rows.pivot_value,
        dated_rows.estimator,
        dated_rows.prevalence,
        dated_rows.std_error,
        dated_rows.interval_lower,
        dated_rows.interval_upper,
        dated_rows.interval_level,
        dated_rows.interval_method,
        dated_rows.sampled_units,
        dated_rows.positive_units,
        dated_rows.effective_n,
        dated_rows.degrees_of_freedom,
        dated_rows.label_protocol_id,
        dated_rows.plan_id,
        dated_rows.row_fingerprint,
        dated_rows.policy_version,
        dated_rows.period_end,
        dated_rows.days_measured,
        dated_rows.days_expected,
        dated_rows.interval_caution
    from dated_rows
    inner join releases
        on
            dated_rows.release_number <= releases.release_number
            and coalesce(dated_rows.next_release_number > releases.release_number, true)

)

select * from final
