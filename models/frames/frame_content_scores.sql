{{ prevalence._daily('unit_date') }}

with

content_days as (

    select * from {{ ref('unit_content_days') }}

),

policies as (

    select * from {{ ref('frame_policies') }}

),

-- what labels of earlier days taught; through a source, because it is learned after the frames are drawn
learned_rates as (

    select * from {{ source('earlier_periods', 'learned_rates') }}

),

risk_scores as (

    select * from {{ ref('stg_risk_scores') }}

),

-- what was known by the end of the day, from the newest model that had scored the content; null where none had
content_day_policies as (

    select {{ prevalence._broadcast(['policies']) }}
        content_days.unit_id,
        content_days.unit_date,
        content_days.content_id,
        content_days.views,
        policies.policy_id,
        policies.importance,
        -- millionths: whole numbers add up to the same sum in any order, on any engine
        cast(round(risk_scores.score * 1000000) as bigint) as score_millionths
    from content_days
    inner join policies
        on content_days.unit_date = policies.unit_date
    left join risk_scores
        on
            content_days.content_id = risk_scores.content_id
            and policies.policy_id = risk_scores.policy_id
            and {{ prevalence._is_before_day(
                'risk_scores.scored_at', prevalence._day_plus_hours('content_days.unit_date', 24)
            ) }}
    -- by content and policy first, as the rows were joined: Spark has nothing to move again
    qualify
        row_number() over (
            partition by content_days.content_id, policies.policy_id, content_days.unit_id
            order by risk_scores.scored_at desc, risk_scores.model_version desc
        ) = 1

),

-- a content without a score gets the mean over the day's scored views; no filter, so that the scores that Spark has
-- moved for the step above serve both of its readings
policy_means as (

    select
        unit_date,
        policy_id,
        cast(sum(views * score_millionths) as double)
        / nullif(cast(sum(case when score_millionths is not null then views end) as double), 0)
            as mean_score_millionths
    from content_day_policies
    group by unit_date, policy_id

),

rates_in_force as (

    {{ prevalence._rates_in_force('learned_rates', 'content_day') | indent(4) }}

),

final as (

    select {{ prevalence._broadcast(['policy_means', 'rates_in_force']) }}
        content_day_policies.unit_id,
        content_day_policies.unit_date,
        content_day_policies.content_id,
        content_day_policies.policy_id,
        coalesce(
            content_day_policies.score_millionths,
            cast(round(policy_means.mean_score_millionths) as bigint),
            cast(1000000 as bigint)
        ) as score_millionths,
        -- one millionth at least, so that a policy whose scores are all zero weighs nothing instead of everything
        greatest(coalesce(policy_means.mean_score_millionths, cast(1000000 as double)), cast(1 as double))
            as mean_score_millionths,
        content_day_policies.score_millionths is null as is_score_imputed,
        content_day_policies.importance,
        rates_in_force.violation_rate_billionths,
        rates_in_force.learned_relative_risk
    from content_day_policies
    left join policy_means
        on
            content_day_policies.unit_date = policy_means.unit_date
            and content_day_policies.policy_id = policy_means.policy_id
    left join rates_in_force
        on
            content_day_policies.unit_date = rates_in_force.unit_date
            and content_day_policies.policy_id = rates_in_force.policy_id
            and {{ prevalence._score_root(
                'content_day_policies.score_millionths', 'content_day_policies.score_millionths is null'
            ) }} = rates_in_force.score_root

)

select * from final
