{#- Hexadecimal digits for a key of the demo world, of which its ids are made.

Arguments:
    key: string expression; must not be null.
    purpose: literal text naming what is identified.
-#}
{% macro _world_hex(key, purpose) -%}
    md5('demo_world:{{ var("demo_world_seed") }}:{{ purpose }}:' || {{ key }})
{%- endmacro %}
