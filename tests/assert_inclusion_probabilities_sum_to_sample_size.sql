-- A frame's probabilities add up to the plan's sample size, or to the frame's units where those are fewer.
select
    plan_id,
    unit_date,
    expected_units,
    frame_units,
    sum_of_inclusion_probabilities
from {{ ref('frame_totals') }}
where
    expected_units is not null
    -- relative: the sum adds the rounding of one probability per unit of the frame
    and abs(sum_of_inclusion_probabilities - least(expected_units, frame_units))
    > 1e-9 * least(expected_units, frame_units)
