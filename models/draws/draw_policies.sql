with

-- what a day's units are asked about stays as it was when the day was drawn, like the draw itself
open_draws as (

    {{ prevalence._not_yet_kept(ref('draw_units')) | indent(4) }}

),

policies as (

    select * from {{ ref('stg_policies') }}

),

open_days as (

    select distinct
        plan_id,
        sample_date
    from open_draws

),

final as (

    select
        open_days.plan_id,
        open_days.sample_date,
        policies.policy_id,
        policies.policy_version,
        policies.title,
        policies.importance
    from open_days
    cross join policies

)

select {{ prevalence._in_one_file() }} * from final
