{#- A SELECT of the elements of a list column, with the columns `keys`: _sv_position (from 1) and _sv_element. -#}
{% macro _list_elements(relation, list_column, keys) -%}
    {{ return(adapter.dispatch('_list_elements', 'prevalence')(relation, list_column, keys)) }}
{%- endmacro %}
{% macro default___list_elements(relation, list_column, keys) -%}
    {{ prevalence._refuse_engine('_list_elements') }}
{%- endmacro %}
{% macro duckdb___list_elements(relation, list_column, keys) -%}
select
        {{ keys | join(',\n        ') }},
        generate_subscripts({{ list_column }}, 1) as _sv_position,
        unnest({{ list_column }}) as _sv_element
    from {{ relation }}
{%- endmacro %}
{% macro spark___list_elements(relation, list_column, keys) -%}
select
        {{ keys | join(',\n        ') }},
        _sv_index + 1 as _sv_position,
        _sv_element
    from {{ relation }}
    lateral view posexplode({{ list_column }}) as _sv_index, _sv_element
{%- endmacro %}
