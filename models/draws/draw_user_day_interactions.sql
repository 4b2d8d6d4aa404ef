with

open_user_days as (

    {{ prevalence._not_yet_kept(ref('draw_user_days')) | indent(4) }}

),

interactions as (

    select * from {{ ref('unit_interactions') }}

),

plans as (

    select * from {{ ref('frame_plans') }}

),

numbered_interactions as (

    select {{ prevalence._broadcast(['open_user_days', 'plans']) }}
        open_user_days.plan_id,
        open_user_days.unit_id as user_day_id,
        open_user_days.sample_date,
        open_user_days.interactions_per_user_day,
        open_user_days.components_per_interaction,
        open_user_days.inclusion_probability as user_day_inclusion_probability,
        open_user_days.whole_probability,
        open_user_days.is_whole,
        interactions.interaction_id,
        interactions.session_id,
        interactions.surface,
        interactions.country,
        interactions.views,
        {{ prevalence._interaction_random_number(
            'open_user_days.plan_id', 'open_user_days.unit_id', 'interactions.interaction_id',
            'plans.sampling_salt'
        ) }} as random_number
    from interactions
    inner join open_user_days
        on
            interactions.user_id = open_user_days.unit_key
            and interactions.unit_date = open_user_days.sample_date
    inner join plans
        on
            open_user_days.plan_id = plans.plan_id
            and open_user_days.sample_date = plans.unit_date

),

ranked_interactions as (

    select
        *,
        count(*) over (partition by plan_id, user_day_id) as interactions,
        row_number() over (
            partition by plan_id, user_day_id
            order by random_number asc, interaction_id asc
        ) as random_rank
    from numbered_interactions

),

taken_interactions as (

    select
        *,
        views <= coalesce(components_per_interaction, views) as is_within_cap,
        {{ prevalence._share_within_cap('interactions', 'interactions_per_user_day') }} as interaction_share
    from ranked_interactions
    where is_whole or random_rank <= coalesce(interactions_per_user_day, random_rank)

),

final as (

    select
        plan_id,
        user_day_id,
        interaction_id,
        -- an interaction of which labelers see a part is an item of its own, and of its plan
        case when is_whole or is_within_cap then 'interaction' else 'interaction_part' end as unit_type,
        case
            when is_whole or is_within_cap then interaction_id
            else interaction_id || '|' || plan_id
        end as unit_id,
        sample_date,
        session_id,
        surface,
        country,
        views,
        components_per_interaction,
        is_whole as is_user_day_whole,
        random_number,
        user_day_inclusion_probability,
        whole_probability,
        interaction_share,
        user_day_inclusion_probability
        * {{ prevalence._whole_or_share('whole_probability', 'interaction_share') }} as inclusion_probability,
        user_day_inclusion_probability * case
            when is_within_cap
                then {{ prevalence._whole_or_share('whole_probability', 'interaction_share') }}
            else whole_probability
        end as whole_inclusion_probability
    from taken_interactions

)

select {{ prevalence._in_one_file() }} * from final
