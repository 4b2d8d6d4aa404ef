{#- A number in [0, 1) for a key of the demo world: the same on every engine, another one for every seed.

Arguments:
    key: string expression; must not be null.
    purpose: literal text; two purposes give independent numbers for one key.
-#}
{% macro _world_unit(key, purpose) -%}
    {{ prevalence.hash_unit(key, 'demo_world:' ~ var('demo_world_seed') ~ ':' ~ purpose) }}
{%- endmacro %}
