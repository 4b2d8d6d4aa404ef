{#- A JSON object of the named columns, each as text, nulls kept.

Arguments:
    columns: list of column names.
-#}
{% macro _json_object(columns) -%}
    {{ return(adapter.dispatch('_json_object', 'prevalence')(columns)) }}
{%- endmacro %}

{% macro default___json_object(columns) -%}
    {{ exceptions.raise_compiler_error("_json_object has no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb___json_object(columns) -%}
    cast(json_object(
        {%- for column in columns %}'{{ column }}', cast({{ column }} as string){{ ', ' if not loop.last }}{% endfor -%}
    ) as string)
{%- endmacro %}

{% macro spark___json_object(columns) -%}
    to_json(named_struct(
        {%- for column in columns %}'{{ column }}', cast({{ column }} as string){{ ', ' if not loop.last }}{% endfor -%}
    ), map('ignoreNullFields', 'false'))
{%- endmacro %}
