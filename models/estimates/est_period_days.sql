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

measured_days as (

    select
        {{ part | join(',\n        ') }},
        sample_date,
        bool_or(has_audit) as has_audit
    from {{ ref('est_unit_domains') }}
    group by {{ part | join(', ') }}, sample_date

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
        ) as is_two_phase
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
        is_two_phase
    from counted_periods
    -- a year of which a month is measured is neither published nor summed up every night
    where is_in_version_1 or days_measured >= published_from_share * days_expected

)

select * from final
