{{ config(materialized='view') }}

{#- What a unit is told apart by. Within a cell exposures differ by less than a seventh, raw risks by less than a fifth,
learned risks by less than a sixth, scores by about a third where they are common: sums stand for the units. -#}
{%- set cell = [
    'unit_type', 'unit_date', 'risk_scope', 'policy_id', 'exposure_bucket', 'raw_risk_bucket', 'learned_risk_bucket',
    'highest_score_bucket', 'score_bucket'
] %}

with

sized_units as (

    select
        unit_type,
        unit_date,
        unit_key,
        risk_scope,
        exposure,
        highest_score_millionths,
        raw_relative_risk,
        learned_relative_risk
    from {{ ref('frame_unit_sizes') }}

),

content_scores as (

    select *
    from {{ ref('frame_content_scores') }}

),

components as (

    select *
    from {{ ref('stg_components') }}
    where was_viewed

),

policies as (

    select policy_id
    from {{ ref('stg_policies') }}

),

-- what labels of earlier days taught; through a source, because it is learned after the frames are drawn
learned_rates as (

    select *
    from {{ source('earlier_periods', 'learned_rates') }}

),

interaction_rates as (

    {{ prevalence._rates_in_force('learned_rates', 'interaction') | indent(4) }}

),

-- the score of an interaction under a policy is that of its riskiest viewed component, as in its size
viewed_scores as (

    select
        components.interaction_id,
        components.unit_date,
        content_scores.policy_id,
        max(content_scores.score_millionths) as score_millionths,
        bool_and(content_scores.is_score_imputed) as is_score_imputed
    from components
    inner join content_scores
        on
            components.content_id = content_scores.content_id
            and components.unit_date = content_scores.unit_date
    group by components.interaction_id, components.unit_date, content_scores.policy_id

),

unit_scores as (

    select
        'content_day' as unit_type,
        unit_date,
        content_id as unit_key,
        policy_id,
        score_millionths,
        is_score_imputed,
        violation_rate_billionths
    from content_scores

    union all

    select {{ prevalence._broadcast(['interaction_rates']) }}
        'interaction' as unit_type,
        viewed_scores.unit_date,
        viewed_scores.interaction_id as unit_key,
        viewed_scores.policy_id,
        viewed_scores.score_millionths,
        viewed_scores.is_score_imputed,
        interaction_rates.violation_rate_billionths
    from viewed_scores
    left join interaction_rates
        on
            viewed_scores.unit_date = interaction_rates.unit_date
            and viewed_scores.policy_id = interaction_rates.policy_id
            and {{ prevalence._score_root('viewed_scores.score_millionths', 'viewed_scores.is_score_imputed') }}
            = interaction_rates.score_root

),

-- an interaction of which nothing was viewed has no score and nothing that could violate
policy_units as (

    select {{ prevalence._broadcast(['policies']) }}
        sized_units.*,
        policies.policy_id,
        coalesce(unit_scores.score_millionths, cast(0 as bigint)) as score_millionths,
        coalesce(unit_scores.is_score_imputed, true) as is_score_imputed,
        unit_scores.violation_rate_billionths
    from sized_units
    cross join policies
    left join unit_scores
        on
            sized_units.unit_type = unit_scores.unit_type
            and sized_units.unit_date = unit_scores.unit_date
            and sized_units.unit_key = unit_scores.unit_key
            and policies.policy_id = unit_scores.policy_id

),

bucketed_units as (

    select
        *,
        {{ prevalence._root_bucket('exposure', 32, 100000) }} as exposure_bucket,
        {{ prevalence._root_bucket('raw_relative_risk', 8, 100000) }} as raw_risk_bucket,
        -- a bucket below all others where no rates are in force
        case
            when learned_relative_risk is null then cast(-1 as bigint)
            else {{ prevalence._root_bucket('learned_relative_risk', 4, 100000) }}
        end as learned_risk_bucket,
        {{ prevalence._root_bucket('highest_score_millionths', 4, 100000) }} as highest_score_bucket,
        {{ prevalence._root_bucket('score_millionths', 4, 100000) }} as score_bucket,
        cast(round(exposure * sqrt(cast(raw_relative_risk as double))) as bigint) as raw_risk_size,
        cast(round(exposure * sqrt(cast(learned_relative_risk as double))) as bigint) as learned_risk_size,
        cast(round(1000 * sqrt(cast(score_millionths as double))) as bigint) as score_root_thousandths
    from policy_units

),

final as (

    select
        {{ cell | join(',\n        ') }},
        cast(count(*) as bigint) as units,
        cast(sum(exposure) as bigint) as exposure,
        cast(sum(raw_risk_size) as bigint) as raw_risk_size,
        cast(sum(learned_risk_size) as bigint) as learned_risk_size,
        max(highest_score_millionths) as highest_score_millionths,
        cast(sum(score_millionths) as bigint) as score_millionths,
        cast(sum(score_root_thousandths) as bigint) as score_root_thousandths,
        cast(sum(violation_rate_billionths) as bigint) as violation_rate_billionths,
        cast(count_if(is_score_imputed) as bigint) as imputed_score_units
    from bucketed_units
    group by
        {{ cell | join(',\n        ') }}

)

select * from final
