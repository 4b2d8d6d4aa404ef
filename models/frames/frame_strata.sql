{{ prevalence._daily('unit_date') }}

{%- set most_strata = 10 %}

with

content_days as (

    select
        unit_date,
        risk_scope,
        exposure,
        highest_score_millionths,
        raw_relative_risk,
        learned_relative_risk
    from {{ ref('frame_content_day_sizes') }}

),

interactions as (

    select
        unit_date,
        risk_scope,
        exposure,
        highest_score_millionths,
        raw_relative_risk,
        learned_relative_risk
    from {{ ref('frame_interaction_sizes') }}

),

plans as (

    select
        plan_id,
        unit_type,
        expected_units,
        stratum_bounds,
        coalesce(allocation, 'neyman') as allocation,
        coalesce(minimum_stratum_units, 2) as minimum_stratum_units,
        coalesce(policy_id, 'all') as risk_scope,
        coalesce(score_basis, 'learned') as score_basis,
        coalesce(exposure_power, 1) as exposure_power
    from {{ ref('stg_sampling_plans') }}
    where design = 'stratified'

),

-- what a plan declares, whether units lie in it or not
declared_strata as (
    {% for number in range(1, most_strata + 1) %}
    select
        plan_id,
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
    {% for unit_type, relation in [('content_day', 'content_days'), ('interaction', 'interactions')] %}
    select {{ prevalence._broadcast(['declared_strata']) }}
        declared_strata.plan_id,
        {{ relation }}.unit_date,
        declared_strata.stratum_number,
        count(*) as frame_units,
        sum({{ relation }}.exposure) as frame_exposure,
        count({{ relation }}.learned_relative_risk) as learned_units,
        sum(
            {{ prevalence._exposure_size(relation ~ '.exposure', 'declared_strata.exposure_power') | indent(12) }}
        ) as exposure_size,
        sum(
            {{ prevalence._risk_size(
                relation ~ '.exposure', relation ~ '.raw_relative_risk', 'declared_strata.exposure_power', 1
            ) | indent(12) }}
        ) as raw_risk_size,
        sum(
            {{ prevalence._risk_size(
                relation ~ '.exposure', relation ~ '.learned_relative_risk', 'declared_strata.exposure_power', 1
            ) | indent(12) }}
        ) as learned_risk_size
    from {{ relation }}
    inner join declared_strata
        on
            {{ relation }}.risk_scope = declared_strata.risk_scope
            and {{ relation }}.highest_score_millionths
            between declared_strata.score_from_millionths and declared_strata.score_until_millionths
    where declared_strata.unit_type = '{{ unit_type }}'
    group by declared_strata.plan_id, {{ relation }}.unit_date, declared_strata.stratum_number
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
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
        declared_strata.plan_id,
        plan_days.unit_date,
        declared_strata.stratum_number,
        declared_strata.score_from_millionths,
        declared_strata.score_until_millionths,
        plans.expected_units,
        plans.allocation,
        plans.minimum_stratum_units,
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
        on declared_strata.plan_id = plans.plan_id
    inner join plan_days
        on declared_strata.plan_id = plan_days.plan_id
    left join unit_sums
        on
            declared_strata.plan_id = unit_sums.plan_id
            and declared_strata.stratum_number = unit_sums.stratum_number
            and plan_days.unit_date = unit_sums.unit_date

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
