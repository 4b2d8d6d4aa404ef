{{ config(materialized='view') }}

with

classified_draws as (

    select *
    from {{ ref('stg_logged_draws_classified') }}

),

final as (

    select
        plan_id,
        interaction_id,
        inclusion_probability,
        row_date as unit_date
    from classified_draws
    where row_disposition = 'used'

)

select * from final
