with

-- kept as it was when the user-day was drawn, like the draw itself
open_units as (

    {{ prevalence._not_yet_kept(ref('draw_units')) | indent(4) }}

),

frame_user_days as (

    select * from {{ ref('frame_user_days') }}

),

plans as (

    select * from {{ ref('frame_plans') }}

),

open_draws as (

    select
        open_units.*,
        plans.sampling_salt
    from open_units
    inner join plans
        on
            open_units.plan_id = plans.plan_id
            and open_units.sample_date = plans.unit_date
    where open_units.unit_type = 'user_day'

),

open_days as (

    select distinct
        plan_id,
        sample_date
    from open_draws

),

-- What one user-day of the frame can add to an estimate when all of it violates. Some of v violating units of a
-- user-day are found with a probability of at least v over the largest weighted number that a sample of it can hold,
-- so this, times ln(2 / alpha), bounds what a sample without a positive missed.
day_bounds as (

    select {{ prevalence._broadcast(['open_days']) }}
        frame_user_days.plan_id,
        frame_user_days.unit_date as sample_date,
        max(1 / (frame_user_days.inclusion_probability * frame_user_days.whole_probability)) as maximum_user_day_weight,
        max(
            frame_user_days.sessions / (frame_user_days.inclusion_probability * frame_user_days.whole_probability)
        ) as maximum_session_weight,
        max(
            frame_user_days.interactions / (
                frame_user_days.inclusion_probability * case
                    when frame_user_days.largest_interaction > frame_user_days.components_per_interaction
                        then frame_user_days.whole_probability
                    else {{ prevalence._whole_or_share(
                        'frame_user_days.whole_probability',
                        prevalence._share_within_cap(
                            'frame_user_days.interactions', 'frame_user_days.interactions_per_user_day'
                        )
                    ) }}
                end
            )
        ) as maximum_interaction_weight,
        max(
            frame_user_days.components / (
                frame_user_days.inclusion_probability * {{ prevalence._whole_or_share(
                    'frame_user_days.whole_probability',
                    prevalence._share_within_cap(
                        'frame_user_days.interactions', 'frame_user_days.interactions_per_user_day'
                    )
                    ~ ' * ' ~ prevalence._share_within_cap(
                        'frame_user_days.largest_interaction', 'frame_user_days.components_per_interaction'
                    )
                ) }}
            )
        ) as maximum_component_weight
    from frame_user_days
    inner join open_days
        on
            frame_user_days.plan_id = open_days.plan_id
            and frame_user_days.unit_date = open_days.sample_date
    group by frame_user_days.plan_id, frame_user_days.unit_date

),

numbered_draws as (

    select
        *,
        {{ prevalence._whole_random_number('plan_id', 'unit_id', 'sampling_salt') }} as whole_random_number
    from open_draws

),

final as (

    select
        numbered_draws.plan_id,
        numbered_draws.unit_id,
        frame_user_days.unit_key,
        numbered_draws.sample_date,
        frame_user_days.interactions_per_user_day,
        frame_user_days.components_per_interaction,
        frame_user_days.interactions,
        frame_user_days.sessions,
        frame_user_days.components,
        numbered_draws.inclusion_probability,
        frame_user_days.whole_probability,
        numbered_draws.inclusion_probability * frame_user_days.whole_probability as whole_inclusion_probability,
        numbered_draws.whole_random_number as random_number,
        numbered_draws.whole_random_number < frame_user_days.whole_probability as is_whole,
        day_bounds.maximum_user_day_weight,
        day_bounds.maximum_session_weight,
        day_bounds.maximum_interaction_weight,
        day_bounds.maximum_component_weight
    from numbered_draws
    inner join frame_user_days
        on
            numbered_draws.plan_id = frame_user_days.plan_id
            and numbered_draws.unit_id = frame_user_days.unit_id
    inner join day_bounds
        on
            numbered_draws.plan_id = day_bounds.plan_id
            and numbered_draws.sample_date = day_bounds.sample_date

)

select {{ prevalence._in_one_file() }} * from final
