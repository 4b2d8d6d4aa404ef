{#- How a day's contents are divided: one block of content numbers per component type and slot.

Slot 0 holds the ordinary contents, slot 1, 2, ... those that are borderline under the first, second, ... policy. Shares run from 0 to 1 in
the order of the list, and the ordinary images come last: a block of a tiny world that has no room takes its content from the next one.
-#}
{% macro _world_blocks() -%}
    {%- set blocks = [] -%}
    {%- set types = [('query', 0.30), ('response', 0.10), ('image', 0.60)] -%}
    {%- set sum = namespace(share=0) -%}
    {%- for component_type, type_share in types -%}
        {%- set rest = namespace(share=1.0) -%}
        {%- for policy in prevalence._world_policies() -%}
            {%- set end = sum.share + type_share * policy.catalogue_share -%}
            {%- do blocks.append({
                'component_type': component_type, 'slot': loop.index,
                'start': sum.share | round(6), 'end': end | round(6),
            }) -%}
            {%- set sum.share = end -%}
            {%- set rest.share = rest.share - policy.catalogue_share -%}
        {%- endfor -%}
        {%- set end = sum.share + type_share * rest.share -%}
        {%- do blocks.append({
            'component_type': component_type, 'slot': 0, 'start': sum.share | round(6), 'end': end | round(6),
        }) -%}
        {%- set sum.share = end -%}
    {%- endfor -%}
    {{ return(blocks) }}
{%- endmacro %}
