{#- share_1 + share_2 + ... up to share_<count>. -#}
{% macro _world_share_sum(count) -%}
    {%- for number in range(1, count + 1) -%}
        share_{{ number }}{{ ' + ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
