{#- Whether a text names components of an item of so many as the input contract wants them: c0, c1, ... joined by |, each once.
The references that text and item share are then as many as the text has entries. -#}
{% macro _are_component_refs(text, component_count) -%}
    {{ return(adapter.dispatch('_are_component_refs', 'prevalence')(text, component_count)) }}
{%- endmacro %}

{% macro default___are_component_refs(text, component_count) -%}
    {{ prevalence._refuse_engine('_are_component_refs') }}
{%- endmacro %}

{% macro duckdb___are_component_refs(text, component_count) -%}
(
                    {{ component_count }} > 0
                    and len(list_intersect(
                        string_split({{ text }}, '|'),
                        string_split('c' || array_to_string(range({{ component_count }}), '|c'), '|')
                    )) = len(string_split({{ text }}, '|'))
                )
{%- endmacro %}

{% macro spark___are_component_refs(text, component_count) -%}
(
                    {{ component_count }} > 0
                    and size(array_intersect(
                        split({{ text }}, '[|]'),
                        transform(sequence(1, {{ component_count }}), place -> 'c' || cast(place - 1 as string))
                    )) = size(split({{ text }}, '[|]'))
                )
{%- endmacro %}
