{#- Draw a sample from a frame by permanent random numbers; the design is a column, so a plan is a row and not code.

Designs:
    poisson: a unit is drawn when its random number is below its inclusion probability; independent, random size.
    pareto: the n units with the smallest ratio of the odds of random number and probability (Rosen, On sampling with
        probability proportional to size, Journal of Statistical Planning and Inference 62, 1997); fixed size.
    sequential_poisson: the n units with the smallest ratio of random number and inclusion probability (Ohlsson,
        Sequential Poisson sampling, Journal of Official Statistics 14, 1998); fixed size. Units of equal size are drawn
        as by simple_random.
    simple_random: the n units with the smallest random numbers; fixed size.
    stratified: pareto within each stratum, which is among `by`; units of one size are then a simple random sample of it.
    logged: every unit, because the logging system has drawn it already.

The designs of fixed size rank few units, in two passes. The first counts units per bucket of the value that ranks them
(`_root_bucket`, which never puts a smaller value into a higher bucket; certainties have a bucket of their own before
all others) and finds the lowest bucket at which the count reaches n. The n first units of the group lie in buckets up
to that one, since these hold n units or more and no other unit comes before any of them. The second ranks those units
exactly. They are n and what the last bucket holds beyond it: its values differ by less than 0.4 % for ratios near
1, where n units are reached with probabilities that sum to n, and by 1.7 % where 10^-5 of the units are drawn.
Where a ratio of 256 does not reach n, all of the group's units are ranked: more than 256 times the sum of the
probabilities was asked for, or more units than there are.

Arguments (columns of the relation):
    relation: name of a relation or CTE with one row per unit of each group.
    unit: identifies a unit within its group; breaks ties, so that the order is total.
    design: one of the above, the same in all rows of a group.
    inclusion_probability: in [0, 1]; a unit of probability 0 is never drawn.
    is_certainty: boolean; such units are always drawn.
    random_number: in [0, 1), from `hash_unit`; null is never drawn, but for a certainty.
    expected_units: sample size of the fixed-size designs, the same in all rows of a group; null draws nothing.
    by: list of columns that make a group.

Returns a select of the drawn rows with all columns of the relation.
-#}
{% macro draw_sample(
    relation, unit, design, inclusion_probability, is_certainty, random_number, expected_units, by
) -%}
{%- set ranking_value -%}
    case
                        when _ds_units.{{ design }} = 'simple_random' or _ds_units.{{ is_certainty }}
                            then _ds_units.{{ random_number }}
                        when _ds_units.{{ design }} = 'sequential_poisson'
                            then _ds_units.{{ random_number }} / nullif(_ds_units.{{ inclusion_probability }}, 0)
                        else
                            (_ds_units.{{ random_number }} / (1 - _ds_units.{{ random_number }}))
                            * (
                                (1 - _ds_units.{{ inclusion_probability }})
                                / nullif(_ds_units.{{ inclusion_probability }}, 0)
                            )
                    end
{%- endset -%}
{%- set bucket -%}
    case
            when _ds_units.{{ is_certainty }} then -1
            else {{ prevalence._root_bucket(ranking_value, 2048, 4096) }}
        end
{%- endset -%}
{%- set can_be_ranked -%}
    _ds_units.{{ design }} in ('pareto', 'sequential_poisson', 'simple_random', 'stratified')
        and _ds_units.{{ inclusion_probability }} > 0
        and _ds_units.{{ expected_units }} is not null
        and (_ds_units.{{ random_number }} is not null or _ds_units.{{ is_certainty }})
{%- endset -%}
with

_ds_buckets as (

    select
        {% for column in by %}_ds_units.{{ column }} as _ds_group_{{ loop.index }}, {% endfor %}
        {{ bucket }} as _ds_bucket,
        count(*) as _ds_units,
        max(_ds_units.{{ expected_units }}) as _ds_expected
    from {{ relation }} as _ds_units
    where
        {{ can_be_ranked }}
    group by
        {% for column in by %}_ds_units.{{ column }}, {% endfor %}
        {{ bucket }}

),

_ds_cumulated_buckets as (

    select
        {% for column in by %}_ds_group_{{ loop.index }}, {% endfor %}
        _ds_bucket,
        _ds_expected,
        sum(_ds_units) over (
            partition by {% for column in by %}_ds_group_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
            order by _ds_bucket asc
            rows between unbounded preceding and current row
        ) as _ds_units_so_far
    from _ds_buckets

),

_ds_boundaries as (

    select
        {% for column in by %}_ds_group_{{ loop.index }}, {% endfor %}
        coalesce(min(case when _ds_units_so_far >= _ds_expected then _ds_bucket end), 4096) as _ds_boundary
    from _ds_cumulated_buckets
    group by {% for column in by %}_ds_group_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}

),

_ds_fixed_size as (

    select {{ prevalence._broadcast(['_ds_boundaries']) }}
        _ds_units.*
    from {{ relation }} as _ds_units
    inner join _ds_boundaries
        on
            {% for column in by -%}
                {{ 'and ' if not loop.first }}_ds_units.{{ column }}
                    is not distinct from _ds_boundaries._ds_group_{{ loop.index }}
            {% endfor %}
    where
        {{ can_be_ranked }}
        and {{ bucket }} <= _ds_boundaries._ds_boundary
    qualify
        row_number() over (
            partition by {% for column in by %}_ds_units.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
            order by
                case when _ds_units.{{ is_certainty }} then 0 else 1 end asc,
                {{ ranking_value }} asc nulls last,
                _ds_units.{{ unit }} asc
        ) <= _ds_units.{{ expected_units }}

)

select _ds_units.*
from {{ relation }} as _ds_units
where
    (
        _ds_units.{{ design }} = 'poisson'
        and (_ds_units.{{ random_number }} < _ds_units.{{ inclusion_probability }} or _ds_units.{{ is_certainty }})
    )
    or (_ds_units.{{ design }} = 'logged' and _ds_units.{{ inclusion_probability }} > 0)
union all
select * from _ds_fixed_size
{%- endmacro %}
