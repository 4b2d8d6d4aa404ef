{#- Whether a model's table is there, for the simulated labelers, who answer whatever has been assigned so far.

Only a run looks: compiling and linting need no database and show the model as it is when everything is there.

Arguments:
    relation: a relation, as ref() gives it.
-#}
{% macro _relation_exists(relation) -%}
    {%- if not execute or flags.WHICH not in ['run', 'build'] -%}
        {{ return(true) }}
    {%- endif -%}
    {{ return(load_relation(relation) is not none) }}
{%- endmacro %}
