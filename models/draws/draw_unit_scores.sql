with

-- kept as it was when the unit was drawn, like the draw itself
open_draws as (

    {{ prevalence._not_yet_kept(ref('draw_units')) | indent(4) }}

),

content_scores as (

    select * from {{ ref('frame_content_scores') }}

),

components as (

    select *
    from {{ ref('stg_components') }}
    where was_viewed

),

content_day_scores as (

    select {{ prevalence._broadcast(['open_draws']) }}
        open_draws.plan_id,
        open_draws.unit_id,
        open_draws.unit_type,
        open_draws.sample_date,
        content_scores.policy_id,
        content_scores.score_millionths,
        content_scores.is_score_imputed
    from content_scores
    inner join open_draws
        on content_scores.unit_id = open_draws.unit_id
    where open_draws.unit_type = 'content_day'

),

viewed_contents as (

    select {{ prevalence._broadcast(['open_draws']) }}
        open_draws.*,
        components.content_id
    from components
    inner join open_draws
        on
            components.interaction_id = open_draws.unit_key
            and components.unit_date = open_draws.sample_date
    where open_draws.unit_type = 'interaction'

),

interaction_scores as (

    select {{ prevalence._broadcast(['viewed_contents']) }}
        viewed_contents.plan_id,
        viewed_contents.unit_id,
        viewed_contents.unit_type,
        viewed_contents.sample_date,
        content_scores.policy_id,
        max(content_scores.score_millionths) as score_millionths,
        bool_and(content_scores.is_score_imputed) as is_score_imputed
    from content_scores
    inner join viewed_contents
        on
            content_scores.content_id = viewed_contents.content_id
            and content_scores.unit_date = viewed_contents.sample_date
    group by
        viewed_contents.plan_id, viewed_contents.unit_id, viewed_contents.unit_type, viewed_contents.sample_date,
        content_scores.policy_id

),

unit_scores as (

    select * from content_day_scores

    union all

    select * from interaction_scores

),

final as (

    select
        plan_id,
        unit_id,
        unit_type,
        sample_date,
        policy_id,
        score_millionths,
        is_score_imputed
    from unit_scores

)

select {{ prevalence._in_one_file() }} * from final
