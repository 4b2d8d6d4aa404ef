{#- Whether a text that a row needs is not there: null, empty, or nothing but blanks, as readers of CSV and COALESCE(id, '') leave it.

Blanks are those of ASCII, which both engines are told alike; their own trim() differ. '!' is the first character after the blank: an
id that does not begin before it is looked at no further.

Arguments:
    text: SQL expression of type string.
-#}
{% macro _is_missing(text) -%}
    (
        {{ text }} is null
        or ({{ text }} < '!' and translate({{ text }}, concat(' ', chr(9), chr(10), chr(11), chr(12), chr(13)), '') = '')
    )
{%- endmacro %}
