{{ config(materialized='table') }}

{#- days before and days after a day that it is held against -#}
{%- set near_days = 28 %}

with

calendar_days as (

    select
        unit_date as calendar_date,
        case when is_complete then 0 else 1 end as unfinished_days
    from {{ ref('stg_measured_days') }}

),

daily_sources as (

    select 'interactions' as source_name
    union all
    select 'components' as source_name

),

accounting as (

    select
        source_name,
        row_day,
        landed_rows,
        used_rows + late_rows as usable_rows,
        late_rows,
        duplicate_rows,
        quarantined_rows
    from {{ ref('log_row_accounting') }}

),

interactions as (

    select
        row_date as unit_date,
        sum(row_count) as interactions,
        sum(null_country_rows) as null_country_interactions,
        sum(null_user_rows) as null_user_interactions
    from {{ ref('log_day_counts') }}
    where
        source_name = 'interactions'
        and row_disposition in ('used', 'late')
    group by row_date

),

source_days as (

    select
        daily_sources.source_name,
        calendar_days.calendar_date as row_date,
        case when daily_sources.source_name = 'interactions' then calendar_days.unfinished_days end as unfinished_days,
        coalesce(accounting.landed_rows, 0) as landed_rows,
        coalesce(accounting.usable_rows, 0) as usable_rows,
        coalesce(accounting.late_rows, 0) as late_rows,
        coalesce(accounting.duplicate_rows, 0) as duplicate_rows,
        coalesce(accounting.quarantined_rows, 0) as quarantined_rows,
        case
            when daily_sources.source_name = 'interactions' then interactions.null_country_interactions
        end as null_country_rows,
        case
            when daily_sources.source_name = 'interactions' then interactions.null_user_interactions
        end as null_user_rows,
        case
            when daily_sources.source_name = 'components'
                then
                    cast(coalesce(accounting.usable_rows, 0) as double)
                    / nullif(cast(interactions.interactions as double), 0)
        end as components_per_interaction
    from daily_sources
    cross join calendar_days
    left join accounting
        on
            daily_sources.source_name = accounting.source_name
            and cast(calendar_days.calendar_date as string) = accounting.row_day
    left join interactions
        on calendar_days.calendar_date = interactions.unit_date

),

-- of days with rows: where many are missing, those that are there are held against each other
medians as (

    select
        source_days.source_name,
        source_days.row_date,
        cast(median(case when near_days.usable_rows > 0 then near_days.usable_rows end) as double)
            as median_usable_rows,
        cast(median(near_days.components_per_interaction) as double) as median_components_per_interaction
    from source_days
    inner join source_days as near_days
        on
            source_days.source_name = near_days.source_name
            and near_days.row_date >= {{ prevalence._add_days('source_days.row_date', -near_days) }}
            and near_days.row_date <= {{ prevalence._add_days('source_days.row_date', near_days) }}
    group by source_days.source_name, source_days.row_date

),

final as (

    select
        source_days.source_name,
        source_days.row_date,
        source_days.landed_rows,
        source_days.usable_rows,
        coalesce(
            cast(source_days.usable_rows as double) / nullif(medians.median_usable_rows, 0), cast(0 as double)
        ) as volume_ratio,
        coalesce(
            cast(source_days.duplicate_rows as double) / nullif(cast(source_days.landed_rows as double), 0),
            cast(0 as double)
        ) as duplicate_share,
        coalesce(
            cast(source_days.late_rows as double) / nullif(cast(source_days.landed_rows as double), 0),
            cast(0 as double)
        ) as late_share,
        coalesce(
            cast(source_days.quarantined_rows as double) / nullif(cast(source_days.landed_rows as double), 0),
            cast(0 as double)
        ) as quarantined_share,
        cast(source_days.null_country_rows as double) / nullif(cast(source_days.usable_rows as double), 0)
            as null_country_share,
        cast(source_days.null_user_rows as double) / nullif(cast(source_days.usable_rows as double), 0)
            as null_user_share,
        source_days.components_per_interaction,
        source_days.components_per_interaction / nullif(medians.median_components_per_interaction, 0)
            as components_ratio,
        cast(source_days.unfinished_days as bigint) as unfinished_days
    from source_days
    inner join medians
        on
            source_days.source_name = medians.source_name
            and source_days.row_date = medians.row_date

)

select * from final
