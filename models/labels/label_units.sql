{{ config(materialized='view') }}

with

draws as (

    select *
    from {{ ref('draw_units') }}

),

user_day_interactions as (

    select *
    from {{ ref('draw_user_day_interactions') }}

),

-- nobody judges a user-day: its interactions are shown to labelers
final as (

    select
        plan_id,
        unit_id,
        unit_type,
        unit_key,
        sample_date,
        design,
        exposure,
        inclusion_probability,
        design_weight,
        is_certainty,
        draws,
        random_number_key,
        random_number_days,
        random_number,
        frame_units,
        frame_exposure,
        maximum_weighted_exposure
    from draws
    where unit_type <> 'user_day'

    union all

    select
        user_day_interactions.plan_id,
        user_day_interactions.unit_id,
        user_day_interactions.unit_type,
        case
            when user_day_interactions.unit_type = 'interaction' then user_day_interactions.interaction_id
            else user_day_interactions.unit_id
        end as unit_key,
        user_day_interactions.sample_date,
        draws.design,
        cast(1 as bigint) as exposure,
        user_day_interactions.inclusion_probability,
        1 / user_day_interactions.inclusion_probability as design_weight,
        user_day_interactions.inclusion_probability = 1 as is_certainty,
        draws.draws,
        draws.random_number_key,
        draws.random_number_days,
        draws.random_number,
        draws.frame_units,
        draws.frame_exposure,
        cast(null as double) as maximum_weighted_exposure
    from user_day_interactions
    inner join draws
        on
            user_day_interactions.plan_id = draws.plan_id
            and user_day_interactions.user_day_id = draws.unit_id

)

select * from final
