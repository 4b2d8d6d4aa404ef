with

-- kept as it was when the unit was drawn, like the draw itself
open_draws as (

    {{ prevalence._not_yet_kept(ref('draw_units')) | indent(4) }}

),

components as (

    select *
    from {{ ref('stg_components') }}
    where was_viewed

),

interactions as (

    select * from {{ ref('unit_interactions') }}

),

risk_scores as (

    select * from {{ ref('stg_risk_scores') }}

),

content_day_views as (

    select {{ prevalence._broadcast(['open_draws']) }}
        open_draws.plan_id,
        open_draws.unit_id,
        open_draws.unit_type,
        open_draws.sample_date,
        interactions.surface,
        interactions.country,
        count(*) as exposure
    from open_draws
    inner join components
        on
            open_draws.unit_key = components.content_id
            and open_draws.sample_date = components.unit_date
    inner join interactions
        on
            components.interaction_id = interactions.interaction_id
            and components.unit_date = interactions.unit_date
    where open_draws.unit_type = 'content_day'
    group by
        open_draws.plan_id, open_draws.unit_id, open_draws.unit_type, open_draws.sample_date,
        interactions.surface, interactions.country

),

drawn_interactions as (

    select {{ prevalence._broadcast(['open_draws']) }}
        open_draws.plan_id,
        open_draws.unit_id,
        open_draws.unit_type,
        open_draws.sample_date,
        interactions.surface,
        interactions.country,
        open_draws.exposure
    from open_draws
    inner join interactions
        on
            open_draws.unit_key = interactions.interaction_id
            and open_draws.sample_date = interactions.unit_date
    where open_draws.unit_type = 'interaction'

),

placed_exposures as (

    select * from content_day_views

    union all

    select * from drawn_interactions

),

viewed_contents as (

    select
        plan_id,
        unit_id,
        sample_date,
        unit_key as content_id
    from open_draws
    where unit_type = 'content_day'

    union all

    select {{ prevalence._broadcast(['open_draws']) }}
        open_draws.plan_id,
        open_draws.unit_id,
        open_draws.sample_date,
        components.content_id
    from open_draws
    inner join components
        on
            open_draws.unit_key = components.interaction_id
            and open_draws.sample_date = components.unit_date
    where open_draws.unit_type = 'interaction'

),

drawn_contents as (

    select distinct content_id
    from viewed_contents

),

first_scores as (

    select {{ prevalence._broadcast(['drawn_contents']) }}
        risk_scores.content_id,
        {{ prevalence._day_of('min(risk_scores.scored_at)') }} as first_scored_date
    from risk_scores
    inner join drawn_contents
        on risk_scores.content_id = drawn_contents.content_id
    group by risk_scores.content_id

),

-- an interaction is as old as its newest viewed content of known age
unit_ages as (

    select
        open_draws.plan_id,
        open_draws.unit_id,
        open_draws.unit_type,
        open_draws.sample_date,
        max(open_draws.exposure) as exposure,
        min(
            case
                when first_scores.first_scored_date <= open_draws.sample_date
                    then {{ prevalence._days_between('first_scores.first_scored_date', 'open_draws.sample_date') }}
            end
        ) as content_age_days
    from open_draws
    left join viewed_contents
        on
            open_draws.plan_id = viewed_contents.plan_id
            and open_draws.unit_id = viewed_contents.unit_id
            and open_draws.sample_date = viewed_contents.sample_date
    left join first_scores
        on viewed_contents.content_id = first_scores.content_id
    group by open_draws.plan_id, open_draws.unit_id, open_draws.unit_type, open_draws.sample_date

),

pivots as (

    select
        plan_id,
        unit_id,
        unit_type,
        sample_date,
        'overall' as pivot_name,
        'all' as pivot_value,
        exposure
    from open_draws

    union all

    {% for place in ['surface', 'country'] -%}
    select
        plan_id,
        unit_id,
        unit_type,
        sample_date,
        '{{ place }}' as pivot_name,
        {{ place }} as pivot_value,
        sum(exposure) as exposure
    from placed_exposures
    group by plan_id, unit_id, unit_type, sample_date, {{ place }}

    union all

    {% endfor -%}
    select
        plan_id,
        unit_id,
        unit_type,
        sample_date,
        'content_age' as pivot_name,
        case
            when content_age_days is null then 'unknown'
            when content_age_days <= 1 then '0_1_days'
            when content_age_days <= 7 then '2_7_days'
            when content_age_days <= 27 then '8_27_days'
            else '28_days_or_more'
        end as pivot_value,
        exposure
    from unit_ages

),

final as (

    select
        plan_id,
        unit_id,
        unit_type,
        sample_date,
        pivot_name,
        pivot_value,
        cast(exposure as bigint) as exposure
    from pivots

)

select {{ prevalence._in_one_file() }} * from final
