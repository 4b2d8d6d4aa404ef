{{ config(materialized='view') }}

with

classified_users as (

    select *
    from {{ ref('stg_users_classified') }}

),

final as (

    select
        user_id,
        country,
        signed_up_at,
        age_band
    from classified_users
    where row_disposition = 'used'

)

select * from final
