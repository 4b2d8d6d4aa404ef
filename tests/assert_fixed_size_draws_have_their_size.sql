-- Pareto, sequential Poisson, simple random and stratified samples have exactly the plan's size, or all units of a
-- smaller frame; samples with replacement have as many draws.
with

draws as (

    select
        plan_id,
        sample_date,
        design,
        frame_units,
        sum(draws) as drawn_units
    from {{ ref('draw_units') }}
    where design in ('pareto', 'sequential_poisson', 'simple_random', 'stratified', 'pps_with_replacement')
    group by plan_id, sample_date, design, frame_units

),

plans as (

    select
        plan_id,
        expected_units
    from {{ ref('stg_sampling_plans') }}

)

select
    draws.plan_id,
    draws.sample_date,
    draws.drawn_units,
    plans.expected_units,
    draws.frame_units
from draws
inner join plans
    on draws.plan_id = plans.plan_id
where
    draws.drawn_units
    <> case
        when draws.design = 'pps_with_replacement' then plans.expected_units
        else least(plans.expected_units, draws.frame_units)
    end
