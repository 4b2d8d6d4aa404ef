{#- The planted step: from the fifteenth day on a policy's borderline contents are shown more. A period of several worlds has none. -#}
{% macro _world_step_factor(policy, size) -%}
    {%- if policy.step == 1.0 or size.is_replicated -%}
    cast(1 as double)
    {%- else -%}
    case when day_number >= {{ size.step_day }} then cast({{ policy.step }} as double) else cast(1 as double) end
    {%- endif -%}
{%- endmacro %}
