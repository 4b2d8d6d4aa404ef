{{ prevalence._daily('unit_date') }}

{%- set most_strata = 10 %}

with

sized_units as (

    select * from {{ ref('frame_unit_sizes') }}

),

plans as (

    select
        plans.plan_id,
        plans.unit_date,
        plans.unit_type,
        plans.expected_units,
        plans.stratum_bounds,
        coalesce(plans.allocation, 'neyman') as allocation,
        coalesce(plans.minimum_stratum_units, 2) as minimum_stratum_units,
        coalesce(plans.policy_id, 'all') as risk_scope,
        coalesce(plans.score_basis, 'learned') as score_basis,
        coalesce(plans.exposure_power, 1) as exposure_power
    from {{ ref('frame_plans') }} as plans
    inner join {{ ref('designs') }} as designs
        on plans.design = designs.design
    where designs.is_stratified

),

-- what a plan declares, whether units lie in it or not
declared_strata as (
    {% for number in range(1, most_strata + 1) %}
    select
        plan_id,
        unit_date,
        unit_type,
        risk_scope,
        exposure_power,
        cast({{ number }} as bigint) as stratum_number,
        {{ prevalence._stratum_bound('stratum_bounds', number - 1) }} as score_from_millionths,
        case
            when {{ prevalence._stratum_count('stratum_bounds') }} = {{ number }} then cast(1000000 as bigint)
            else {{ prevalence._stratum_bound('stratum_bounds', number) }} - 1
        end as score_until_millionths
    from plans
    where {{ prevalence._stratum_count('stratum_bounds') }} >= {{ number }}
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

unit_sums as (

    select {{ prevalence._broadcast(['declared_strata']) }}
        declared_strata.plan_id,
        sized_units.unit_date,
        declared_strata.stratum_number,
        count(*) as frame_units,
        sum(sized_units.exposure) as frame_exposure,
        count(sized_units.learned_relative_risk) as learned_units,
        {% for basis in ['raw', 'learned'] -%}
        sum(
            {{ prevalence._risk_size(
                'sized_units.exposure', 'sized_units.' ~ basis ~ '_relative_risk', 'declared_strata.exposure_power', 1
            ) | indent(12) }}
        ) as {{ basis }}_risk_size,
        {% endfor -%}
        sum(
            {{ prevalence._exposure_size('sized_units.exposure', 'declared_strata.exposure_power') | indent(12) }}
        ) as exposure_size
    from sized_units
    inner join declared_strata
        on
            sized_units.unit_type = declared_strata.unit_type
            and sized_units.unit_date = declared_strata.unit_date
            and sized_units.risk_scope = declared_strata.risk_scope
            and sized_units.highest_score_millionths
            between declared_strata.score_from_millionths and declared_strata.score_until_millionths
    group by declared_strata.plan_id, sized_units.unit_date, declared_strata.stratum_number

),

-- rates serve a day when every unit has one; until then the raw score does
plan_days as (

    select
        plan_id,
        unit_date,
        sum(learned_units) = sum(frame_units) as has_learned_rates
    from unit_sums
    group by plan_id, unit_date

),

strata as (

    select
        plans.*,
        declared_strata.stratum_number,
        declared_strata.score_from_millionths,
        declared_strata.score_until_millionths,
        cast(coalesce(unit_sums.frame_units, 0) as bigint) as frame_units,
        cast(coalesce(unit_sums.frame_exposure, 0) as bigint) as frame_exposure,
        cast(coalesce(unit_sums.exposure_size, 0) as double) as stratum_weight,
        -- of a rare event: the root of its mean rate
        coalesce(
            sqrt(
                case
                    when plan_days.has_learned_rates and plans.score_basis = 'learned'
                        then cast(unit_sums.learned_risk_size as double)
                    else cast(unit_sums.raw_risk_size as double)
                end / nullif(cast(unit_sums.exposure_size as double), 0)
            ), 0
        ) as standard_deviation
    from declared_strata
    inner join plans
        on
            declared_strata.plan_id = plans.plan_id
            and declared_strata.unit_date = plans.unit_date
    inner join plan_days
        on
            declared_strata.plan_id = plan_days.plan_id
            and declared_strata.unit_date = plan_days.unit_date
    left join unit_sums
        on
            declared_strata.plan_id = unit_sums.plan_id
            and declared_strata.stratum_number = unit_sums.stratum_number
            and declared_strata.unit_date = unit_sums.unit_date

),

allocated_strata as (

    {{ prevalence.allocate_sample(
        'strata', stratum='stratum_number', population_units='frame_units', stratum_weight='stratum_weight',
        standard_deviation='standard_deviation', allocation='allocation', minimum_units='minimum_stratum_units',
        expected_units='expected_units', by=['plan_id', 'unit_date']
    ) | indent(4) }}

),

final as (

    select
        strata.plan_id,
        strata.unit_date,
        strata.stratum_number,
        strata.score_from_millionths,
        strata.score_until_millionths,
        strata.frame_units,
        strata.frame_exposure,
        strata.stratum_weight,
        strata.standard_deviation,
        allocated_strata.allocated_units
    from strata
    inner join allocated_strata
        on
            strata.plan_id = allocated_strata.plan_id
            and strata.unit_date = allocated_strata.unit_date
            and strata.stratum_number = allocated_strata.stratum_number

)

select * from final
