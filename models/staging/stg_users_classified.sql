{{ config(materialized='table') }}

with

users as (

    select *
    from {{ source('raw', 'users') }}

),

checked_rows as (

    select
        *,
        case
            when {{ prevalence._is_missing('user_id') }} then 'missing_user_id'
            when country is null then 'missing_country'
            when signed_up_at is null then 'missing_signed_up_at'
        end as quarantine_reason
    from users

),

ranked_rows as (

    select
        *,
        row_number() over (
            partition by user_id, case when quarantine_reason is null then 1 else 0 end
            order by signed_up_at asc nulls last, country asc nulls last, age_band asc nulls last
        ) as row_rank,
        -- users are exported again each day: a row that is as before says nothing new
        row_number() over (
            partition by user_id, country, signed_up_at, age_band
            order by user_id asc
        ) as copy_number
    from checked_rows

),

final as (

    select
        user_id,
        country,
        signed_up_at,
        age_band,
        {{ prevalence._day_of('signed_up_at') }} as row_date,
        case
            when quarantine_reason is not null then 'quarantined'
            when row_rank > 1 then 'duplicate'
            else 'used'
        end as row_disposition,
        quarantine_reason,
        quarantine_reason is null and copy_number > 1 as is_exported_again
    from ranked_rows

)

select * from final
