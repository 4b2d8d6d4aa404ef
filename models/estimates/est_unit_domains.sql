{{ config(materialized='table') }}

with

unit_labels as (

    select
        plan_id,
        unit_id,
        unit_type,
        policy_id,
        sample_date,
        design,
        has_audit,
        inclusion_probability,
        draws,
        random_number_key,
        random_number_days,
        frame_units,
        judge_is_violating,
        is_audited,
        overall_inclusion_probability,
        maximum_overall_weighted_exposure,
        missed_weight,
        expert_is_violating,
        expert_any_component_violates
    from {{ ref('fct_unit_labels') }}

),

unit_exposures as (

    select
        plan_id,
        unit_id,
        pivot_name,
        pivot_value,
        exposure
    from {{ ref('draw_unit_exposures') }}

),

user_day_labels as (

    select
        plan_id,
        user_day_id,
        unit_type,
        unit_id,
        policy_id,
        sample_date,
        surface,
        country,
        inclusion_probability,
        maximum_weight,
        missed_weight,
        is_violating,
        any_component_violates
    from {{ ref('fct_user_day_labels') }}

),

-- the whole numerator within a part of the exposure
exposure_domains as (

    select
        unit_labels.plan_id,
        unit_labels.unit_id,
        unit_labels.unit_type,
        unit_labels.policy_id,
        unit_labels.sample_date,
        unit_labels.design,
        unit_labels.has_audit,
        unit_labels.inclusion_probability,
        unit_labels.draws,
        unit_labels.random_number_key,
        unit_labels.random_number_days,
        unit_labels.frame_units,
        unit_labels.is_audited,
        unit_labels.overall_inclusion_probability,
        unit_labels.maximum_overall_weighted_exposure,
        unit_labels.missed_weight,
        unit_exposures.pivot_name,
        unit_exposures.pivot_value,
        unit_exposures.exposure,
        unit_labels.judge_is_violating,
        unit_labels.expert_is_violating
    from unit_labels
    inner join unit_exposures
        on
            unit_labels.plan_id = unit_exposures.plan_id
            and unit_labels.unit_id = unit_exposures.unit_id

),

scopes as (

    select 'any_component' as pivot_value
    union all
    select 'whole_alone' as pivot_value

),

-- a part of the numerator within all interactions: a component violates, or the whole alone does
violation_scopes as (

    select
        exposure_domains.plan_id,
        exposure_domains.unit_id,
        exposure_domains.unit_type,
        exposure_domains.policy_id,
        exposure_domains.sample_date,
        exposure_domains.design,
        exposure_domains.has_audit,
        exposure_domains.inclusion_probability,
        exposure_domains.draws,
        exposure_domains.random_number_key,
        exposure_domains.random_number_days,
        exposure_domains.frame_units,
        exposure_domains.is_audited,
        exposure_domains.overall_inclusion_probability,
        exposure_domains.maximum_overall_weighted_exposure,
        exposure_domains.missed_weight,
        'violation_scope' as pivot_name,
        scopes.pivot_value,
        exposure_domains.exposure,
        cast(null as boolean) as judge_is_violating,
        case
            when scopes.pivot_value = 'any_component' then unit_labels.expert_any_component_violates
            else unit_labels.expert_is_violating and not unit_labels.expert_any_component_violates
        end as expert_is_violating
    from exposure_domains
    inner join unit_labels
        on
            exposure_domains.plan_id = unit_labels.plan_id
            and exposure_domains.unit_id = unit_labels.unit_id
            and exposure_domains.policy_id = unit_labels.policy_id
    cross join scopes
    where
        exposure_domains.unit_type = 'interaction'
        and exposure_domains.pivot_name = 'overall'

),

-- units seen within drawn user-days, which are their PSUs
user_day_domains as (
    {% for pivot_name, pivot_value, is_violating, condition in [
        ('overall', "'all'", 'is_violating', 'true'),
        ('surface', 'surface', 'is_violating', 'surface is not null'),
        ('country', 'country', 'is_violating', 'country is not null'),
        ('violation_scope', "'any_component'", 'any_component_violates', "unit_type = 'interaction'"),
        (
            'violation_scope', "'whole_alone'", 'is_violating and not any_component_violates',
            "unit_type = 'interaction'"
        ),
    ] %}
    select
        plan_id,
        unit_id,
        user_day_id as psu_id,
        unit_type,
        policy_id,
        sample_date,
        'nested' as design,
        false as has_audit,
        inclusion_probability,
        cast(1 as bigint) as draws,
        cast(null as bigint) as random_number_days,
        cast(null as bigint) as frame_units,
        true as is_audited,
        inclusion_probability as overall_inclusion_probability,
        maximum_weight as maximum_overall_weighted_exposure,
        missed_weight,
        '{{ pivot_name }}' as pivot_name,
        {{ pivot_value }} as pivot_value,
        cast(1 as bigint) as exposure,
        cast(null as boolean) as judge_is_violating,
        {{ is_violating }} as expert_is_violating
    from user_day_labels
    where {{ condition }}
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

domains as (

    select
        plan_id,
        unit_id,
        random_number_key as psu_id,
        unit_type,
        policy_id,
        sample_date,
        design,
        has_audit,
        inclusion_probability,
        draws,
        random_number_days,
        frame_units,
        is_audited,
        overall_inclusion_probability,
        maximum_overall_weighted_exposure,
        missed_weight,
        pivot_name,
        pivot_value,
        exposure,
        judge_is_violating,
        expert_is_violating
    from exposure_domains

    union all

    select
        plan_id,
        unit_id,
        random_number_key as psu_id,
        unit_type,
        policy_id,
        sample_date,
        design,
        has_audit,
        inclusion_probability,
        draws,
        random_number_days,
        frame_units,
        is_audited,
        overall_inclusion_probability,
        maximum_overall_weighted_exposure,
        missed_weight,
        pivot_name,
        pivot_value,
        exposure,
        judge_is_violating,
        expert_is_violating
    from violation_scopes

    union all

    select
        plan_id,
        unit_id,
        psu_id,
        unit_type,
        policy_id,
        sample_date,
        design,
        has_audit,
        inclusion_probability,
        draws,
        random_number_days,
        frame_units,
        is_audited,
        overall_inclusion_probability,
        maximum_overall_weighted_exposure,
        missed_weight,
        pivot_name,
        pivot_value,
        exposure,
        judge_is_violating,
        expert_is_violating
    from user_day_domains

),

final as (

    select
        plan_id,
        unit_id,
        psu_id,
        unit_type,
        policy_id,
        sample_date,
        {{ prevalence._week_start('sample_date') }} as week_start_date,
        -- blocks of 28 days, counted from the first measured day
        {{ prevalence._add_days(
            "cast('" ~ var('period_start_date') ~ "' as date)",
            "28 * floor(" ~ prevalence._days_between("cast('" ~ var('period_start_date') ~ "' as date)", 'sample_date')
            ~ " / cast(28 as double))"
        ) }} as block_start_date,
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
        cast(exposure as double) as exposure,
        -- null where there is no answer, which is not the same as no violation
        case
            when expert_is_violating then cast(exposure as double)
            when not expert_is_violating then cast(0 as double)
        end as expert_violating_exposure,
        case
            when judge_is_violating then cast(exposure as double)
            when not judge_is_violating then cast(0 as double)
        end as judge_violating_exposure
    from domains

)

select * from final
-- sums of doubles depend on the order of their rows, so the rows have one
{{ prevalence._row_order(['plan_id', 'policy_id', 'unit_type', 'unit_id', 'pivot_name', 'pivot_value']) }}
