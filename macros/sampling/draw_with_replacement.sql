{#- Draw a sample with replacement and with probabilities proportional to size: n draws, each by itself, each of which
takes a unit with its share of the total size (Hansen and Hurwitz, On the theory of sampling from finite populations,
Annals of Mathematical Statistics 14, 1943). A unit may be drawn more than once.

Draw d falls on place floor(u_d x total) of 0 to total - 1, where u_d is a hash of the group's key and d; units lie
behind each other, each as long as its size, and the one that holds the place is drawn. The order of units does not
matter for the probabilities, because places are independent, so no unit has to be ranked among all: units are put into
65,536 buckets by their own random numbers, the sizes of buckets are added up, and only within buckets that are hit are
those of units. These are at most n of the 65,536, so with 5,000 draws less than 8 % of a large frame's units. Windows
see buckets, draws and, bucket by bucket, the units of those that are hit.

Sizes are whole numbers and hashes have 52 bits, so every engine draws the same units. With totals of 10^15, as
sizes that are shares have, a probability is within 10^-15 of what it should be.

Arguments (columns of the relation):
    relation: name of a relation or CTE with one row per unit of each group.
    unit: identifies a unit within its group.
    size: bigint >= 0, with a total per group below 2^53; a unit of size 0 or null is never drawn.
    random_number: in [0, 1); null counts as 0. It says where the unit lies, not whether it is drawn.
    expected_units: n, the same in all rows of a group; null or 0 draws nothing.
    by: list of columns that make a group; a row with a null in one of them is left out.
    draw_number: SQL expression in [0, 1), from `hash_unit`, of the columns `by` and `_number`, the number of a draw
        within its group (bigint, from 1): draws have to differ by it and by nothing that is not the group's.

Returns a select of the drawn units, once each, with all columns of the relation and `draws` (bigint, how many times the
unit was drawn; n in all per group).
-#}
{% macro draw_with_replacement(relation, unit, size, random_number, expected_units, by, draw_number) -%}
{%- set by_columns = by | join(', ') -%}
{%- set bucket -%}
    cast(floor(65536 * coalesce(_dw_units.{{ random_number }}, cast(0 as double))) as bigint)
{%- endset -%}
with

_dw_buckets as (

    select
        {% for column in by %}_dw_units.{{ column }}, {% endfor %}
        {{ bucket }} as _dw_bucket,
        max(_dw_units.{{ expected_units }}) as _dw_expected,
        cast(sum(_dw_units.{{ size }}) as bigint) as _dw_size
    from {{ relation }} as _dw_units
    where _dw_units.{{ size }} > 0
    group by
        {% for column in by %}_dw_units.{{ column }}, {% endfor %}
        {{ bucket }}

),

_dw_placed_buckets as (

    select
        {{ by_columns }},
        _dw_bucket,
        cast(
            sum(_dw_size) over (
                partition by {{ by_columns }} order by _dw_bucket asc
                rows between unbounded preceding and current row
            ) as bigint
        ) - _dw_size as _dw_start
    from _dw_buckets

),

_dw_groups as (

    select
        {{ by_columns }},
        max(_dw_expected) as _dw_expected,
        cast(sum(_dw_size) as bigint) as _dw_total
    from _dw_buckets
    group by {{ by_columns }}

),

_dw_numbers as (

    {{ prevalence._numbered('_dw_groups', '_dw_expected', by + ['_dw_total']) | indent(4) }}

),

_dw_places as (

    select
        {{ by_columns }},
        _number,
        least(
            cast(floor({{ draw_number }} * cast(_dw_total as double)) as bigint), _dw_total - 1
        ) as _dw_place
    from _dw_numbers

),

-- buckets and draws in the order of their places: a draw falls into the last bucket that starts before or with it
_dw_places_and_buckets as (

    select
        {{ by_columns }},
        cast(null as bigint) as _number,
        _dw_start as _dw_place,
        _dw_bucket,
        _dw_start
    from _dw_placed_buckets

    union all

    select
        {{ by_columns }},
        _number,
        _dw_place,
        cast(null as bigint) as _dw_bucket,
        cast(null as bigint) as _dw_start
    from _dw_places

),

_dw_located as (

    select
        {{ by_columns }},
        _number,
        _dw_place,
        max(_dw_bucket) over (
            partition by {{ by_columns }} order by _dw_place asc, case when _number is null then 0 else 1 end asc
            rows between unbounded preceding and current row
        ) as _dw_bucket,
        max(_dw_start) over (
            partition by {{ by_columns }} order by _dw_place asc, case when _number is null then 0 else 1 end asc
            rows between unbounded preceding and current row
        ) as _dw_start
    from _dw_places_and_buckets

),

_dw_hits as (

    select
        {{ by_columns }},
        _dw_bucket,
        _dw_start,
        _dw_place,
        count(*) as _dw_place_draws
    from _dw_located
    where _number is not null
    group by {{ by_columns }}, _dw_bucket, _dw_start, _dw_place

),

_dw_hit_buckets as (

    select distinct
        {{ by_columns }},
        _dw_bucket,
        _dw_start
    from _dw_hits

),

_dw_placed_units as (

    select {{ prevalence._broadcast(['_dw_hit_buckets']) }}
        {% for column in by %}_dw_units.{{ column }}, {% endfor %}
        _dw_units.{{ unit }} as _dw_unit,
        _dw_hit_buckets._dw_bucket,
        _dw_hit_buckets._dw_start + cast(
            sum(_dw_units.{{ size }}) over (
                partition by {% for column in by %}_dw_units.{{ column }}, {% endfor %}_dw_hit_buckets._dw_bucket
                order by _dw_units.{{ unit }} asc
                rows between unbounded preceding and current row
            ) as bigint
        ) as _dw_end,
        _dw_units.{{ size }} as _dw_size
    from {{ relation }} as _dw_units
    inner join _dw_hit_buckets
        on
            {% for column in by -%}
                _dw_units.{{ column }} = _dw_hit_buckets.{{ column }}
                and {% endfor -%}
            {{ bucket }} = _dw_hit_buckets._dw_bucket
    where _dw_units.{{ size }} > 0

),

_dw_drawn as (

    select {{ prevalence._broadcast(['_dw_hits']) }}
        {% for column in by %}_dw_placed_units.{{ column }}, {% endfor %}
        _dw_placed_units._dw_unit,
        cast(sum(_dw_hits._dw_place_draws) as bigint) as draws
    from _dw_placed_units
    inner join _dw_hits
        on
            {% for column in by -%}
                _dw_placed_units.{{ column }} = _dw_hits.{{ column }}
                and {% endfor -%}
            _dw_placed_units._dw_bucket = _dw_hits._dw_bucket
            and _dw_hits._dw_place < _dw_placed_units._dw_end
            and _dw_hits._dw_place >= _dw_placed_units._dw_end - _dw_placed_units._dw_size
    group by {% for column in by %}_dw_placed_units.{{ column }}, {% endfor %}_dw_placed_units._dw_unit

)

select {{ prevalence._broadcast(['_dw_drawn']) }}
    _dw_units.*,
    _dw_drawn.draws
from {{ relation }} as _dw_units
inner join _dw_drawn
    on
        {% for column in by -%}
            _dw_units.{{ column }} = _dw_drawn.{{ column }}
            and {% endfor -%}
        _dw_units.{{ unit }} = _dw_drawn._dw_unit
{%- endmacro %}
