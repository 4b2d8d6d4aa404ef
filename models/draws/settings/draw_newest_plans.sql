{{ config(materialized='view') }}

with

settings as (

    select *
    from {{ ref('draw_plan_settings') }}

),

final as (

    select
        plan_id,
        sample_date as last_sample_date,
        unit_type,
        design,
        audit_units
    from settings
    qualify row_number() over (partition by plan_id order by sample_date desc) = 1

)

select * from final
