{#- What a draw depends on, over the units of a frame: two sums of products of 17 bits of each unit's random number, which
stands for its id, and 17 bits of its inclusion probability in 2^-52, taken by two primes. 2^29 units fit a bigint. One
unit more, fewer or with another probability leaves both sums the same once in some 2^34 cases. It tells a frame that late
rows have changed from the same frame; it is no seal against somebody who looks for another frame with the same sums. -#}
{% macro _frame_fingerprint(random_number, inclusion_probability) -%}
    {%- set probability = 'cast(floor(' ~ inclusion_probability ~ ' * 4503599627370496) as bigint)' -%}
    cast(
            sum(
                cast(floor({{ random_number }} * 131072) as bigint) * ({{ probability }} % 131071)
            ) as string
        ) || '-' || cast(
            sum(
                (cast(floor({{ random_number }} * 17179869184) as bigint) % 131072) * ({{ probability }} % 131063)
            ) as string
        )
{%- endmacro %}
