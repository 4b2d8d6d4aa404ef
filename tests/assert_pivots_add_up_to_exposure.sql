-- Values of a pivot share a unit's exposure out; they neither lose nor double any of it.
with

draws as (

    select
        plan_id,
        unit_id,
        exposure
    from {{ ref('draw_units') }}

),

pivot_totals as (

    select
        plan_id,
        unit_id,
        pivot_name,
        sum(exposure) as exposure
    from {{ ref('draw_unit_exposures') }}
    group by plan_id, unit_id, pivot_name

)

select
    draws.plan_id,
    draws.unit_id,
    pivot_totals.pivot_name,
    draws.exposure,
    pivot_totals.exposure as pivot_exposure
from draws
left join pivot_totals
    on
        draws.plan_id = pivot_totals.plan_id
        and draws.unit_id = pivot_totals.unit_id
where pivot_totals.exposure is null or pivot_totals.exposure <> draws.exposure
