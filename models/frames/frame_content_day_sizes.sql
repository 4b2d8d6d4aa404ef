{{ prevalence._daily('unit_date') }}

with

content_days as (

    select
        unit_id,
        unit_date,
        content_id,
        views
    from {{ ref('unit_content_days') }}

),

content_scores as (

    select
        unit_id,
        score_millionths,
        mean_score_millionths,
        is_score_imputed
    from {{ ref('frame_content_scores') }}

),

unit_risks as (

    select
        unit_id,
        least(
            sum({{ prevalence._relative_risk('score_millionths', 'mean_score_millionths') }}),
            1000000000000000000
        ) as relative_risk,
        bool_or(is_score_imputed) as is_score_imputed
    from content_scores
    group by unit_id

),

final as (

    select
        content_days.unit_id,
        content_days.unit_date,
        content_days.content_id as unit_key,
        content_days.views as exposure,
        unit_risks.is_score_imputed,
        cast(round(content_days.views * sqrt(cast(unit_risks.relative_risk as double))) as bigint) as risk_size
    from content_days
    inner join unit_risks
        on content_days.unit_id = unit_risks.unit_id

)

select * from final
