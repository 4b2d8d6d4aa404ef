-- How one drawn unit came by its weight, from the frame over draw and audit to its part of a day's figure: a row per
-- policy, every factor beside what was stored. `--vars` name it: plan_id and unit_id; no unit_id takes the plan's
-- heaviest unit. What comes from the frame is null where the frame of that day is gone, and differs where late rows
-- have changed it since.
with

unit as (

    select * from {{ ref('draw_units') }}
    where plan_id = '{{ var("plan_id", "content_days_mixture") }}'
    {% if var('unit_id', none) is not none -%}
    and unit_id = '{{ var("unit_id") }}'
    {%- else -%}
    qualify row_number() over (order by draws * design_weight * exposure desc, unit_id asc) = 1
    {%- endif %}

),

stratum_units as (

    select frame_units.*
    from {{ ref('frame_units') }} as frame_units
    inner join unit
        on
            frame_units.plan_id = unit.plan_id
            and frame_units.unit_date = unit.sample_date
            and frame_units.stratum_number = unit.stratum_number

),

-- units that are too large to be left to chance are taken, and what is left to draw is drawn among the others
stratum as (

    select
        max(stratum_units) as units_to_draw,
        count_if(is_certainty) as certainty_units,
        sum(case when not is_certainty then size_measure end) as size_of_others
    from stratum_units

),

day_labels as (

    select
        labels.*,
        sum(labels.draws * labels.exposure / labels.overall_inclusion_probability)
            over (partition by labels.policy_id) as day_weighted_exposure
    from {{ ref('fct_unit_labels') }} as labels
    inner join unit
        on
            labels.plan_id = unit.plan_id
            and labels.sample_date = unit.sample_date
    where labels.is_audited and labels.expert_is_violating is not null

)

select
    unit.plan_id,
    unit.unit_id,
    unit.sample_date,
    unit.design,
    unit.exposure,
    stratum_units.size_measure,
    stratum_units.is_score_learned,
    unit.stratum_number,
    stratum.units_to_draw,
    stratum.certainty_units,
    stratum.size_of_others,
    case
        when stratum_units.is_certainty then 1
        else
            (stratum.units_to_draw - stratum.certainty_units)
            * cast(stratum_units.size_measure as double) / nullif(stratum.size_of_others, 0)
    end as probability_by_size,
    stratum_units.inclusion_probability as probability_in_frame,
    unit.inclusion_probability,
    unit.design_weight,
    unit.draws,
    audits.policy_id,
    audits.judge_is_violating,
    audits.audit_probability,
    unit.inclusion_probability * audits.audit_probability as overall_inclusion_probability,
    unit.draws / (unit.inclusion_probability * audits.audit_probability) as weight,
    unit.draws / (unit.inclusion_probability * audits.audit_probability) * unit.exposure as weighted_exposure,
    day_labels.expert_is_violating,
    -- of the day's denominator; where the unit violates, it adds as much to the day's prevalence
    unit.draws / (unit.inclusion_probability * audits.audit_probability) * unit.exposure
    / day_labels.day_weighted_exposure as share_of_day
from unit
cross join stratum
left join stratum_units
    on unit.unit_id = stratum_units.unit_id
left join {{ ref('draw_audits') }} as audits
    on
        unit.plan_id = audits.plan_id
        and unit.unit_id = audits.unit_id
left join day_labels
    on
        unit.unit_id = day_labels.unit_id
        and audits.policy_id = day_labels.policy_id
order by audits.policy_id
