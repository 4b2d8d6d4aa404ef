{{ config(materialized='table') }}

{%- set part = ['plan_id', 'policy_id', 'policy_version'] -%}
{%- set period = ['period_days.period_type', 'period_days.period_start', 'period_days.plan_id', 'period_days.policy_id',
    'period_days.policy_version'] -%}

with

periods as (

    select
        periods.*,
        anchors.anchor_date
    from {{ ref('periods') }} as periods
    left join {{ ref('release_anchors') }} as anchors
        on periods.period_type = anchors.period_type

),

-- What can change of a drawn unit is whether it is audited and what was answered; an answer about violations within a
-- part of the exposure is that about all of it.
unit_answers as (

    select
        *,
        case
            when pivot_name in ('overall', 'violation_scope')
                then
                    unit_type || '|' || unit_id || '|' || pivot_value || '|' || cast(draw_number as string)
                    || '|' || estimated_as || '|' || cast(has_audit as string) || '|' || cast(is_audited as string)
                    || '|' || coalesce(cast(expert_violating_exposure > 0 as string), 'none')
                    || '|' || coalesce(cast(judge_violating_exposure > 0 as string), 'none')
        end as answer_text
    from {{ ref('est_unit_domains') }}

),

answered_days as (

    select
        {{ part | join(',\n        ') }},
        sample_date,
        bool_or(has_audit) as has_audit,
        {{ prevalence._hash_sum_text('answer_text', 'answers') | indent(8) }} as answers
    from unit_answers
    group by {{ part | join(', ') }}, sample_date

),

measured_days as (

    select
        *,
        cast(
            floor(
                {{ prevalence.hash_unit("cast(sample_date as string) || '|' || answers", 'day') }} * 4294967296
            ) as bigint
        ) as day_fingerprint
    from answered_days

),

cut_days as (

    select
        measured_days.*,
        periods.period_type,
        {{ prevalence._period_start('measured_days.sample_date') | indent(8) }} as period_start
    from measured_days
    cross join periods
    where periods.cut <> 'rolling'

),

-- each measured day ends a period
end_days as (

    select
        measured_days.*,
        periods.period_type,
        periods.days
    from measured_days
    cross join periods
    where periods.cut = 'rolling'

),

days_before as (

    {{ prevalence._numbered('end_days', 'days', ['*']) | indent(4) }}

),

rolling_days as (

    select
        measured_days.*,
        days_before.period_type,
        {{ prevalence._add_days('days_before.sample_date', '1 - days_before.days') }} as period_start
    from days_before
    inner join measured_days
        on
            {{ prevalence._same_key('days_before', 'measured_days', part) }}
            and measured_days.sample_date
            = {{ prevalence._add_days('days_before.sample_date', '1 - days_before._number') }}

),

period_days as (

    select * from cut_days
    union all
    select * from rolling_days

),

ended_periods as (

    select {{ prevalence._broadcast(['periods']) }}
        period_days.*,
        periods.is_in_version_1,
        periods.published_from_share,
        {{ prevalence._period_end('period_days.period_start') | indent(8) }} as period_end,
        count(*) over (
            partition by {{ period | join(', ') }}
        ) as days_measured,
        bool_or(period_days.has_audit) over (
            partition by {{ period | join(', ') }}
        ) as is_two_phase,
        cast(
            sum(period_days.day_fingerprint) over (partition by {{ period | join(', ') }}) as string
        ) as inputs_fingerprint
    from period_days
    inner join periods
        on period_days.period_type = periods.period_type

),

counted_periods as (

    select
        *,
        {{ prevalence._days_between('period_start', 'period_end') }} + 1 as days_expected
    from ended_periods

),

final as (

    select
        period_type,
        period_start,
        plan_id,
        policy_id,
        policy_version,
        sample_date,
        period_end,
        cast(days_measured as bigint) as days_measured,
        cast(days_expected as bigint) as days_expected,
        is_two_phase,
        inputs_fingerprint
    from counted_periods
    -- a year of which a month is measured is neither published nor summed up every night
    where is_in_version_1 or days_measured >= published_from_share * days_expected

)

select * from final
