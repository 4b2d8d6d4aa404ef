{#- rows of a ledger from before these columns were added have none of them: they are null -#}
{{ config(on_schema_change='append_new_columns') }}

{#- the protocol of the labels is of one version of the policy, and rows from before there was a column for it have it,
too -#}
{%- set key = [
    'period_type', 'period_start', 'policy_id', 'label_protocol_id', 'unit_type', 'pivot_name', 'pivot_value', 'estimator',
    'plan_id'
] -%}
{#- what a withdrawn row no longer says, and what it keeps -#}
{%- set withheld = [
    'prevalence', 'std_error', 'interval_lower', 'interval_upper', 'effective_n', 'degrees_of_freedom', 'interval_caution'
] -%}
{%- set kept = [
    'interval_level', 'interval_method', 'sampled_units', 'positive_units', 'policy_version', 'period_end',
    'days_measured', 'days_expected'
] -%}

with

candidates as (

    select * from {{ ref('publishable_estimates') }}

),

release_candidates as (

    select * from {{ ref('release_candidates') }}

),

-- figures that a fault of theirs holds back are no candidates, and no figure of theirs is gone
held_parts as (

    select distinct
        plan_id,
        policy_id
    from {{ ref('held_estimates') }}

),

gate_results as (

    select * from {{ source('quality', 'gate_results') }}
    where gate_name = 'before_publication' and severity = 'blocking'

),

periods as (

    select * from {{ ref('periods') }}

),

measured_days as (

    select distinct
        plan_id,
        {{ prevalence._label_protocol_id('policy_id', 'policy_version', "'sme'") }} as label_protocol_id,
        sample_date
    from {{ ref('est_period_days') }}

),

passed_subjects as (

    select subject_fingerprint
    from gate_results
    group by subject_fingerprint
    having bool_and(coalesce(is_passed, false))

),

published as (
    {% if flags.INTROSPECT and is_incremental() %}
    {{ prevalence._published_rows(this, key + withheld + kept) | indent(4) }}
    {% else %}
    -- nothing is published before the first release
    select
        cast(0 as bigint) as release_number,
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

-- a release holds what it changes; what it does not, stands as an earlier one has it
last_rows as (

    select *
    from published
    qualify row_number() over (partition by {{ key | join(', ') }} order by release_number desc) = 1

),

compared_candidates as (

    select
        candidates.*,
        case
            when last_rows.row_fingerprint is null then 'provisional'
            when last_rows.row_fingerprint = candidates.row_fingerprint then last_rows.release_status
            else 'restated'
        end as release_status,
        coalesce(last_rows.row_fingerprint = candidates.row_fingerprint, false) as is_as_published,
        -- said of what was published before days were counted, along with the next figure that changes
        last_rows.days_measured is null as is_to_be_dated
    from candidates
    left join last_rows
        on {{ prevalence._same_key('candidates', 'last_rows', key) }}

),

changed_rows as (

    select *
    from compared_candidates
    where is_to_be_dated or not is_as_published

),

-- published and not among the estimates: days that wait or are held, and days that are gone, leave it as it is
missing_rows as (

    select
        {{ 'last_rows.' ~ (key + kept) | join(',\n        last_rows.') }},
        -- of rows from before days were counted nothing is said until all of them are measured
        coalesce(
            last_rows.days_measured,
            {{ prevalence._days_between(
                'last_rows.period_start', prevalence._period_end('last_rows.period_start')
            ) }} + 1
        ) as days_published,
        coalesce(
            last_rows.period_end, {{ prevalence._period_end('last_rows.period_start') }}
        ) as last_day
    from last_rows
    left join periods
        on last_rows.period_type = periods.period_type
    left join candidates
        on {{ prevalence._same_key('last_rows', 'candidates', key) }}
    left join held_parts
        on {{ prevalence._same_key('last_rows', 'held_parts', ['plan_id', 'policy_id']) }}
    where
        candidates.row_fingerprint is null
        and held_parts.plan_id is null
        and last_rows.release_status <> 'withdrawn'

),

-- All its days are measured, and give no such figure any more: periods are cut elsewhere, say, or a pivot's value is
-- gone.
withdrawn_rows as (

    select {{ 'missing_rows.' ~ (key + kept) | join(', missing_rows.') }}
    from missing_rows
    inner join measured_days
        on
            {{ prevalence._same_key('missing_rows', 'measured_days', ['plan_id', 'label_protocol_id']) }}
            and measured_days.sample_date between missing_rows.period_start and missing_rows.last_day
    group by {{ 'missing_rows.' ~ (key + kept + ['days_published']) | join(', missing_rows.') }}
    having count(*) >= missing_rows.days_published

),

changes as (

    select
        (
            select count(*)
            from changed_rows
            where not is_as_published
        )
        + (select count(*) from withdrawn_rows) as changed_figures

),

release_rows as (

    select {{ (['release_status', 'row_fingerprint'] + key + withheld + kept) | join(', ') }}
    from changed_rows

    union all

    select
        'withdrawn' as release_status,
        'withdrawn' as row_fingerprint,
        {{ key | join(', ') }},
        {%- for column in withheld %}
        cast(null as {{ 'string' if column == 'interval_caution' else 'double' }}) as {{ column }},
        {%- endfor %}
        {{ kept | join(', ') }}
    from withdrawn_rows

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
    cross join changes
    where changes.changed_figures > 0

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
        release_rows.row_fingerprint,
        release_rows.policy_version,
        release_rows.period_end,
        release_rows.days_measured,
        release_rows.days_expected,
        release_rows.interval_caution
    from release_rows
    cross join new_release

)

select {{ prevalence._in_one_file() }} * from final
