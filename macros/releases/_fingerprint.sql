{#- Parts of the fingerprint of a release. Both are texts, the same on every engine and whatever the order of rows. -#}

{#- A figure as whole billionths: the last digits of a double differ between runs and engines. Null as 'null'. -#}
{% macro _figure_text(figure) -%}
    coalesce(cast(cast(round({{ figure }} * 1000000000) as bigint) as string), 'null')
{%- endmacro %}

{#- The sum over rows of 32 bits of the hash of a text. 2^31 rows fit a bigint. `salt` names the part. -#}
{% macro _hash_sum_text(text, salt) -%}
    cast(
        coalesce(sum(cast(floor({{ prevalence.hash_unit(text, salt) }} * 4294967296) as bigint)), 0) as string
    )
{%- endmacro %}

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
