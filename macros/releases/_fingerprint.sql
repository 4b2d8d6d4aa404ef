{#- Parts of the fingerprint of a set of rows, such as a release or what was drawn on a day: texts that are the same on every
engine and whatever the order of rows. -#}

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
