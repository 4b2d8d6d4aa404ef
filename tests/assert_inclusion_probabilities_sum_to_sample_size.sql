-- A frame's probabilities add up to the plan's sample size, or to the frame's units where those are fewer: unless they
-- are drawn with replacement, and probabilities are expected draws.
with

totals as (

    select * from {{ ref('frame_totals') }}
    where expected_units is not null

),

plans as (

    select * from {{ ref('frame_plans') }}

),

designs as (

    select * from {{ ref('designs') }}

),

expected_sums as (

    select
        totals.plan_id,
        totals.unit_date,
        totals.expected_units,
        totals.frame_units,
        totals.sum_of_inclusion_probabilities,
        case
            when designs.is_with_replacement then totals.expected_units
            else least(totals.expected_units, totals.frame_units)
        end as expected_sum
    from totals
    left join plans
        on
            totals.plan_id = plans.plan_id
            and totals.unit_date = plans.unit_date
    left join designs
        on plans.design = designs.design

)

select
    plan_id,
    unit_date,
    expected_units,
    frame_units,
    sum_of_inclusion_probabilities
from expected_sums
-- relative: the sum adds the rounding of one probability per unit of the frame
where abs(sum_of_inclusion_probabilities - expected_sum) > 1e-9 * expected_sum
