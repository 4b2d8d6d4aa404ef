{{ config(materialized='view') }}

{%- set stored = prevalence._stored_figures('est_prevalence', 'row_fingerprint') %}
{%- set period = ['period_type', 'period_start', 'plan_id', 'policy_id', 'policy_version'] %}
{%- set day = ['plan_id', 'policy_id', 'policy_version', 'sample_date'] %}

with

periods as (

    select * from {{ ref('periods') }}

),

all_period_days as (

    select * from {{ ref('est_period_days') }}

),
{%- if stored %}

-- figures of the run before, which stay where nothing has changed that they were made of
stored_figures as (

    select distinct
        {{ period | join(',\n        ') }},
        inputs_fingerprint
    from {{ stored }}

),
{%- endif %}

period_days as (

    select all_period_days.*
    from all_period_days
    {%- if stored %}
    left join stored_figures
        on
            {{ prevalence._same_key('all_period_days', 'stored_figures', period) }}
            and '{{ prevalence._code_of_figures() }}|' || all_period_days.inputs_fingerprint
            = stored_figures.inputs_fingerprint
    where stored_figures.plan_id is null
    {%- endif %}

),

unit_domains as (

    select * from {{ ref('est_unit_domains') }}

),

-- the periods of a day, those with pivots first: pivots of rolling periods would be thirty times as many rows
numbered_periods as (

    select
        period_days.*,
        row_number() over (
            partition by {{ 'period_days.' ~ day | join(', period_days.') }}
            order by periods.has_pivots desc, period_days.period_type asc, period_days.period_start asc
        ) as period_number,
        periods.has_pivots
    from period_days
    inner join periods
        on period_days.period_type = periods.period_type

),

periods_of_days as (

    select
        {{ day | join(',\n        ') }},
        count(*) as overall_periods,
        cast(count_if(has_pivots) as bigint) as pivoted_periods
    from numbered_periods
    group by {{ day | join(', ') }}

),

-- Each unit once for each period, in the order of the units: sums of doubles depend on it, and a join that finds
-- several rows gives them in an order of its own.
counted_units as (

    select
        unit_domains.*,
        case
            when unit_domains.pivot_name = 'overall' then periods_of_days.overall_periods
            else periods_of_days.pivoted_periods
        end as unit_periods
    from unit_domains
    inner join periods_of_days
        on {{ prevalence._same_key('unit_domains', 'periods_of_days', day) }}

),

numbered_units as (

    {{ prevalence._numbered('counted_units', 'unit_periods', ['*']) | indent(4) }}

),

final as (

    select
        numbered_periods.period_type,
        numbered_periods.period_start,
        numbered_units.plan_id,
        numbered_units.unit_id,
        numbered_units.draw_number,
        numbered_units.unit_type,
        numbered_units.policy_id,
        numbered_units.policy_version,
        numbered_units.pivot_name,
        numbered_units.pivot_value,
        numbered_units.estimated_as,
        numbered_units.stratum,
        numbered_units.psu_id,
        numbered_units.has_audit,
        numbered_units.is_audited,
        numbered_units.inclusion_probability,
        numbered_units.overall_inclusion_probability,
        numbered_units.frame_units,
        -- missing a violating content is missing it on each day of the period that it keeps its number
        numbered_units.maximum_overall_weighted_exposure
        * case
            when numbered_units.random_number_days is null then 1
            else least(numbered_periods.days_expected, numbered_units.random_number_days)
        end as maximum_overall_weighted_exposure,
        numbered_units.missed_weight,
        numbered_units.exposure,
        numbered_units.expert_violating_exposure,
        numbered_units.judge_violating_exposure
    from numbered_units
    inner join numbered_periods
        on
            {{ prevalence._same_key('numbered_units', 'numbered_periods', day) }}
            and numbered_units._number = numbered_periods.period_number

)

select * from final
