{%- set key = [
    'period_type', 'period_start', 'policy_id', 'label_protocol_id', 'unit_type', 'pivot_name', 'pivot_value', 'estimator',
    'plan_id'
] %}

with

ledger as (

    select * from {{ ref('release_ledger') }}

),

periods as (

    select * from {{ ref('periods') }}

),

asked_policies as (

    select distinct
        policy_id,
        policy_version,
        {{ prevalence._label_protocol_id('policy_id', 'policy_version', "'sme'") }} as label_protocol_id
    from {{ ref('draw_policies') }}

),

last_release as (

    select
        release_number,
        release_id
    from ledger
    qualify row_number() over (order by release_number desc) = 1

),

last_rows as (

    select *
    from ledger
    qualify row_number() over (partition by {{ key | join(', ') }} order by release_number desc) = 1

),

-- rows from before there were columns for it
dated_rows as (

    select
        last_rows.*,
        coalesce(last_rows.policy_version, asked_policies.policy_version, 'unknown') as version_or_unknown,
        coalesce(last_rows.period_end, {{ prevalence._period_end('last_rows.period_start') | indent(8) }}) as last_day
    from last_rows
    left join asked_policies
        on last_rows.label_protocol_id = asked_policies.label_protocol_id
    left join periods
        on last_rows.period_type = periods.period_type

),

final as (

    select
        last_release.release_number,
        last_release.release_id,
        dated_rows.release_number as changed_in_release_number,
        dated_rows.release_status,
        dated_rows.period_type,
        dated_rows.period_start,
        dated_rows.last_day as period_end,
        dated_rows.days_measured,
        cast({{ prevalence._days_between('dated_rows.period_start', 'dated_rows.last_day') }} + 1 as bigint)
            as days_expected,
        dated_rows.policy_id,
        dated_rows.version_or_unknown as policy_version,
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
        dated_rows.interval_caution,
        dated_rows.sampled_units,
        dated_rows.positive_units,
        dated_rows.effective_n,
        dated_rows.degrees_of_freedom,
        dated_rows.label_protocol_id,
        dated_rows.plan_id,
        dated_rows.row_fingerprint
    from dated_rows
    cross join last_release

)

select * from final
