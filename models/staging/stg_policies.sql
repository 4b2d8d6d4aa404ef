{{ config(materialized='table') }}

with

policy_versions as (

    select *
    from {{ ref('stg_policy_versions') }}

),

final as (

    select
        policy_id,
        policy_version,
        title,
        importance
    from policy_versions
    qualify row_number() over (partition by policy_id order by version_number desc) = 1

)

select * from final
