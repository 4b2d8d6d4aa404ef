{#- Age in whole days from a number in [0, 1): most are new, one in twenty is four weeks old, none is older than sixty days.

1/u has a tail like that of attention, with nothing but a division.

Arguments:
    unit: SQL expression in [0, 1).
    youngest: the smallest age to return.
-#}
{% macro _world_age(unit, youngest=0) -%}
    greatest(
        {{ youngest }},
        cast(floor(
            cast(1.5 as double) / (cast(0.0245 as double) + cast(0.9755 as double) * {{ unit }}) - cast(1.5 as double)
        ) as bigint)
    )
{%- endmacro %}
