{#- Inclusion probabilities proportional to size, for an expected number of units, certainties handled exactly.

A unit whose share of the sample would exceed one is taken with certainty, the others share what is left, until none
exceeds one (Sarndal, Swensson and Wretman, Model Assisted Survey Sampling, section 3.6.1). Sizes are whole numbers:
their sums are the same in any order, on any engine. Probabilities of a group sum to min(n, number of units of positive
size).

How certainties are found without ranking the units. Take the sizes of a group in falling order, x_1 >= x_2 >= ..., and
let L_j be the sum of x_j and all after it. Unit j is certain exactly when (n - j + 1) x_j >= L_j.
(1) Certainties come first: if j is none, (n - j + 1) x_j < L_j, so (n - j) x_(j+1) <= (n - j) x_j < L_j - x_j =
    L_(j+1), and j + 1 is none. Units of one size are certain together: if x_(j+1) = x_j, the test of j + 1 is that
    of j with x_j taken from either side. So certainties are the units from some size on, and the test is needed for
    the first unit of each size only: with N units larger than x, of sum S, it reads (n - N) x >= total - S.
(2) Cut the sizes into buckets in falling order (`_root_bucket`). By (1) a bucket holds a certainty exactly when its
    largest unit is one, which count, sum and maximum per bucket tell; and the buckets that hold one are the highest.
    In all of them but the lowest each unit is certain, as the first unit of the next bucket is. So only the sizes of
    one bucket per group have to be looked at one by one.
(3) These are few. Let the bucket hold c units with sizes from a to b, and N larger ones. Its largest is certain:
    (n - N) b >= total - S >= c a, so c <= (n - N) b / a < 1.63 n, and hardly more than n for sizes that are shares
    of 10^15.
So units are aggregated, filtered and joined to a table with a row per group, which any number of tasks do side by
side; windows see the buckets (fewer than 3,800 per group, whatever its size) and the candidates of (3). The test
compares doubles, exact as long as the total is below 2^53 (about 9 x 10^15).

Arguments:
    relation: name of a relation or CTE, one row per unit of each group.
    unit: column that identifies a unit within its group.
    size: bigint column >= 0; a unit of size 0 or null gets probability 0.
    expected_units: column, the same in all rows of a group; null: the group gets no rows.
    by: list of columns that make a group (a plan and its day); a row with a null in one of them is left out.
    columns: list of further columns of the relation to return, which saves joining them again.
    with_replacement: boolean SQL expression of the relation's columns, the same in all rows of a group: where it is
        true, units are drawn with replacement, none is certain, and inclusion_probability is the expected number of
        draws, expected_units x size / total, which may exceed 1. None means that no group is.

Returns a select with the `by` columns, `unit`, `columns`, inclusion_probability (double in [0, 1]) and is_certainty
(boolean).
-#}
{% macro inclusion_probabilities(relation, unit, size, expected_units, by, columns=[], with_replacement=none) -%}
{%- set by_columns = by | join(', ') -%}
with

_ip_units as (

    select
        {{ by_columns }},
        {{ unit }},
        {% for column in columns %}{{ column }}, {% endfor %}
        {{ expected_units }} as _ip_expected,
        coalesce({{ size }}, 0) as _ip_size,
        {%- if with_replacement is not none %}
        {{ with_replacement }} as _ip_with_replacement,
        {%- endif %}
        {{ prevalence._root_bucket('coalesce(' ~ size ~ ', 0)', 16, 4096) }} as _ip_bucket
    from {{ relation }}
    where {{ expected_units }} is not null

),

_ip_buckets as (

    select
        {{ by_columns }},
        _ip_bucket,
        max(_ip_expected) as _ip_expected,
        {%- if with_replacement is not none %}
        bool_or(_ip_with_replacement) as _ip_with_replacement,
        {%- endif %}
        count(*) as _ip_bucket_units,
        cast(sum(_ip_size) as bigint) as _ip_bucket_size,
        max(_ip_size) as _ip_largest
    from _ip_units
    group by {{ by_columns }}, _ip_bucket

),

_ip_cumulated_buckets as (

    select
        {{ by_columns }},
        _ip_bucket,
        _ip_expected,
        {%- if with_replacement is not none %}
        _ip_with_replacement,
        {%- endif %}
        _ip_largest,
        cast(sum(_ip_bucket_size) over (partition by {{ by_columns }}) as bigint) as _ip_total,
        coalesce(
            cast(
                sum(_ip_bucket_units) over (
                    partition by {{ by_columns }}
                    order by _ip_bucket desc
                    rows between unbounded preceding and 1 preceding
                ) as bigint
            ), 0
        ) as _ip_larger_units,
        coalesce(
            cast(
                sum(_ip_bucket_size) over (
                    partition by {{ by_columns }}
                    order by _ip_bucket desc
                    rows between unbounded preceding and 1 preceding
                ) as bigint
            ), 0
        ) as _ip_larger_size
    from _ip_buckets

),

_ip_tested_buckets as (

    select
        *,
        _ip_largest > 0
        {%- if with_replacement is not none %}
        and not _ip_with_replacement
        {%- endif %}
        and cast(_ip_expected - _ip_larger_units as double) * cast(_ip_largest as double)
        >= cast(_ip_total - _ip_larger_size as double) as _ip_holds_certainty
    from _ip_cumulated_buckets

),

-- the lowest bucket with a certainty, and what lies above it
_ip_boundaries as (

    select
        {{ by_columns }},
        max(_ip_expected) as _ip_group_expected,
        max(_ip_total) as _ip_total,
        min(case when _ip_holds_certainty then _ip_bucket end) as _ip_boundary,
        max(case when _ip_holds_certainty then _ip_larger_units end) as _ip_larger_units,
        max(case when _ip_holds_certainty then _ip_larger_size end) as _ip_larger_size
    from _ip_tested_buckets
    group by {{ by_columns }}

),

-- candidates: the sizes that occur in that bucket
_ip_sizes as (

    select {{ prevalence._broadcast(['_ip_boundaries']) }}
        {% for column in by %}_ip_units.{{ column }}, {% endfor %}
        _ip_units._ip_size,
        count(*) as _ip_size_units,
        max(_ip_boundaries._ip_group_expected) as _ip_group_expected,
        max(_ip_boundaries._ip_total) as _ip_total,
        max(_ip_boundaries._ip_larger_units) as _ip_larger_units,
        max(_ip_boundaries._ip_larger_size) as _ip_larger_size
    from _ip_units
    inner join _ip_boundaries
        on
            {% for column in by -%}
                _ip_units.{{ column }} = _ip_boundaries.{{ column }}
                and {% endfor -%}
            _ip_units._ip_bucket = _ip_boundaries._ip_boundary
    group by {% for column in by %}_ip_units.{{ column }}, {% endfor %}_ip_units._ip_size

),

_ip_cumulated_sizes as (

    select
        {{ by_columns }},
        _ip_size,
        _ip_group_expected,
        _ip_total,
        _ip_size_units,
        _ip_larger_units + cast(
            sum(_ip_size_units) over (
                partition by {{ by_columns }} order by _ip_size desc
                rows between unbounded preceding and current row
            ) as bigint
        ) as _ip_units_so_far,
        _ip_larger_size + cast(
            sum(_ip_size_units * _ip_size) over (
                partition by {{ by_columns }} order by _ip_size desc
                rows between unbounded preceding and current row
            ) as bigint
        ) as _ip_size_so_far
    from _ip_sizes

),

_ip_certainties as (

    select
        {{ by_columns }},
        min(_ip_size) as _ip_certain_from,
        max(_ip_units_so_far) as _ip_certainty_units,
        max(_ip_size_so_far) as _ip_certainty_size
    from _ip_cumulated_sizes
    where
        cast(_ip_group_expected - _ip_units_so_far + _ip_size_units as double) * cast(_ip_size as double)
        >= cast(_ip_total - _ip_size_so_far + _ip_size_units * _ip_size as double)
    group by {{ by_columns }}

),

_ip_groups as (

    select {{ prevalence._broadcast(['_ip_certainties']) }}
        {% for column in by %}_ip_boundaries.{{ column }}, {% endfor %}
        _ip_certainties._ip_certain_from,
        coalesce(_ip_certainties._ip_certainty_units, 0) as _ip_certainty_units,
        _ip_boundaries._ip_total - coalesce(_ip_certainties._ip_certainty_size, 0) as _ip_left
    from _ip_boundaries
    left join _ip_certainties
        on
            {% for column in by -%}
                {{ 'and ' if not loop.first }}_ip_boundaries.{{ column }} = _ip_certainties.{{ column }}
            {% endfor %}

)

select {{ prevalence._broadcast(['_ip_groups']) }}
    {% for column in by %}_ip_units.{{ column }}, {% endfor %}
    _ip_units.{{ unit }},
    {% for column in columns %}_ip_units.{{ column }}, {% endfor %}
    case
        when _ip_units._ip_size >= _ip_groups._ip_certain_from then cast(1 as double)
        else
            coalesce(
                cast(_ip_units._ip_expected - _ip_groups._ip_certainty_units as double)
                * cast(_ip_units._ip_size as double)
                / nullif(cast(_ip_groups._ip_left as double), 0),
                cast(0 as double)
            )
    end as inclusion_probability,
    coalesce(_ip_units._ip_size >= _ip_groups._ip_certain_from, false) as is_certainty
from _ip_units
inner join _ip_groups
    on
        {% for column in by -%}
            {{ 'and ' if not loop.first }}_ip_units.{{ column }} = _ip_groups.{{ column }}
        {% endfor %}
{%- endmacro %}
