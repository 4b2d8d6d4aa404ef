-- Six units, three drawn, with given random numbers: what each design picks, worked out by hand.
with

units as (

    select
        designs.design,
        designs.expected_unit_ids,
        six_units.unit_id,
        six_units.inclusion_probability,
        six_units.random_number,
        cast(3 as bigint) as expected_units,
        false as is_certainty
    from (
        values
        ('1', 0.15, 0.12), ('2', 0.30, 0.55), ('3', 0.45, 0.40), ('4', 0.60, 0.20), ('5', 0.75, 0.90), ('6', 0.75, 0.33)
    ) as six_units (unit_id, inclusion_probability, random_number)
    cross join (
        values
        ('poisson', '1,3,4,6'), ('sequential_poisson', '1,4,6'), ('pareto', '1,4,6'), ('simple_random', '1,4,6'),
        ('logged', '1,2,3,4,5,6')
    ) as designs (design, expected_unit_ids)

),

drawn_units as (

    {{ prevalence.draw_sample(
        'units', unit='unit_id', design='design', inclusion_probability='inclusion_probability',
        is_certainty='is_certainty', random_number='random_number', expected_units='expected_units', by=['design']
    ) | indent(4) }}

),

drawn_lists as (

    select
        design,
        max(expected_unit_ids) as expected_unit_ids,
        {{ prevalence._string_agg('unit_id', ',', 'unit_id') }} as drawn_unit_ids
    from drawn_units
    group by design

),

counted_lists as (

    select
        design,
        expected_unit_ids,
        drawn_unit_ids,
        count(*) over () as design_count
    from drawn_lists

)

select
    design,
    expected_unit_ids,
    drawn_unit_ids
from counted_lists
where drawn_unit_ids <> expected_unit_ids or design_count <> 5
