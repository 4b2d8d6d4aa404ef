{{ config(materialized='table') }}

{#- parts of the numerator, by what experts answered; pivot and value -#}
{%- set violation_parts = [
    ('violation_scope', 'any_component', 'any_component_violates'),
    ('violation_scope', 'whole_alone', 'expert_is_violating and not any_component_violates')
] -%}
{#- parts of the exposure of what was seen within drawn user-days; those of drawn units are in draw_unit_exposures -#}
{%- set user_day_pivots = [('overall', "'all'"), ('surface', 'surface'), ('country', 'country')] -%}

with

designs as (

    select * from {{ ref('designs') }}

),

unit_labels as (

    select * from {{ ref('fct_unit_labels') }}

),

user_day_labels as (

    select * from {{ ref('fct_user_day_labels') }}

),

unit_exposures as (

    select * from {{ ref('draw_unit_exposures') }}

),

drawn_units as (

    select * from {{ ref('draw_units') }}

),

-- a day that waits for answers, is withheld or is held back has no figure
measured_parts as (

    select
        plan_id,
        policy_id,
        sample_date
    from {{ ref('label_maturity') }}
    where state = 'measured'

),

labeled_units as (

    -- units drawn themselves; what experts were shown of a user-day has labels, too
    select
        unit_labels.plan_id,
        unit_labels.unit_id,
        unit_labels.random_number_key as psu_id,
        unit_labels.unit_type,
        unit_labels.policy_id,
        unit_labels.policy_version,
        unit_labels.sample_date,
        unit_labels.design,
        unit_labels.has_audit,
        unit_labels.is_audited,
        unit_labels.inclusion_probability,
        unit_labels.draws,
        unit_labels.random_number_days,
        unit_labels.overall_inclusion_probability,
        unit_labels.maximum_overall_weighted_exposure,
        unit_labels.missed_weight,
        unit_labels.frame_units,
        unit_labels.exposure,
        unit_labels.judge_is_violating,
        unit_labels.expert_is_violating,
        unit_labels.expert_any_component_violates as any_component_violates,
        drawn_units.stratum_number,
        cast(null as string) as surface,
        cast(null as string) as country,
        false as is_nested
    from unit_labels
    inner join drawn_units
        on
            unit_labels.plan_id = drawn_units.plan_id
            and unit_labels.unit_id = drawn_units.unit_id

    union all

    -- units seen within drawn user-days, which are their PSUs
    select
        user_day_labels.plan_id,
        user_day_labels.unit_id,
        user_day_labels.user_day_id as psu_id,
        user_day_labels.unit_type,
        user_day_labels.policy_id,
        user_day_labels.policy_version,
        user_day_labels.sample_date,
        'nested' as design,
        false as has_audit,
        true as is_audited,
        inclusion_probability,
        cast(1 as bigint) as draws,
        cast(null as bigint) as random_number_days,
        inclusion_probability as overall_inclusion_probability,
        maximum_weight as maximum_overall_weighted_exposure,
        missed_weight,
        cast(null as bigint) as frame_units,
        cast(1 as bigint) as exposure,
        cast(null as boolean) as judge_is_violating,
        is_violating as expert_is_violating,
        any_component_violates,
        cast(0 as bigint) as stratum_number,
        surface,
        country,
        true as is_nested
    from user_day_labels

),

-- A day of fixed size is a stratum, and so is each part that it was drawn in. All other days of a plan are one: how
-- many are drawn varies from day to day, and so does what they add up to.
designed_units as (

    select {{ prevalence._broadcast(['designs']) }}
        labeled_units.*,
        designs.is_with_replacement,
        case
            when designs.estimated_as = 'poisson' and labeled_units.random_number_days is not null
                then 'coordinated_poisson'
            else designs.estimated_as
        end as estimated_as,
        case
            when designs.is_fixed_size
                then
                    labeled_units.plan_id || '|' || cast(labeled_units.sample_date as string)
                    || '|' || cast(labeled_units.stratum_number as string)
            else labeled_units.plan_id
        end as stratum
    from labeled_units
    inner join designs
        on labeled_units.design = designs.design
    inner join measured_parts
        on
            labeled_units.plan_id = measured_parts.plan_id
            and labeled_units.policy_id = measured_parts.policy_id
            and labeled_units.sample_date = measured_parts.sample_date

),

-- a unit that was drawn twice is there twice
unit_draws as (

    {{ prevalence._numbered('designed_units', 'draws', ['*']) | indent(4) }}

),

domains as (

    -- all violations within a part of the exposure
    select
        unit_draws.*,
        unit_exposures.pivot_name,
        unit_exposures.pivot_value,
        unit_exposures.exposure as pivot_exposure,
        unit_draws.judge_is_violating as judge_violates,
        unit_draws.expert_is_violating as expert_violates
    from unit_draws
    inner join unit_exposures
        on
            unit_draws.plan_id = unit_exposures.plan_id
            and unit_draws.unit_id = unit_exposures.unit_id
    where not unit_draws.is_nested
    {%- for pivot_name, pivot_value in user_day_pivots %}

    union all

    select
        unit_draws.*,
        '{{ pivot_name }}' as pivot_name,
        {{ pivot_value }} as pivot_value,
        exposure as pivot_exposure,
        judge_is_violating as judge_violates,
        expert_is_violating as expert_violates
    from unit_draws
    where is_nested and {{ pivot_value }} is not null
    {%- endfor %}
    {%- for pivot_name, pivot_value, expert_violates in violation_parts %}

    union all

    -- some violations within all of the exposure
    select
        unit_draws.*,
        '{{ pivot_name }}' as pivot_name,
        '{{ pivot_value }}' as pivot_value,
        exposure as pivot_exposure,
        cast(null as boolean) as judge_violates,
        {{ expert_violates }} as expert_violates
    from unit_draws
    where unit_type = 'interaction'
    {%- endfor %}

),

final as (

    select
        plan_id,
        unit_id,
        case
            when is_with_replacement then psu_id || '|' || cast(_number as string)
            else psu_id
        end as psu_id,
        unit_type,
        policy_id,
        policy_version,
        sample_date,
        pivot_name,
        pivot_value,
        design,
        has_audit,
        is_audited,
        inclusion_probability,
        draws,
        random_number_days,
        overall_inclusion_probability,
        maximum_overall_weighted_exposure,
        missed_weight,
        frame_units,
        cast(pivot_exposure as double) as exposure,
        -- null where there is no answer, which is not the same as no violation
        case
            when expert_violates then cast(pivot_exposure as double)
            when not expert_violates then cast(0 as double)
        end as expert_violating_exposure,
        case
            when judge_violates then cast(pivot_exposure as double)
            when not judge_violates then cast(0 as double)
        end as judge_violating_exposure,
        estimated_as,
        stratum,
        cast(_number as bigint) as draw_number
    from domains

)

select * from final
-- sums of doubles depend on the order of their rows, so the rows have one
{{ prevalence._row_order(
    ['plan_id', 'policy_id', 'unit_type', 'unit_id', 'pivot_name', 'pivot_value', 'draw_number']
) }}
