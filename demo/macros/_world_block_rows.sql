{#- The blocks of _world_blocks as rows of a `values` list: component_type, slot, start_share, end_share. -#}
{% macro _world_block_rows() -%}
    {%- for block in prevalence._world_blocks() -%}
        ('{{ block.component_type }}', {{ block.slot }}, cast({{ block.start }} as double), cast({{ block.end }} as double))
        {%- if not loop.last %}, {% endif -%}
    {%- endfor -%}
{%- endmacro %}
