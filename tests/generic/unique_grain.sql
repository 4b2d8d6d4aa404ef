{#- Fails for each combination of the grain's columns that has more than one row, or a null in it.

The grain is what the model states as `config.meta.grain`; a seed, which states none, names its columns. -#}
{% test unique_grain(model, columns=none) %}

{%- if columns is none and execute -%}
    {#- the argument hides the test's own node, which dbt keeps in the context under the same name -#}
    {%- set tested = graph.nodes[context['model'].attached_node] -%}
    {%- set columns = tested.config.meta.grain -%}
    {%- if not columns -%}
        {{ exceptions.raise_compiler_error(
            "unique_grain: " ~ tested.resource_type ~ " " ~ tested.name ~ " states no grain. Give it config.meta.grain, the list of columns that tell its rows apart."
        ) }}
    {%- endif -%}
{%- endif -%}

{%- set columns = columns or [] -%}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns %}
        or {{ column }} is null
    {%- endfor %}

{% endtest %}
