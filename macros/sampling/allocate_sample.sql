{#- How many units of each stratum a stratified sample takes: whole numbers that add up to the sample size.

Every stratum gets `minimum_units` first (all of its units where it has fewer); each further unit goes to the stratum with the
largest W S / sqrt(k (k + 1)), W being the stratum's weight, S its standard deviation and k the units it has. That minimises
sum W^2 S^2 / n_h over all whole numbers with these minima and with n_h at most N_h (Wright, A simple method of exact optimal
sample allocation under stratification with any mixed constraint patterns, Statistics in Transition 15, 2014: the same priority
values as in the apportionment of seats by equal proportions). With S = 1 everywhere it is proportional allocation; rounding
Neyman's n W_h S_h / sum W S does not always give n units (docs/sampling.md). Where every S is 0, nothing tells the strata apart
but their weight, so all count as 1.

Equal priorities go to the stratum that comes first by name. Priorities are doubles made by products, divisions and square roots,
whose last digit IEEE 754 fixes: engines agree on every unit.

Arguments (columns of the relation):
    relation: name of a relation or CTE with a row per stratum of each group.
    stratum: identifies the stratum within its group.
    population_units: bigint, units of the stratum in the frame, N_h; a stratum without units gets none.
    stratum_weight: double >= 0, the stratum's share or total W_h: units, or their size where units are drawn by it.
    standard_deviation: double >= 0, S_h, in any unit that is the same for a group's strata; sqrt(p (1 - p)) for a share p.
    allocation: neyman, or proportional, which takes every S for 1; the same in all rows of a group.
    minimum_units: bigint, the same in all rows of a group; null and less than 1 count as 1.
    expected_units: bigint, the sample size n of the group, up to 10 million.
    by: list of columns that make a group.

Returns a select with the `by` columns, the stratum and allocated_units (bigint): null for a group whose minima alone exceed n.
They add up to n, or to the units of the frame where it has fewer.
-#}
{% macro allocate_sample(
    relation, stratum, population_units, stratum_weight, standard_deviation, allocation, minimum_units, expected_units, by
) -%}
with

_as_strata as (

    select
        {% for column in by %}{{ column }}, {% endfor %}
        {{ stratum }},
        {{ population_units }} as _as_population,
        cast({{ stratum_weight }} as double) as _as_weight,
        case when {{ allocation }} = 'proportional' then cast(1 as double) else cast({{ standard_deviation }} as double) end
            as _as_deviation,
        least({{ population_units }}, greatest(coalesce({{ minimum_units }}, 1), 1)) as _as_minimum,
        {{ expected_units }} as _as_expected
    from {{ relation }}

),

_as_groups as (

    select
        {% for column in by %}{{ column }}, {% endfor %}
        max(_as_weight * _as_deviation) as _as_largest,
        max(_as_expected) - sum(_as_minimum) as _as_further
    from _as_strata
    group by {{ by | join(', ') }}

),

_as_grouped_strata as (

    select
        {% for column in by %}_as_strata.{{ column }}, {% endfor %}
        _as_strata.{{ stratum }},
        _as_strata._as_minimum,
        least(_as_strata._as_population, _as_strata._as_expected) - _as_strata._as_minimum as _as_possible,
        _as_groups._as_further,
        case
            when _as_groups._as_largest > 0 then _as_strata._as_weight * _as_strata._as_deviation
            else _as_strata._as_weight
        end as _as_product
    from _as_strata
    inner join _as_groups
        on
            {% for column in by -%}
                {{ 'and ' if not loop.first }}_as_strata.{{ column }} is not distinct from _as_groups.{{ column }}
            {% endfor %}

),

-- one row per unit that a stratum could get beyond its minimum, and the units that it would have before
_as_numbered as (

    {{ prevalence._numbered(
        '_as_grouped_strata', '_as_possible', by + [stratum, '_as_minimum', '_as_further', '_as_product']
    ) | indent(4) }}

),

_as_candidates as (

    select
        {% for column in by %}{{ column }}, {% endfor %}
        {{ stratum }},
        _as_further,
        _as_minimum + _number - 1 as _as_units,
        _as_product
        / sqrt(cast(_as_minimum + _number - 1 as double) * cast(_as_minimum + _number as double)) as _as_priority
    from _as_numbered

),

_as_given as (

    select
        {% for column in by %}{{ column }}, {% endfor %}
        {{ stratum }}
    from _as_candidates
    qualify
        row_number() over (
            partition by {{ by | join(', ') }}
            order by _as_priority desc, {{ stratum }} asc, _as_units asc
        ) <= _as_further

),

_as_given_counts as (

    select
        {% for column in by %}{{ column }}, {% endfor %}
        {{ stratum }},
        count(*) as _as_units
    from _as_given
    group by {% for column in by %}{{ column }}, {% endfor %}{{ stratum }}

)

select
    {% for column in by %}_as_grouped_strata.{{ column }}, {% endfor %}
    _as_grouped_strata.{{ stratum }},
    case
        when _as_grouped_strata._as_further >= 0
            then cast(_as_grouped_strata._as_minimum + coalesce(_as_given_counts._as_units, 0) as bigint)
    end as allocated_units
from _as_grouped_strata
left join _as_given_counts
    on
        {% for column in by -%}
            _as_grouped_strata.{{ column }} is not distinct from _as_given_counts.{{ column }}
            and {% endfor -%}
        _as_grouped_strata.{{ stratum }} = _as_given_counts.{{ stratum }}
{%- endmacro %}
