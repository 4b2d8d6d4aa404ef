{#- Piece `number` (0, 1, ...) of the 52 bits of a hash number, itself in [0, 1), so that one md5 serves several choices.

Scaling by a power of two, flooring and subtracting are exact in a double, so pieces agree between engines to the bit.

Arguments:
    unit: SQL expression, a number from _world_unit.
    number: which piece, from 0.
    bits: bits of each piece; number + 1 pieces of them must fit 52.
-#}
{% macro _world_piece(unit, number, bits=13) -%}
    {%- if (number + 1) * bits > 52 -%}
        {{ exceptions.raise_compiler_error("_world_piece: piece " ~ number ~ " of " ~ bits ~ " bits lies outside 52 bits") }}
    {%- endif -%}
    {%- set scale = 2 ** bits -%}
    (
        floor({{ unit }} * cast({{ scale ** (number + 1) }} as double)) / cast({{ scale }} as double)
        - floor({{ unit }} * cast({{ scale ** number }} as double))
    )
{%- endmacro %}
