{#- Lists of columns that many steps write. -#}

{#- The condition that two relations of a join agree in all of the columns. -#}
{% macro _equal_columns(columns, left, right) -%}
    {%- for column in columns %}{{ ' and ' if not loop.first }}{{ left }}.{{ column }} = {{ right }}.{{ column }}{% endfor -%}
{%- endmacro %}

{#- Columns of a relation, qualified by its name. -#}
{% macro _columns_of(relation, columns) -%}
    {%- for column in columns %}{{ ', ' if not loop.first }}{{ relation }}.{{ column }}{% endfor -%}
{%- endmacro %}
