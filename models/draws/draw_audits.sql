with

draws as (

    select *
    from {{ ref('label_unit_policies') }}
    {{ prevalence._where_replayed('sample_date') }}

),

plans as (

    select * from {{ ref('draw_plan_settings') }}

),

primary_assignments as (

    select *
    from {{ ref('label_possible_assignments') }}
    where purpose = 'primary'

),

judge_events as (

    select *
    from {{ ref('stg_label_events') }}
    where pool = 'llm'

),

-- an audit is drawn again from what was kept of the draw, whatever became of the logs
unit_scores as (

    select * from {{ source('stored_draws', 'draw_unit_scores') if var('replay') else ref('draw_unit_scores') }}

),

{% if not var('replay') -%}
-- nothing is drawn on rows that are not what was recorded of them
broken_days as (

    select distinct
        plan_id,
        sample_date
    from {{ ref('broken_draw_seals') }}

),

{% endif -%}
judged_units as (

    select
        draws.*,
        plans.defence_share,
        plans.audit_units,
        plans.audit_floor,
        plans.sampling_salt,
        plans.judge_missed_share,
        judge_events.assignment_id is not null as is_judged,
        case when judge_events.outcome = 'ok' then judge_events.decision = 'violating' end as judge_is_violating
    from draws
    inner join plans
        on
            draws.plan_id = plans.plan_id
            and draws.sample_date = plans.sample_date
    inner join primary_assignments
        on
            draws.unit_type = primary_assignments.unit_type
            and draws.unit_id = primary_assignments.unit_id
            and draws.policy_id = primary_assignments.policy_id
            and draws.policy_version = primary_assignments.policy_version
    left join judge_events
        on primary_assignments.assignment_id = judge_events.assignment_id
    {%- if not var('replay') %}
    left join broken_days
        on
            draws.plan_id = broken_days.plan_id
            and draws.sample_date = broken_days.sample_date
    where broken_days.plan_id is null
    {%- endif %}

),

-- an audit is drawn once per plan, policy and day, when the judge has answered for all of the day's units;
-- a plan without an audit sends every drawn unit to the expert and waits for no judge
unaudited_units as (

    {{ prevalence._not_yet_kept('judged_units', key=['plan_id', 'policy_id', 'sample_date']) | indent(4) }}

),

open_audits as (

    select
        plan_id,
        policy_id,
        sample_date
    from unaudited_units
    group by plan_id, policy_id, sample_date
    having bool_and(is_judged or audit_units is null)

),

open_units as (

    select
        judged_units.*,
        coalesce(unit_scores.score_millionths, 0) as score_millionths
    from judged_units
    inner join open_audits
        on
            judged_units.plan_id = open_audits.plan_id
            and judged_units.policy_id = open_audits.policy_id
            and judged_units.sample_date = open_audits.sample_date
    left join unit_scores
        on
            judged_units.plan_id = unit_scores.plan_id
            and judged_units.unit_id = unit_scores.unit_id
            and judged_units.policy_id = unit_scores.policy_id

),

-- the judge may have missed something: where it said no, the audit looks by weight and risk; sizes in whole numbers:
-- weight x exposure, and the same x root score
weighted_units as (

    select
        *,
        cast(round(1000 * design_weight * exposure) as bigint) as weighted_exposure,
        cast(round(design_weight * exposure * sqrt(cast(score_millionths as double))) as bigint) as weighted_risk
    from open_units
    where audit_units is not null and not coalesce(judge_is_violating, true)

),

audit_totals as (

    select
        plan_id,
        policy_id,
        sample_date,
        cast(sum(weighted_exposure) as bigint) as weighted_exposure,
        cast(sum(weighted_risk) as bigint) as weighted_risk
    from weighted_units
    group by plan_id, policy_id, sample_date

),

