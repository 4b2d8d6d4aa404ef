{{ config(enabled=var('demo_world', false), materialized='table', schema='demo_world') }}

{%- set policies = prevalence._world_policies() %}

with

content_risks as (

    select *
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
        content_risks.*,
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
        *,
        {{ prevalence._world_unit('score_key', 'score') }} as score_unit,
        {{ prevalence._world_unit('score_key', 'row') }} as row_unit,
        {{ prevalence._world_unit('content_version_key', 'missing') }} as missing_unit
    from keyed_scores

),

drawn_scores as (

    select
        *,
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
        *,
        odds_factor * seen_risk / (1 - seen_risk)
        * (noise_floor + noise_up_piece) / (noise_floor + noise_down_piece) as score_odds
    from drawn_scores

),

placed_scores as (

    select
        *,
        floor(1000000 * score_odds / (1 + score_odds) + 0.5) / cast(1000000 as double) as score,
        coalesce(version_scored_at, known_at) as scored_at,
        version_scored_at is not null and not has_failed as is_present
    from scored

),

-- What cannot be used is planted where a score is missing, so that no true row shares its key.
marked_scores as (

    select
        *,
        case
            when scored_at is null then null
            when is_present and extra_piece < 0.005 then 'duplicate'
            when is_present or extra_piece >= 0.02 then null
            when kind_piece < 0.2 then 'score_above_one'
            when kind_piece < 0.4 then 'score_below_zero'
            when kind_piece < 0.6 then 'score_nan'
            when kind_piece < 0.8 then 'unknown_policy'
            else 'null_content_id'
        end as extra_row
    from placed_scores

),

copies as (

    select copy_rows.copy_number
    from (values (0), (1)) as copy_rows (copy_number)

),

final as (

    select
        case
            when copies.copy_number = 0 or marked_scores.extra_row <> 'null_content_id' then marked_scores.content_id
        end as content_id,
        case
            when copies.copy_number = 1 and marked_scores.extra_row = 'unknown_policy' then 'spam'
            else marked_scores.policy_id
        end as policy_id,
        marked_scores.model_version,
        case
            when copies.copy_number = 0 then marked_scores.score
            when marked_scores.extra_row = 'score_above_one' then 1 + marked_scores.score
            when marked_scores.extra_row = 'score_below_zero' then -1 - marked_scores.score
            when marked_scores.extra_row = 'score_nan' then cast('NaN' as double)
            else marked_scores.score
        end as score,
        marked_scores.scored_at,
        case when copies.copy_number = 0 then 'score' else marked_scores.extra_row end as row_origin
    from marked_scores
    inner join copies
        on
            (copies.copy_number = 0 and marked_scores.is_present)
            or (copies.copy_number = 1 and marked_scores.extra_row is not null)

)

select * from final
