{{ config(materialized='table') }}

with

figures as (

    select * from {{ ref('release_figures') }}

),

periods as (

    select * from {{ ref('periods') }}

),

plan_series as (

    select * from {{ ref('frame_plan_series') }}

),

-- Of periods that the seed has no longer, and of rows from before days were counted, nothing is known that would hold
-- them back.
shown as (

    select
        figures.*,
        -- of a warehouse from before names were recorded
        coalesce(plan_series.series_plan_id, figures.plan_id) as series_plan_id
    from figures
    left join periods
        on figures.period_type = periods.period_type
    left join plan_series
        on figures.plan_id = plan_series.plan_id
    where coalesce(figures.days_measured >= periods.published_from_share * figures.days_expected, true)

),

-- arguments of the macro: limits that are configuration
presented as (

    select * from (
        {{ prevalence.nchs_presentation('shown', estimate='prevalence', **var('presentation_limits')) | indent(8) }}
    ) as flagged

),

final as (

    select
        period_type,
        period_start,
        period_end,
        days_measured,
        days_expected,
        policy_id,
        policy_version,
        unit_type,
        pivot_name,
        pivot_value,
        estimator,
        case when presentation <> 'suppress' then prevalence end as prevalence,
        case when presentation <> 'suppress' then std_error end as std_error,
        case when presentation <> 'suppress' then interval_lower end as interval_lower,
        case when presentation <> 'suppress' then interval_upper end as interval_upper,
        interval_level,
        interval_method,
        interval_caution,
        presentation,
        presentation_reason,
        sampled_units,
        positive_units,
        effective_n,
        degrees_of_freedom,
        release_status,
        release_id,
        label_protocol_id,
        plan_id,
        series_plan_id
    from presented

)

select * from final
