{{ prevalence._daily('unit_date') }}

with

content_days as (

    select
        plan_id,
        unit_date,
        expected_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_learned,
        is_score_imputed
    from {{ ref('frame_content_days') }}

),

interactions as (

    select
        plan_id,
        unit_date,
        expected_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_learned,
        is_score_imputed
    from {{ ref('frame_interactions') }}

),

user_days as (

    select
        plan_id,
        unit_date,
        expected_units,
        exposure,
        size_measure,
        inclusion_probability,
        is_certainty,
        is_score_learned,
        is_score_imputed
    from {{ ref('frame_user_days') }}

),

frame_units as (

    select
        'content_day' as unit_type,
        content_days.plan_id,
        content_days.unit_date,
        content_days.expected_units,
        content_days.exposure,
        content_days.size_measure,
        content_days.inclusion_probability,
        content_days.is_certainty,
        content_days.is_score_learned,
        content_days.is_score_imputed
    from content_days

    union all

    select
        'interaction' as unit_type,
        interactions.plan_id,
        interactions.unit_date,
        interactions.expected_units,
        interactions.exposure,
        interactions.size_measure,
        interactions.inclusion_probability,
        interactions.is_certainty,
        interactions.is_score_learned,
        interactions.is_score_imputed
    from interactions

    union all

    select
        'user_day' as unit_type,
        user_days.plan_id,
        user_days.unit_date,
        user_days.expected_units,
        user_days.exposure,
        user_days.size_measure,
        user_days.inclusion_probability,
        user_days.is_certainty,
        user_days.is_score_learned,
        user_days.is_score_imputed
    from user_days

),

final as (

    select
        plan_id,
        unit_date,
        unit_type,
        cast(count(*) as bigint) as frame_units,
        cast(sum(exposure) as bigint) as frame_exposure,
        cast(sum(size_measure) as bigint) as frame_size,
        max(expected_units) as expected_units,
        -- rounded, so that the order of addition cannot show
        round(sum(inclusion_probability), 9) as sum_of_inclusion_probabilities,
        min(inclusion_probability) as smallest_inclusion_probability,
        max(inclusion_probability) as largest_inclusion_probability,
        cast(count_if(is_certainty) as bigint) as certainty_units,
        case
            when bool_or(is_score_learned) then 'learned'
            when bool_or(not is_score_learned) then 'raw'
            else 'none'
        end as score_basis_used,
        cast(sum(case when is_score_imputed then exposure else 0 end) as bigint) as imputed_score_exposure,
        -- a unit that is taken with certainty cannot be missed, so it does not bound what was missed
        max(case when not is_certainty then exposure / nullif(inclusion_probability, 0) end)
            as maximum_weighted_exposure
    from frame_units
    group by plan_id, unit_date, unit_type

)

select * from final
