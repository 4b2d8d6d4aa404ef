{#- A bucket number that never falls as the value grows: the eighth root, in whole steps.

Buckets let one aggregate find where a ranking has to be exact, so that nothing ranks all units. That is right only if
no value lies in a higher bucket than a larger value. A logarithm would not promise it, since its last digit is the
library's choice; square roots, products and floors do: IEEE 754 asks for the correctly rounded root, rounding never
reverses an order, and `steps`, a power of two, multiplies without rounding. So engines agree on every bucket, too.

Values of bucket b >= 1 differ by a factor of less than ((b + 1) / b)^8 (up to the rounding of a double): with 16 steps
by less than 1.63 from 1 on, and by less than 1.01 from 10^15 on.

Arguments:
    value: SQL expression, a number; below 0 it counts as 0, so that no root fails. Null gives an arbitrary bucket.
    steps: a power of two.
    maximum: buckets end here; what lies above shares the last one.
-#}
{% macro _root_bucket(value, steps, maximum) -%}
    cast(
        floor(
            least(
                {{ steps }} * sqrt(sqrt(sqrt(greatest(cast({{ value }} as double), cast(0 as double))))),
                cast({{ maximum }} as double)
            )
        ) as bigint
    )
{%- endmacro %}
