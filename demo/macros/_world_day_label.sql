{#- Six digits that name a day (261005), with which ids of the demo world begin, so that a day's rows lie together.

Arguments:
    timestamp: SQL expression of type timestamp.
-#}
{% macro _world_day_label(timestamp) -%}
    replace(substr(cast(cast({{ timestamp }} as date) as {{ dbt.type_string() }}), 3, 8), '-', '')
{%- endmacro %}
