{#- The condition that two relations hold the same row: their key columns are equal, and none of them is null.

Arguments: names of two relations, and the list of their key columns.
-#}
{% macro _same_key(left, right, key) -%}
    {%- for column in key %}
            {{ 'and ' if not loop.first }}{{ left }}.{{ column }} = {{ right }}.{{ column }}
    {%- endfor -%}
{%- endmacro %}
