{{ config(materialized='view') }}

with

periods as (

    select * from {{ ref('periods') }}

),

unit_domains as (

    select * from {{ ref('est_unit_domains') }}

),

final as (

    select {{ prevalence._broadcast(['periods']) }}
        periods.period_type,
        {{ prevalence._period_start('unit_domains.sample_date') | indent(8) }} as period_start,
        unit_domains.plan_id,
        unit_domains.unit_id,
        unit_domains.draw_number,
        unit_domains.unit_type,
        unit_domains.policy_id,
        unit_domains.pivot_name,
        unit_domains.pivot_value,
        unit_domains.estimated_as,
        unit_domains.stratum,
        unit_domains.psu_id,
        unit_domains.has_audit,
        unit_domains.is_audited,
        unit_domains.inclusion_probability,
        unit_domains.overall_inclusion_probability,
        unit_domains.frame_units,
        -- missing a violating content is missing it on each day of the period that it keeps its number
        unit_domains.maximum_overall_weighted_exposure
        * case
            when unit_domains.random_number_days is null then 1
            else least(periods.days, unit_domains.random_number_days)
        end as maximum_overall_weighted_exposure,
        unit_domains.missed_weight,
        unit_domains.exposure,
        unit_domains.expert_violating_exposure,
        unit_domains.judge_violating_exposure
    from unit_domains
    cross join periods

)

select * from final
