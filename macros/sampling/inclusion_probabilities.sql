{#- Inclusion probabilities proportional to size, for an expected number of units, certainties handled exactly.

A unit whose share of the sample would exceed one is taken with certainty, the others share what is left, until none
exceeds one (Sarndal, Swensson and Wretman, Model Assisted Survey Sampling, section 3.6.1). With units in order of
falling size, certainties are exactly those j with (n - j + 1) x_j >= what is left from x_j on; all of them are among
the n largest, so only those are ranked. Sizes are whole numbers: their sums are the same in any order, on any engine.
Probabilities of a group sum to min(n, number of units of positive size).

Arguments:
    relation: name of a relation or CTE, one row per unit of each group.
    unit: column that identifies a unit within its group; ties in size are broken by it.
    size: bigint column >= 0; a unit of size 0 or null gets probability 0.
    expected_units: column, the same in all rows of a group; null: the group gets no rows.
    by: list of columns that make a group (a plan and its day).

Returns a select with the `by` columns, `unit`, inclusion_probability (double in [0, 1]) and is_certainty (boolean).
-#}
{% macro inclusion_probabilities(relation, unit, size, expected_units, by) -%}
{%- set by_columns = by | join(', ') -%}
with

_ip_units as (

    select
        {{ by_columns }},
        {{ unit }},
        {{ expected_units }} as _ip_expected,
        {{ size }} as _ip_size
    from {{ relation }}
    where {{ expected_units }} is not null

),

_ip_totals as (

    select
        {{ by_columns }},
        cast(sum(_ip_size) as bigint) as _ip_total
    from _ip_units
    group by {{ by_columns }}

),

_ip_largest as (

    select
        {{ by_columns }},
        {{ unit }},
        _ip_expected,
        _ip_size,
        row_number() over (partition by {{ by_columns }} order by _ip_size desc, {{ unit }} asc) as _ip_rank
    from _ip_units
    where _ip_size > 0
    qualify
        row_number() over (partition by {{ by_columns }} order by _ip_size desc, {{ unit }} asc) <= _ip_expected

),

_ip_cumulated as (

    select
        {% for column in by %}_ip_largest.{{ column }}, {% endfor %}
        _ip_largest.{{ unit }},
        _ip_largest._ip_expected,
        _ip_largest._ip_size,
        _ip_largest._ip_rank,
        _ip_totals._ip_total - sum(_ip_largest._ip_size) over (
            partition by {% for column in by %}_ip_largest.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
            order by _ip_largest._ip_rank asc
            rows between unbounded preceding and current row
        ) + _ip_largest._ip_size as _ip_left
    from _ip_largest
    inner join _ip_totals
        on
            {% for column in by -%}
                {{ 'and ' if not loop.first }}_ip_largest.{{ column }} = _ip_totals.{{ column }}
            {% endfor %}

),

_ip_certainties as (

    select
        {{ by_columns }},
        {{ unit }},
        _ip_size
    from _ip_cumulated
    where
        cast(_ip_expected - _ip_rank + 1 as double) * cast(_ip_size as double)
        >= cast(_ip_left as double)

),

_ip_certainty_totals as (

    select
        {{ by_columns }},
        count(*) as _ip_certainty_units,
        cast(sum(_ip_size) as bigint) as _ip_certainty_size
    from _ip_certainties
    group by {{ by_columns }}

)

select
    {% for column in by %}_ip_units.{{ column }}, {% endfor %}
    _ip_units.{{ unit }},
    case
        when _ip_certainties.{{ unit }} is not null then cast(1 as double)
        else
            coalesce(
                cast(_ip_units._ip_expected - coalesce(_ip_certainty_totals._ip_certainty_units, 0) as double)
                * cast(_ip_units._ip_size as double)
                / nullif(
                    cast(_ip_totals._ip_total - coalesce(_ip_certainty_totals._ip_certainty_size, 0) as double), 0
                ),
                cast(0 as double)
            )
    end as inclusion_probability,
    _ip_certainties.{{ unit }} is not null as is_certainty
from _ip_units
inner join _ip_totals
    on
        {% for column in by -%}
            {{ 'and ' if not loop.first }}_ip_units.{{ column }} = _ip_totals.{{ column }}
        {% endfor %}
left join _ip_certainty_totals
    on
        {% for column in by -%}
            {{ 'and ' if not loop.first }}_ip_units.{{ column }} = _ip_certainty_totals.{{ column }}
        {% endfor %}
left join _ip_certainties
    on
        {% for column in by -%}
            {{ 'and ' if not loop.first }}_ip_units.{{ column }} = _ip_certainties.{{ column }}
        {% endfor -%}
        and _ip_units.{{ unit }} = _ip_certainties.{{ unit }}
{%- endmacro %}
