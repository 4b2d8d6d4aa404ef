{#- A string with its length in front, so that strings put together cannot be split in two ways. Null counts as ''. -#}
{% macro _netstring(text) -%}
    cast({{ prevalence._octet_length("coalesce(" ~ text ~ ", '')") }} as string) || ':' || coalesce({{ text }}, '') || ','
{%- endmacro %}
