{#- A timestamp so many seconds later (earlier, when negative). Null in either argument gives null.

Arguments:
    timestamp: SQL expression of type timestamp.
    seconds: SQL expression of type bigint.
-#}
{% macro _add_seconds(timestamp, seconds) -%}
    {{ return(adapter.dispatch('_add_seconds', 'prevalence')(timestamp, seconds)) }}
{%- endmacro %}

{% macro default___add_seconds(timestamp, seconds) -%}
    {{ exceptions.raise_compiler_error("_add_seconds has no implementation for adapter '" ~ target.type ~ "'") }}
{%- endmacro %}

{% macro duckdb___add_seconds(timestamp, seconds) -%}
    ({{ timestamp }} + to_seconds({{ seconds }}))
{%- endmacro %}

{% macro spark___add_seconds(timestamp, seconds) -%}
    timestampadd(second, {{ seconds }}, {{ timestamp }})
{%- endmacro %}