sized_units as (

    select {{ prevalence._broadcast(['audit_totals']) }}
        weighted_units.plan_id,
        weighted_units.unit_id,
        weighted_units.policy_id,
        weighted_units.sample_date,
        weighted_units.audit_units,
        {{ prevalence._defensive_mixture(
            'weighted_units.weighted_exposure', 'weighted_units.weighted_risk', 'weighted_units.defence_share',
            exposure_total='audit_totals.weighted_exposure', risk_total='audit_totals.weighted_risk'
        ) }} as size_measure
    from weighted_units
    inner join audit_totals
        on
            weighted_units.plan_id = audit_totals.plan_id
            and weighted_units.policy_id = audit_totals.policy_id
            and weighted_units.sample_date = audit_totals.sample_date

),

probabilities as (

    {{ prevalence.inclusion_probabilities(
        'sized_units', unit='unit_id', size='size_measure', expected_units='audit_units',
        by=['plan_id', 'policy_id', 'sample_date']
    ) | indent(4) }}

),

audited_with_probability as (

    select
        open_units.plan_id,
        open_units.unit_id,
        open_units.unit_type,
        open_units.policy_id,
        open_units.sample_date,
        open_units.judge_is_violating,
        open_units.is_certainty,
        open_units.random_number_days,
        open_units.judge_missed_share,
        case
            when open_units.audit_units is null or coalesce(open_units.judge_is_violating, true)
                then cast(1 as double)
            else greatest(probabilities.inclusion_probability, coalesce(open_units.audit_floor, cast(0 as double)))
        end as audit_probability,
        open_units.exposure * open_units.design_weight as weighted_exposure,
        -- a plan without an audit has no judge, and its units are one group
        open_units.audit_units is not null and not coalesce(open_units.judge_is_violating, true) as is_quiet,
        -- where a violation that nobody meets would lie: as often as the score says, with a floor of 10^-4; each draw
        -- says it
        open_units.draws * open_units.design_weight * open_units.exposure * (open_units.score_millionths + 100)
            as expected_violation,
        {{ prevalence._audit_random_number(
            'open_units.plan_id', 'open_units.policy_id', 'open_units.unit_id', 'open_units.random_number_days',
            'open_units.random_number', 'open_units.inclusion_probability', 'open_units.sampling_salt'
        ) }} as random_number
    from open_units
    left join probabilities
        on
            open_units.plan_id = probabilities.plan_id
            and open_units.unit_id = probabilities.unit_id
            and open_units.policy_id = probabilities.policy_id

),

-- what a unit weighs in the estimate, unless it cannot be missed
weighed_units as (

    select
        *,
        case
            when not (is_certainty and audit_probability = 1) then weighted_exposure / nullif(audit_probability, 0)
        end as overall_weight,
        case when not (is_certainty and audit_probability = 1) then expected_violation end as missable_violation
    from audited_with_probability

),

bounded_units as (

    select
        *,
        -- what a unit of this day could weigh if the expert had to be met by chance
        max(overall_weight) over (partition by plan_id, policy_id, sample_date) as maximum_overall_weighted_exposure,
        -- and what a violation weighs on average, where the judge calls it one and where not; added in one order
        {%- for name, condition in [('called', 'not is_quiet'), ('quiet', 'is_quiet')] %}
        sum(case when {{ condition }} then missable_violation * overall_weight end)
            over (
                partition by plan_id, policy_id, sample_date
                order by unit_id asc
                rows between unbounded preceding and unbounded following
            )
        / nullif(
            sum(case when {{ condition }} then missable_violation end) over (
                partition by plan_id, policy_id, sample_date
                order by unit_id asc
                rows between unbounded preceding and unbounded following
            ),
            0
        ) as {{ name }}_weight,
        {%- endfor %}
        count(*) over (partition by plan_id, policy_id, sample_date) as judged_units
    from weighed_units

),

final as (

    select
        plan_id,
        unit_id,
        unit_type,
        policy_id,
        sample_date,
        judge_is_violating,
        audit_probability,
        random_number_days,
        random_number,
        maximum_overall_weighted_exposure,
        -- a violation that nobody meets is one that the judge misses, too, in this share of cases
        coalesce(
            (1 - judge_missed_share) * called_weight + judge_missed_share * quiet_weight,
            called_weight,
            quiet_weight
        ) as missed_weight,
        cast(judged_units as bigint) as judged_units
    from bounded_units
    where random_number < audit_probability

)

select {{ prevalence._in_one_file() }} * from final
