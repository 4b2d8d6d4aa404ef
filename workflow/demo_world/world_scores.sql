{{ config(enabled=var('demo_world', false), materialized='table', schema='demo_world') }}

{%- set policies = prevalence._world_policies() %}

with

content_risks as (

    select
        content_id,
        policy_id,
        policy_slot,
        risk_key,
        is_borderline,
        risk,
        first_scored_at,
        second_scored_at
    from {{ ref('world_content_risks') }}

),

-- what each version of the scorer takes for ordinary, takes for borderline, and how far off its scale is
model_versions as (

    select
        version_rows.model_version,
        version_rows.blind_share,
        version_rows.alarm_share,
        version_rows.noise_floor,
        version_rows.odds_factor
    from (
        values
        ('2026-06', cast(0.20 as double), cast(0.030 as double), cast(0.05 as double), cast(3.0 as double)),
        ('2026-10', cast(0.10 as double), cast(0.015 as double), cast(0.20 as double), cast(0.6 as double))
    ) as version_rows (model_version, blind_share, alarm_share, noise_floor, odds_factor)

),

keyed_scores as (

    select
        content_risks.content_id,
        content_risks.policy_id,
        content_risks.policy_slot,
        content_risks.is_borderline,
        content_risks.risk,
        model_versions.model_version,
        model_versions.blind_share,
        model_versions.alarm_share,
        model_versions.noise_floor,
        model_versions.odds_factor,
        case
            when model_versions.model_version = '2026-06' then content_risks.first_scored_at
            else content_risks.second_scored_at
        end as version_scored_at,
        coalesce(content_risks.first_scored_at, content_risks.second_scored_at) as known_at,
        content_risks.risk_key || '|' || model_versions.model_version as score_key,
        content_risks.content_id || '|' || model_versions.model_version as content_version_key
    from content_risks
    cross join model_versions
    where
        model_versions.model_version = '2026-06'
        or content_risks.second_scored_at is not null

),

hashed_scores as (

    select
        content_id,
        policy_id,
        policy_slot,
        is_borderline,
        risk,
        model_version,
        blind_share,
        alarm_share,
        noise_floor,
        odds_factor,
        version_scored_at,
        known_at,
        {{ prevalence._world_unit('score_key', 'score') }} as score_unit,
        {{ prevalence._world_unit('score_key', 'row') }} as row_unit,
        {{ prevalence._world_unit('content_version_key', 'missing') }} as missing_unit
    from keyed_scores

),

drawn_scores as (

    select
        content_id,
        policy_id,
        model_version,
        noise_floor,
        odds_factor,
        version_scored_at,
        known_at,
        {{ prevalence._world_piece('score_unit', 0) }} as noise_up_piece,
        {{ prevalence._world_piece('score_unit', 1) }} as noise_down_piece,
        {{ prevalence._world_piece('row_unit', 0) }} as extra_piece,
        {{ prevalence._world_piece('row_unit', 1) }} as kind_piece,
        -- at most one policy's score of a content fails, so a content that a version has seen has a score of it
        {{ prevalence._world_piece('missing_unit', 0) }} < 0.10
        and floor({{ policies | length }} * {{ prevalence._world_piece('missing_unit', 1) }}) + 1 = policy_slot
            as has_failed,
        case
            when is_borderline and {{ prevalence._world_piece('score_unit', 2) }} < blind_share
                then risk / cast(1000 as double)
            when not is_borderline and {{ prevalence._world_piece('score_unit', 2) }} < alarm_share
                then cast(0.02 as double) + cast(0.5 as double) * {{ prevalence._world_piece('score_unit', 3) }}
            else risk
        end as seen_risk
    from hashed_scores

),

scored as (

    select
        content_id,
        policy_id,
        model_version,
        version_scored_at,
        known_at,
        has_failed,
        extra_piece,
        kind_piece,
        odds_factor * seen_risk / (1 - seen_risk)
        * (noise_floor + noise_up_piece) / (noise_floor + noise_down_piece) as score_odds
    from drawn_scores

),

placed_scores as (

    select
        content_id,
        policy_id,
        model_version,
        extra_piece,
        kind_piece,
        floor(1000000 * score_odds / (1 + score_odds) + 0.5) / cast(1000000 as double) as score,
        coalesce(version_scored_at, known_at) as scored_at,
        version_scored_at is not null and not has_failed as is_present
    from scored

),

final as (

    select
        content_id,
        policy_id,
        model_version,
        score,
        scored_at,
        'score' as row_origin
    from placed_scores
    where is_present

    union all

    select
        content_id,
        policy_id,
        model_version,
        score,
        scored_at,
        'duplicate' as row_origin
    from placed_scores
    where
        is_present
        and extra_piece < 0.005

    union all

    -- planted where a score is missing, so that no true row shares their key
    select
        case when kind_piece < 0.8 then content_id end as content_id,
        case when kind_piece >= 0.6 and kind_piece < 0.8 then 'spam' else policy_id end as policy_id,
        model_version,
        case
            when kind_piece < 0.2 then 1 + score
            when kind_piece < 0.4 then -1 - score
            when kind_piece < 0.6 then cast('NaN' as double)
            else score
        end as score,
        scored_at,
        case
            when kind_piece < 0.2 then 'score_above_one'
            when kind_piece < 0.4 then 'score_below_zero'
            when kind_piece < 0.6 then 'score_nan'
            when kind_piece < 0.8 then 'unknown_policy'
            else 'null_content_id'
        end as row_origin
    from placed_scores
    where
        not is_present
        and scored_at is not null
        and extra_piece < 0.02

)

select * from final
