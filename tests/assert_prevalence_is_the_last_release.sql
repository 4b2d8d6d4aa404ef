-- marts.prevalence holds the figures of the ledger as the last release leaves them, one for each key, and no others.
{%- set key = [
    'period_type', 'period_start', 'policy_id', 'unit_type', 'pivot_name', 'pivot_value', 'estimator', 'plan_id'
] %}
with

figures as (

    select * from {{ ref('release_figures') }}

),

periods as (

    select * from {{ ref('periods') }}
    where is_in_version_1

),

-- of two versions of a policy the mart shows one
last_figures as (

    select distinct
        figures.release_id,
        {{ 'figures.' ~ key | join(',\n        figures.') }}
    from figures
    inner join periods
        on figures.period_type = periods.period_type

),

last_rows as (

    select
        release_id,
        count(*) as ledger_rows
    from last_figures
    group by release_id

),

mart_rows as (

    select
        release_id,
        count(*) as mart_rows
    from {{ ref('prevalence', v=1) }}
    group by release_id

)

select
    coalesce(last_rows.release_id, mart_rows.release_id) as release_id,
    last_rows.ledger_rows,
    mart_rows.mart_rows
from last_rows
full outer join mart_rows
    on last_rows.release_id = mart_rows.release_id
where coalesce(last_rows.ledger_rows, 0) <> coalesce(mart_rows.mart_rows, 0)
