{{ prevalence._daily('unit_date', keeps_days=true) }}

-- depends_on: {{ ref('stg_interactions_classified') }}
-- depends_on: {{ ref('stg_components_classified') }}
-- depends_on: {{ ref('stg_logged_draws_classified') }}

with

landed_days as (

    select *
    from {{ ref('stg_landed_days') }}

),

-- after the day's rows were taken in, so that a run that is killed before takes the day in again
final as (

    select
        interaction_rows,
        interactions,
        components,
        fingerprint,
        unit_date
    from landed_days
    where
        not is_kept
        and cast(unit_date as timestamp) >= {{ prevalence._batch_start() }}
        and cast(unit_date as timestamp) < {{ prevalence._batch_end() }}

)

select * from final
