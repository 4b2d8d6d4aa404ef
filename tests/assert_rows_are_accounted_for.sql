-- Every landed row is used, late, duplicate or quarantined, day by day; the accounting has the rows of the raw tables,
-- those of days that are kept as they were measured left out on both sides.
with

days as (

    select
        source_name,
        row_day,
        landed_rows,
        used_rows + late_rows + duplicate_rows + quarantined_rows as accounted_rows,
        kept_rows,
        has_logs
    from {{ ref('row_accounting') }}

),

raw_rows as (

    {% for source_name in ['users', 'interactions', 'components', 'risk_scores', 'logged_draws', 'label_events'] -%}
    select
        '{{ source_name }}' as source_name,
        count(*) as raw_rows
    from {{ source('raw', source_name) }}
    {% if not loop.last %}
    union all

    {% endif -%}
    {% endfor %}

),

accounted_rows as (

    select
        source_name,
        sum(case when has_logs then accounted_rows else 0 end + kept_rows) as accounted_rows
    from days
    group by source_name

)

select
    source_name,
    row_day,
    landed_rows,
    accounted_rows
from days
where landed_rows <> accounted_rows

union all

select
    raw_rows.source_name,
    'all days' as row_day,
    raw_rows.raw_rows as landed_rows,
    coalesce(accounted_rows.accounted_rows, 0) as accounted_rows
from raw_rows
left join accounted_rows
    on raw_rows.source_name = accounted_rows.source_name
where raw_rows.raw_rows <> coalesce(accounted_rows.accounted_rows, 0)
