{#- A JSON object of the named columns, each as text, nulls kept. The text of a row is the same on every engine.

Arguments:
    columns: list of column names.
    doubles: those of them that are doubles, which engines spell in ways of their own (`_double_text`).
-#}
{% macro _json_object(columns, doubles=[]) -%}
    {%- set texts = [] -%}
    {%- for column in columns -%}
        {%- set text = prevalence._double_text(column) if column in doubles else 'cast(' ~ column ~ ' as string)' -%}
        {%- do texts.append((column, text)) -%}
    {%- endfor -%}
    {{ return(adapter.dispatch('_json_object', 'prevalence')(texts)) }}
{%- endmacro %}

{% macro default___json_object(texts) -%}{{ prevalence._refuse_engine('_json_object') }}{%- endmacro %}

{% macro duckdb___json_object(texts) -%}
    cast(json_object(
        {%- for name, text in texts %}'{{ name }}', {{ text }}{{ ', ' if not loop.last }}{% endfor -%}
    ) as string)
{%- endmacro %}

{% macro spark___json_object(texts) -%}
    to_json(named_struct(
        {%- for name, text in texts %}'{{ name }}', {{ text }}{{ ', ' if not loop.last }}{% endfor -%}
    ), map('ignoreNullFields', 'false'))
{%- endmacro %}

{#- A double as text for people: nine decimals, or 'NaN', or that it is too large for them. Null gives null. -#}
{% macro _double_text(number) -%}
    case
        when isnan({{ number }}) then 'NaN'
        when abs({{ number }}) >= 1000000000000000 then '1e15 or more, or -1e15 or less'
        else cast(cast(round({{ number }}, 9) as decimal(38, 9)) as string)
    end
{%- endmacro %}
