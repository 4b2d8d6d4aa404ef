{{ prevalence._daily('unit_date') }}

with

-- read several times below, which is why sizes are a table and not a step: Spark would join and add up anew each time
sized_units as (

    select * from {{ ref('frame_unit_sizes') }}

),

logged_draws as (

    select * from {{ ref('stg_logged_draws') }}

),

-- of stratified plans; without one there is no row
strata as (

    select * from {{ ref('frame_strata') }}

),

plans as (

    select
        plans.plan_id,
        plans.unit_date,
        plans.unit_type,
        plans.design,
        plans.expected_units,
        coalesce(plans.policy_id, 'all') as risk_scope,
        coalesce(plans.score_basis, 'learned') as score_basis,
        coalesce(plans.exposure_power, 1) as exposure_power,
        coalesce(plans.score_power, 0.5) as score_power,
        coalesce(plans.defence_share, 1) as defence_share,
        coalesce(plans.cold_defence_share, plans.defence_share, 1) as cold_defence_share,
        designs.size_measure as size_kind,
        designs.is_stratified,
        designs.is_with_replacement,
        designs.is_drawn_elsewhere
    from {{ ref('frame_plans') }} as plans
    inner join {{ ref('designs') }} as designs
        on plans.design = designs.design
    where plans.unit_type in ('content_day', 'interaction')

),

-- plans that measure size alike share their totals: most often there is one kind of each unit type
measures as (

    select distinct
        unit_type,
        unit_date,
        risk_scope,
        exposure_power,
        score_power
    from plans

),

day_totals as (

    select {{ prevalence._broadcast(['measures']) }}
        measures.unit_type,
        sized_units.unit_date,
        measures.risk_scope,
        measures.exposure_power,
        measures.score_power,
        {% for basis in ['raw', 'learned'] -%}
        cast(sum(
            {{ prevalence._risk_size(
                'sized_units.exposure', 'sized_units.' ~ basis ~ '_relative_risk', 'measures.exposure_power',
                'measures.score_power'
            ) | indent(8) }}
        ) as bigint) as {{ basis }}_risk_size,
        {% endfor -%}
        cast(sum(
            {{ prevalence._exposure_size('sized_units.exposure', 'measures.exposure_power') | indent(8) }}
        ) as bigint) as exposure_size,
        bool_and(sized_units.learned_relative_risk is not null) as has_learned_rates
    from sized_units
    inner join measures
        on
            sized_units.unit_type = measures.unit_type
            and sized_units.unit_date = measures.unit_date
            and sized_units.risk_scope = measures.risk_scope
    group by
        measures.unit_type, sized_units.unit_date, measures.risk_scope, measures.exposure_power, measures.score_power

),

-- rates serve a day when every unit has one; until then the raw score does
served_days as (

    select
        plans.*,
        plans.score_basis = 'learned' and day_totals.has_learned_rates as uses_learned_rates,
        day_totals.exposure_size,
        day_totals.raw_risk_size,
        day_totals.learned_risk_size
    from day_totals
    inner join plans
        on
            day_totals.unit_type = plans.unit_type
            and day_totals.unit_date = plans.unit_date
            and day_totals.risk_scope = plans.risk_scope
            and day_totals.exposure_power = plans.exposure_power
            and day_totals.score_power = plans.score_power
    where not plans.is_drawn_elsewhere

),

plan_days as (

    select
        *,
        case when uses_learned_rates then learned_risk_size else raw_risk_size end as risk_size,
        case when uses_learned_rates then defence_share else cold_defence_share end as share_in_force
    from served_days

),

plan_units as (

    select {{ prevalence._broadcast(['plan_days', 'strata']) }}
        sized_units.*,
        plan_days.plan_id,
        plan_days.design,
        plan_days.expected_units,
        plan_days.is_with_replacement,
        coalesce(strata.stratum_number, 0) as stratum_number,
        case when plan_days.is_stratified then strata.allocated_units else plan_days.expected_units end
            as stratum_units,
        case
            when
                plan_days.size_kind = 'exposure_and_score'
                and plan_days.score_power > 0
                and plan_days.share_in_force < 1
                then plan_days.uses_learned_rates
        end as is_score_learned,
        case
            when plan_days.size_kind = 'equal' then cast(1 as bigint)
            when plan_days.size_kind = 'exposure'
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
                'plan_days.share_in_force', exposure_total='plan_days.exposure_size', risk_total='plan_days.risk_size'
            ) }}
        end as size_measure
    from sized_units
    inner join plan_days
        on
            sized_units.unit_type = plan_days.unit_type
            and sized_units.unit_date = plan_days.unit_date
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
            'unit_type', 'unit_key', 'design', 'expected_units', 'stratum_units', 'exposure', 'size_measure',
            'is_score_learned', 'is_score_imputed'
        ],
        with_replacement='is_with_replacement'
    ) | indent(4) }}

),

-- units that the logging system drew, with the probabilities that it recorded
drawn_elsewhere as (

    select {{ prevalence._broadcast(['plans']) }}
        sized_units.*,
        plans.plan_id,
        plans.design,
        plans.expected_units,
        cast(0 as bigint) as stratum_number,
        plans.expected_units as stratum_units,
        cast(1 as bigint) as size_measure,
        cast(null as boolean) as is_score_learned,
        logged_draws.inclusion_probability,
        logged_draws.inclusion_probability = 1 as is_certainty
    from logged_draws
    inner join plans
        on logged_draws.plan_id = plans.plan_id
    inner join sized_units
        on
            logged_draws.interaction_id = sized_units.unit_key
            and plans.unit_type = sized_units.unit_type
            and plans.unit_date = sized_units.unit_date
            and plans.risk_scope = sized_units.risk_scope

),

final as (

    {% for relation in ['probabilities', 'drawn_elsewhere'] -%}
    select
        plan_id,
        unit_id,
        unit_type,
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
    from {{ relation }}

    {% if not loop.last -%}
    union all

    {% endif -%}
    {% endfor %}
)

select * from final
