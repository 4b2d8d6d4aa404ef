{#- Draw a sample from a frame by permanent random numbers; the design is a column, so a plan is a row and not code.

Designs:
    poisson: a unit is drawn when its random number is below its inclusion probability; independent, random size.
    pareto: the n units with the smallest ratio of the odds of random number and probability (Rosen, On sampling with
        probability proportional to size, Journal of Statistical Planning and Inference 62, 1997); fixed size.
    simple_random: the n units with the smallest random numbers; fixed size.
    logged: every unit, because the logging system has drawn it already.

Arguments (columns of the relation):
    relation: name of a relation or CTE with one row per unit of each group.
    unit: identifies a unit within its group; breaks ties, so that the order is total.
    design: one of the above.
    inclusion_probability: in [0, 1]; a unit of probability 0 is never drawn.
    is_certainty: boolean; such units are always drawn.
    random_number: in [0, 1), from `hash_unit`; null is never drawn.
    expected_units: sample size of the fixed-size designs.
    by: list of columns that make a group.

Returns a select of the drawn rows with all columns of the relation.
-#}
{% macro draw_sample(
    relation, unit, design, inclusion_probability, is_certainty, random_number, expected_units, by
) -%}
with

_ds_poisson as (

    select *
    from {{ relation }}
    where
        {{ design }} = 'poisson'
        and ({{ random_number }} < {{ inclusion_probability }} or {{ is_certainty }})

),

_ds_fixed_size as (

    select *
    from {{ relation }}
    where {{ design }} in ('pareto', 'simple_random') and {{ inclusion_probability }} > 0
    qualify
        row_number() over (
            partition by {{ by | join(', ') }}
            order by
                case when {{ is_certainty }} then 0 else 1 end asc,
                case
                    when {{ design }} = 'simple_random' or {{ is_certainty }} then {{ random_number }}
                    else
                        ({{ random_number }} / (1 - {{ random_number }}))
                        * ((1 - {{ inclusion_probability }}) / {{ inclusion_probability }})
                end asc,
                {{ unit }} asc
        ) <= {{ expected_units }}

),

_ds_logged as (

    select *
    from {{ relation }}
    where {{ design }} = 'logged' and {{ inclusion_probability }} > 0

)

select * from _ds_poisson
union all
select * from _ds_fixed_size
union all
select * from _ds_logged
{%- endmacro %}
