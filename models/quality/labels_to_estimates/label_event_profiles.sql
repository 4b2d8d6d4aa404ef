{{ config(materialized='table') }}

with

accounting as (

    select *
    from {{ ref('label_row_accounting') }}

),

answers as (

    select *
    from {{ ref('stg_label_events_classified') }}
    where row_disposition <> 'quarantined'

),

used_answers as (

    select *
    from answers
    where row_disposition = 'used'

),

-- a later answer that says something else and does not say what it replaces: the first counts
changed_answers as (

    select count(*) as changed_rows
    from answers
    inner join used_answers
        on answers.assignment_id = used_answers.assignment_id
    where
        answers.row_disposition = 'duplicate'
        and not answers.is_superseded
        and answers.outcome = 'ok'
        and (
            answers.decision <> used_answers.decision
            or coalesce(answers.component_refs, '') <> coalesce(used_answers.component_refs, '')
        )

),

badly_named_answers as (

    select count(*) as bad_supersedes_rows
    from answers
    where has_bad_supersedes_event_id

),

totals as (

    select
        coalesce(sum(landed_rows), 0) as landed_rows,
        coalesce(sum(used_rows), 0) as used_rows,
        sum(duplicate_rows) as duplicate_rows,
        sum(quarantined_rows) as quarantined_rows,
        -- days with too many and days with too few must not cancel
        coalesce(sum(abs(unaccounted_rows)), 0) as unaccounted_rows
    from accounting

),

final as (

    select
        'label_events' as source_name,
        cast(totals.landed_rows as bigint) as landed_rows,
        cast(totals.used_rows as bigint) as used_rows,
        cast(totals.unaccounted_rows as bigint) as unaccounted_rows,
        coalesce(
            cast(totals.duplicate_rows as double) / nullif(cast(totals.landed_rows as double), 0), cast(0 as double)
        ) as duplicate_share,
        coalesce(
            cast(totals.quarantined_rows as double) / nullif(cast(totals.landed_rows as double), 0), cast(0 as double)
        ) as quarantined_share,
        cast(changed_answers.changed_rows as bigint) as changed_rows,
        cast(badly_named_answers.bad_supersedes_rows as bigint) as bad_supersedes_rows
    from totals
    cross join changed_answers
    cross join badly_named_answers

)

select * from final
