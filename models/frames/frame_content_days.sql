{{ prevalence._daily('unit_date') }}

with

-- read four times below, which is why it is a table and not a step: Spark would join and add up anew each time
sized_units as (

    select
        unit_id,
        unit_date,
        unit_key,
        exposure,
        is_score_imputed,
        cast(round(exposure * sqrt(cast(raw_relative_risk as double))) as bigint) as risk_size
    from {{ ref('frame_content_day_sizes') }}
    where risk_scope = 'all'

),

plans as (

    select
        plan_id,
        design,
        expected_units,
        defence_share
    from {{ ref('stg_sampling_plans') }}
    where unit_type = 'content_day'

),

day_totals as (

    select
        unit_date,
        cast(sum(exposure) as bigint) as exposure,
        cast(sum(risk_size) as bigint) as risk_size
    from sized_units
    group by unit_date

),

-- what a size is a share of: the same for every plan
plan_days as (

    select
        plans.plan_id,
        plans.design,
        plans.expected_units,
        plans.defence_share,
        day_totals.unit_date,
        day_totals.exposure,
        day_totals.risk_size
    from day_totals
    cross join plans

),

plan_units as (

    select {{ prevalence._broadcast(['plan_days']) }}
        plan_days.plan_id,
        plan_days.design,
        plan_days.expected_units,
        sized_units.unit_id,
        sized_units.unit_date,
        sized_units.unit_key,
        sized_units.exposure,
        sized_units.is_score_imputed,
        {{ prevalence._defensive_mixture(
            'sized_units.exposure', 'sized_units.risk_size', 'plan_days.defence_share',
            exposure_total='plan_days.exposure', risk_total='plan_days.risk_size'
        ) }} as size_measure
    from sized_units
    inner join plan_days
        on sized_units.unit_date = plan_days.unit_date

),

probabilities as (

    {{ prevalence.inclusion_probabilities(
        'plan_units', unit='unit_id', size='size_measure', expected_units='expected_units',
        by=['plan_id', 'unit_date'],
        columns=['unit_key', 'design', 'expected_units', 'exposure', 'size_measure', 'is_score_imputed']
    ) | indent(4) }}

),

final as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_imputed
    from probabilities

)

select * from final
