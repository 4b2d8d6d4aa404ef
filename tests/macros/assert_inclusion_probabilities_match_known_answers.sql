-- The six units of Ohlsson's and Rosen's example (sizes 10 to 50, three drawn), and a frame whose largest unit is taken
-- for certain: 3 x 100 / 160 > 1, then 2 x 30 / 60 = 1, so the second is certain too and the others share one draw.
with

units as (

    select
        'shares' as plan_id,
        unit_id,
        size_measure,
        3 as expected_units,
        expected_probability
    from (
        values
        ('1', 10, 0.15), ('2', 20, 0.30), ('3', 30, 0.45), ('4', 40, 0.60), ('5', 50, 0.75), ('6', 50, 0.75)
    ) as six_units (unit_id, size_measure, expected_probability) -- noqa: AL05

    union all

    select
        'certainties' as plan_id,
        unit_id,
        size_measure,
        3 as expected_units,
        expected_probability
    from (
        values
        ('1', 100, 1.0), ('2', 30, 1.0), ('3', 12, 0.4), ('4', 12, 0.4), ('5', 6, 0.2), ('6', 0, 0.0)
    ) as certain_units (unit_id, size_measure, expected_probability) -- noqa: AL05

    union all

    select
        'census' as plan_id,
        unit_id,
        size_measure,
        3 as expected_units,
        expected_probability
    from (values ('1', 5, 1.0), ('2', 1, 1.0)) as few_units (unit_id, size_measure, expected_probability) -- noqa: AL05

),

probabilities as (

    {{ prevalence.inclusion_probabilities(
        'units', unit='unit_id', size='size_measure', expected_units='expected_units', by=['plan_id']
    ) | indent(4) }}

)

select
    units.plan_id,
    units.unit_id,
    units.expected_probability,
    probabilities.inclusion_probability
from units
left join probabilities
    on
        units.plan_id = probabilities.plan_id
        and units.unit_id = probabilities.unit_id
where
    probabilities.inclusion_probability is null
    or abs(probabilities.inclusion_probability - units.expected_probability) > 1e-15
    or probabilities.is_certainty <> (units.expected_probability = 1)
