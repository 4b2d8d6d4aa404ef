with

open_interactions as (

    {{ prevalence._not_yet_kept(ref('draw_user_day_interactions')) | indent(4) }}

),

components as (

    select * from {{ ref('stg_components') }}

),

plans as (

    select * from {{ ref('frame_plans') }}

),

numbered_components as (

    select {{ prevalence._broadcast(['open_interactions', 'plans']) }}
        open_interactions.plan_id,
        open_interactions.user_day_id,
        open_interactions.interaction_id,
        open_interactions.unit_type,
        open_interactions.unit_id,
        open_interactions.sample_date,
        open_interactions.components_per_interaction,
        open_interactions.user_day_inclusion_probability,
        open_interactions.whole_probability,
        open_interactions.interaction_share,
        components.position,
        components.was_viewed,
        {{ prevalence._component_random_number(
            'open_interactions.plan_id', 'open_interactions.interaction_id', 'components.position',
            'plans.sampling_salt'
        ) }} as random_number
    from components
    inner join open_interactions
        on
            components.interaction_id = open_interactions.interaction_id
            and components.unit_date = open_interactions.sample_date
    inner join plans
        on
            open_interactions.plan_id = plans.plan_id
            and open_interactions.sample_date = plans.unit_date

),

ranked_components as (

    select
        *,
        count(case when was_viewed then 1 end) over (partition by plan_id, interaction_id) as views,
        row_number() over (
            partition by plan_id, interaction_id, was_viewed
            order by random_number asc, position asc
        ) as random_rank
    from numbered_components

),

-- what labelers see: all of it, or the first of what was viewed
shown_components as (

    select
        *,
        row_number() over (partition by plan_id, interaction_id order by position asc) - 1 as component_number
    from ranked_components
    where unit_type = 'interaction' or (was_viewed and random_rank <= components_per_interaction)

),

final as (

    select
        plan_id,
        user_day_id,
        interaction_id,
        unit_type,
        unit_id,
        sample_date,
        position,
        'c' || cast(component_number as string) as component_ref,
        was_viewed,
        random_number,
        -- what nobody viewed is shown beside the rest and is no component of the population
        case
            when was_viewed
                then
                    user_day_inclusion_probability * {{ prevalence._whole_or_share(
                        'whole_probability',
                        'interaction_share * ' ~ prevalence._share_within_cap('views', 'components_per_interaction')
                    ) }}
        end as inclusion_probability
    from shown_components

)

select {{ prevalence._in_one_file() }} * from final
