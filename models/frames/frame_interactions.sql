{{ prevalence._daily('unit_date') }}

with

-- read five times below, which is why it is a table and not a step: Spark would join and add up anew each time
sized_units as (

    select
        unit_id,
        unit_date,
        unit_key,
        risk_scope,
        exposure,
        highest_score_millionths,
        is_score_imputed,
        raw_relative_risk,
        learned_relative_risk
    from {{ ref('frame_interaction_sizes') }}

),

plans as (

    select
        plan_id,
        design,
        expected_units,
        coalesce(policy_id, 'all') as risk_scope,
        coalesce(score_basis, 'learned') as score_basis,
        coalesce(exposure_power, 1) as exposure_power,
        coalesce(score_power, 0.5) as score_power,
        coalesce(defence_share, 1) as defence_share,
        coalesce(cold_defence_share, defence_share, 1) as cold_defence_share
    from {{ ref('stg_sampling_plans') }}
    where unit_type = 'interaction'

),

logged_draws as (

    select
        plan_id,
        interaction_id,
        inclusion_probability
    from {{ ref('stg_logged_draws') }}

),

-- of stratified plans; without one there is no row
strata as (

    select
        plan_id,
        unit_date,
        stratum_number,
        score_from_millionths,
        score_until_millionths,
        allocated_units
    from {{ ref('frame_strata') }}

),

-- plans that measure size alike share their totals: most often there is one kind
size_kinds as (

    select distinct
        risk_scope,
        exposure_power,
        score_power
    from plans

),

day_totals as (

    select {{ prevalence._broadcast(['size_kinds']) }}
        sized_units.unit_date,
        size_kinds.risk_scope,
        size_kinds.exposure_power,
        size_kinds.score_power,
        bool_and(sized_units.learned_relative_risk is not null) as has_learned_rates,
        cast(sum(
            {{ prevalence._exposure_size('sized_units.exposure', 'size_kinds.exposure_power') | indent(8) }}
        ) as bigint) as exposure_size,
        cast(sum(
            {{ prevalence._risk_size(
                'sized_units.exposure', 'sized_units.raw_relative_risk',
                'size_kinds.exposure_power', 'size_kinds.score_power'
            ) | indent(8) }}
        ) as bigint) as raw_risk_size,
        cast(sum(
            {{ prevalence._risk_size(
                'sized_units.exposure', 'sized_units.learned_relative_risk',
                'size_kinds.exposure_power', 'size_kinds.score_power'
            ) | indent(8) }}
        ) as bigint) as learned_risk_size
    from sized_units
    inner join size_kinds
        on sized_units.risk_scope = size_kinds.risk_scope
    group by
        sized_units.unit_date, size_kinds.risk_scope, size_kinds.exposure_power, size_kinds.score_power

),

-- rates serve a day when every unit has one; until then the raw score does
served_days as (

    select
        plans.plan_id,
        plans.design,
        plans.expected_units,
        plans.risk_scope,
        plans.exposure_power,
        plans.score_power,
        plans.defence_share,
        plans.cold_defence_share,
        plans.score_basis = 'learned' and day_totals.has_learned_rates as uses_learned_rates,
        day_totals.unit_date,
        day_totals.exposure_size,
        day_totals.raw_risk_size,
        day_totals.learned_risk_size
    from day_totals
    inner join plans
        on
            day_totals.risk_scope = plans.risk_scope
            and day_totals.exposure_power = plans.exposure_power
            and day_totals.score_power = plans.score_power
    where plans.design <> 'logged'

),

plan_days as (

    select
        plan_id,
        design,
        expected_units,
        risk_scope,
        exposure_power,
        score_power,
        unit_date,
        uses_learned_rates,
        exposure_size,
        case when uses_learned_rates then learned_risk_size else raw_risk_size end as risk_size,
        case when uses_learned_rates then defence_share else cold_defence_share end as defence_share
    from served_days

),

plan_units as (

    select {{ prevalence._broadcast(['plan_days', 'strata']) }}
        plan_days.plan_id,
        plan_days.design,
        plan_days.expected_units,
        coalesce(strata.stratum_number, 0) as stratum_number,
        case when plan_days.design = 'stratified' then strata.allocated_units else plan_days.expected_units end
            as stratum_units,
        case
            when
                plan_days.design not in ('simple_random', 'stratified')
                and plan_days.score_power > 0
                and plan_days.defence_share < 1
                then plan_days.uses_learned_rates
        end as is_score_learned,
        sized_units.unit_id,
        sized_units.unit_date,
        sized_units.unit_key,
        sized_units.exposure,
        sized_units.is_score_imputed,
        case
            when plan_days.design = 'simple_random' then cast(1 as bigint)
            when plan_days.design = 'stratified'
                then
                    {{ prevalence._exposure_size('sized_units.exposure', 'plan_days.exposure_power') | indent(20) }}
            else {{ prevalence._defensive_mixture(
                prevalence._exposure_size('sized_units.exposure', 'plan_days.exposure_power'),
                prevalence._risk_size(
                    'sized_units.exposure',
                    'case when plan_days.uses_learned_rates then sized_units.learned_relative_risk '
                    ~ 'else sized_units.raw_relative_risk end',
                    'plan_days.exposure_power', 'plan_days.score_power'
                ),
                'plan_days.defence_share', exposure_total='plan_days.exposure_size', risk_total='plan_days.risk_size'
            ) }}
        end as size_measure
    from sized_units
    inner join plan_days
        on
            sized_units.unit_date = plan_days.unit_date
            and sized_units.risk_scope = plan_days.risk_scope
    left join strata
        on
            plan_days.plan_id = strata.plan_id
            and plan_days.unit_date = strata.unit_date
            and sized_units.highest_score_millionths
            between strata.score_from_millionths and strata.score_until_millionths

),

probabilities as (

    {{ prevalence.inclusion_probabilities(
        'plan_units', unit='unit_id', size='size_measure', expected_units='stratum_units',
        by=['plan_id', 'unit_date', 'stratum_number'],
        columns=[
            'unit_key', 'design', 'expected_units', 'stratum_units', 'exposure', 'size_measure', 'is_score_learned',
            'is_score_imputed'
        ],
        with_replacement="design = 'pps_with_replacement'"
    ) | indent(4) }}

),

-- units that the logging system drew, with the probabilities that it recorded
drawn_elsewhere as (

    select {{ prevalence._broadcast(['plans']) }}
        plans.plan_id,
        sized_units.unit_id,
        sized_units.unit_date,
        sized_units.unit_key,
        plans.design,
        plans.expected_units,
        cast(0 as bigint) as stratum_number,
        plans.expected_units as stratum_units,
        sized_units.exposure,
        cast(1 as bigint) as size_measure,
        logged_draws.inclusion_probability,
        logged_draws.inclusion_probability = 1 as is_certainty,
        cast(null as boolean) as is_score_learned,
        sized_units.is_score_imputed
    from logged_draws
    inner join plans
        on logged_draws.plan_id = plans.plan_id
    inner join sized_units
        on
            logged_draws.interaction_id = sized_units.unit_key
            and plans.risk_scope = sized_units.risk_scope

),

final as (

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        stratum_number,
        stratum_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_learned,
        is_score_imputed
    from probabilities

    union all

    select
        plan_id,
        unit_id,
        unit_date,
        unit_key,
        design,
        expected_units,
        stratum_number,
        stratum_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_learned,
        is_score_imputed
    from drawn_elsewhere

)

select * from final
