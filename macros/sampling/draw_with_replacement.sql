{#- Draw a sample with replacement and with probabilities proportional to size: n draws, each by itself, each of which
takes a unit with its share of the total size (Hansen and Hurwitz, On the theory of sampling from finite populations,
Annals of Mathematical Statistics 14, 1943). A unit may be drawn more than once.

Draw d falls on place floor(u_d x total) of 0 to total - 1, where u_d is a hash of the group's key and d; units lie
behind each other, each as long as its size, and the one that holds the place is drawn. The order of units does not
matter for the probabilities, because places are independent, so no unit has to be ranked among all: units are put into
65,536 buckets by their own random numbers, the sizes of buckets are added up, and only within buckets that are hit are
those of units. These are at most n of the 65,536, so with 5,000 draws less than 8 % of a large frame's units. What a
group brings together are its draws and 256 sums; all else is added up in parts of a 256th of it or less.

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

-- 256 neighbouring buckets are a shelf: whole groups are added up by shelves, and each shelf by its buckets
_dw_shelves as (

    select
        {{ by_columns }},
        cast(floor(_dw_bucket / cast(256 as double)) as bigint) as _dw_shelf,
        max(_dw_expected) as _dw_expected,
        cast(sum(_dw_size) as bigint) as _dw_size
    from _dw_buckets
    group by {{ by_columns }}, cast(floor(_dw_bucket / cast(256 as double)) as bigint)

),

_dw_placed_shelves as (

    select
        {{ by_columns }},
        _dw_shelf,
        cast(
            sum(_dw_size) over (
                partition by {{ by_columns }} order by _dw_shelf asc
                rows between unbounded preceding and current row
            ) as bigint
        ) - _dw_size as _dw_start
    from _dw_shelves

),

_dw_groups as (

    select
        {{ by_columns }},
        max(_dw_expected) as _dw_expected,
        cast(sum(_dw_size) as bigint) as _dw_total
    from _dw_shelves
    group by {{ by_columns }}

),

_dw_numbers as (

    {{ prevalence._numbered('_dw_groups', '_dw_expected', by + ['_dw_total']) | indent(4) }}

),

_dw_places as (

    select
        {{ by_columns }},
        least(
            cast(floor({{ draw_number }} * cast(_dw_total as double)) as bigint), _dw_total - 1
        ) as _dw_place,
        count(*) as _dw_place_draws
    from _dw_numbers
    group by
        {{ by_columns }},
        least(
            cast(floor({{ draw_number }} * cast(_dw_total as double)) as bigint), _dw_total - 1
        )

),

-- shelves and draws in the order of their places: a draw falls onto the last shelf that starts before or with it
_dw_places_and_shelves as (

    select
        {{ by_columns }},
        cast(null as bigint) as _dw_place_draws,
        _dw_start as _dw_place,
        _dw_shelf
    from _dw_placed_shelves

    union all

    select
        {{ by_columns }},
        _dw_place_draws,
        _dw_place,
        cast(null as bigint) as _dw_shelf
    from _dw_places

),

_dw_shelved_places as (

    select
        {{ by_columns }},
        _dw_place_draws,
        _dw_place,
        max(_dw_shelf) over (
            partition by {{ by_columns }}
            order by _dw_place asc, case when _dw_place_draws is null then 0 else 1 end asc
            rows between unbounded preceding and current row
        ) as _dw_shelf
    from _dw_places_and_shelves

),

_dw_placed_buckets as (

    select {{ prevalence._broadcast(['_dw_placed_shelves']) }}
        {% for column in by %}_dw_buckets.{{ column }}, {% endfor %}
        _dw_placed_shelves._dw_shelf,
        _dw_buckets._dw_bucket,
        _dw_buckets._dw_size,
        _dw_placed_shelves._dw_start + cast(
            sum(_dw_buckets._dw_size) over (
                partition by
                    {% for column in by %}_dw_buckets.{{ column }}, {% endfor %}
                    _dw_placed_shelves._dw_shelf
                order by _dw_buckets._dw_bucket asc
                rows between unbounded preceding and current row
            ) as bigint
        ) - _dw_buckets._dw_size as _dw_start
    from _dw_buckets
    inner join _dw_placed_shelves
        on
            {% for column in by -%}
                _dw_buckets.{{ column }} = _dw_placed_shelves.{{ column }}
                and {% endfor -%}
            cast(floor(_dw_buckets._dw_bucket / cast(256 as double)) as bigint) = _dw_placed_shelves._dw_shelf

),

_dw_hits as (

    select {{ prevalence._broadcast(['_dw_shelved_places']) }}
        {% for column in by %}_dw_placed_buckets.{{ column }}, {% endfor %}
        _dw_placed_buckets._dw_bucket,
        _dw_placed_buckets._dw_start,
        _dw_shelved_places._dw_place,
        _dw_shelved_places._dw_place_draws
    from _dw_placed_buckets
    inner join _dw_shelved_places
        on
            {% for column in by -%}
                _dw_placed_buckets.{{ column }} = _dw_shelved_places.{{ column }}
                and {% endfor -%}
            _dw_placed_buckets._dw_shelf = _dw_shelved_places._dw_shelf
            and _dw_shelved_places._dw_place >= _dw_placed_buckets._dw_start
            and _dw_shelved_places._dw_place < _dw_placed_buckets._dw_start + _dw_placed_buckets._dw_size
    where _dw_shelved_places._dw_place_draws is not null

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
