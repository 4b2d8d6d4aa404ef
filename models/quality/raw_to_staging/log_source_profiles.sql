{{ config(materialized='table') }}

with

raw_rows as (

    {% for source_name in ['users', 'interactions', 'components', 'risk_scores', 'logged_draws'] -%}
    select
        '{{ source_name }}' as source_name,
        count(*) as raw_rows
    from {{ source('raw', source_name) }}
    {% if not loop.last %}
    union all

    {% endif -%}
    {% endfor %}

),

row_counts as (

    select *
    from {{ ref('log_row_counts') }}

),

accounting as (

    select *
    from {{ ref('log_row_accounting') }}

),

-- days without interactions between days that have some: their components, where those came, belong to none yet
missing_days as (

    select count(*) as day_count
    from {{ ref('stg_measured_days') }}
    where not is_staged

),

-- rows of days whose logs are gone were accounted for when they were there, and are usable still
judged_rows as (

    select
        row_counts.*,
        accounting.has_logs or row_counts.row_disposition = 'kept' as is_in_raw,
        missing_days.day_count > 0 as has_missing_days
    from row_counts
    cross join missing_days
    inner join accounting
        on
            row_counts.source_name = accounting.source_name
            and row_counts.row_day = accounting.row_day
    where row_counts.row_disposition <> 'landed'

),

disposed_rows as (

    select
        source_name,
        sum(case when is_in_raw then row_count else 0 end) as disposed_rows,
        sum(case when row_disposition in ('used', 'late') then row_count else 0 end) as usable_rows,
        sum(case when is_in_raw and row_disposition = 'late' then row_count else 0 end) as late_rows,
        sum(
            case
                when is_in_raw and row_disposition = 'duplicate' and quarantine_reason <> 'exported_again'
                    then row_count
                else 0
            end
        ) as duplicate_rows,
        sum(case when is_in_raw and row_disposition = 'quarantined' then row_count else 0 end) as quarantined_rows,
        sum(case when quarantine_reason = 'outside_period' then row_count else 0 end) as outside_period_rows,
        -- the day says that it is missing, and holds back itself
        sum(
            case
                when
                    quarantine_reason = 'outside_period'
                    or (quarantine_reason = 'interaction_missing' and has_missing_days)
                    then row_count
                else 0
            end
        ) as unjudged_rows,
        sum(case when quarantine_reason = 'unknown_policy' then row_count else 0 end) as unknown_policy_rows
    from judged_rows
    group by source_name

),

counted_sources as (

    select
        raw_rows.source_name,
        cast(raw_rows.raw_rows as bigint) as raw_rows,
        cast(coalesce(disposed_rows.disposed_rows, 0) as bigint) as disposed_rows,
        cast(coalesce(disposed_rows.usable_rows, 0) as bigint) as usable_rows,
        cast(coalesce(disposed_rows.late_rows, 0) as bigint) as late_rows,
        cast(coalesce(disposed_rows.duplicate_rows, 0) as bigint) as duplicate_rows,
        cast(coalesce(disposed_rows.quarantined_rows, 0) as bigint) as quarantined_rows,
        cast(coalesce(disposed_rows.outside_period_rows, 0) as bigint) as outside_period_rows,
        -- what is scored for other policies as well is no fault; where nothing else is, the names are
        cast(
            coalesce(disposed_rows.unjudged_rows, 0)
            + case when disposed_rows.usable_rows > 0 then disposed_rows.unknown_policy_rows else 0 end as bigint
        ) as unjudged_rows
    from raw_rows
    left join disposed_rows
        on raw_rows.source_name = disposed_rows.source_name

),

-- rows of other days than those that are measured are set aside too, but there is nothing to mend in them here
final as (

    select
        source_name,
        raw_rows,
        raw_rows - disposed_rows as unaccounted_rows,
        usable_rows,
        case when source_name in ('interactions', 'components') then usable_rows end as required_usable_rows,
        outside_period_rows,
        coalesce(
            cast(late_rows as double) / nullif(cast(disposed_rows - unjudged_rows as double), 0),
            cast(0 as double)
        ) as late_share,
        coalesce(
            cast(duplicate_rows as double) / nullif(cast(disposed_rows - unjudged_rows as double), 0),
            cast(0 as double)
        ) as duplicate_share,
        coalesce(
            cast(quarantined_rows - unjudged_rows as double)
            / nullif(cast(disposed_rows - unjudged_rows as double), 0),
            cast(0 as double)
        ) as quarantined_share
    from counted_sources

)

select * from final
