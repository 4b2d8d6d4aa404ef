{#- A list of expressions of one type. -#}
{% macro _array(items) -%}
    {{ return(adapter.dispatch('_array', 'prevalence')(items)) }}
{%- endmacro %}

{% macro default___array(items) -%}
    {{ exceptions.raise_compiler_error("_array has no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb___array(items) -%}
    [{{ items | join(', ') }}]
{%- endmacro %}

{% macro spark___array(items) -%}
    array({{ items | join(', ') }})
{%- endmacro %}
