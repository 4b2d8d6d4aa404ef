-- Samples of fixed size have exactly the plan's size, or all units of a smaller frame; samples with replacement have as
-- many draws.
with

designs as (

    select * from {{ ref('designs') }}
    where is_fixed_size

),

plans as (

    select * from {{ ref('draw_plan_settings') }}

),

draws as (

    select
        plan_id,
        sample_date,
        design,
        frame_units,
        sum(draws) as drawn_units
    from {{ ref('draw_units') }}
    group by plan_id, sample_date, design, frame_units

)

select
    draws.plan_id,
    draws.sample_date,
    draws.drawn_units,
    plans.expected_units,
    draws.frame_units
from draws
inner join designs
    on draws.design = designs.design
inner join plans
    on
        draws.plan_id = plans.plan_id
        and draws.sample_date = plans.sample_date
where
    draws.drawn_units
    <> case
        when designs.is_with_replacement then plans.expected_units
        else least(plans.expected_units, draws.frame_units)
    end
