{#- What dawid_skene refuses while compiling. `given`: its arguments by name. -#}
{% macro _check_dawid_skene(given) -%}
    {%- set name = 'dawid_skene' -%}
    {%- for argument in ['item', 'rater', 'label'] -%}
        {{- prevalence._check_expression(name, argument, given[argument], required=true) -}}
    {%- endfor -%}
    {%- set own_columns = {
        'posteriors': ['item', 'label', 'votes', 'posterior', 'is_most_likely'],
        'confusion': ['rater', 'true_label', 'label', 'votes', 'probability'],
        'classes': ['label', 'votes', 'class_share']
    } -%}
    {{- prevalence._check_choice(name, 'result', given.result, own_columns.keys() | list) -}}
    {{- prevalence._check_by(name, given.by, own_columns[given.result] + [
        'items', 'raters', 'labels', 'missing_labels', 'invalid_rows', 'iterations', 'log_likelihood', 'grouping_set',
        'status'
    ]) -}}
    {%- if given.max_iterations is not integer or given.max_iterations is boolean or given.max_iterations < 1 -%}
        {{- prevalence._refuse(
            name, "max_iterations must be a whole number of 1 or more; received '" ~ given.max_iterations ~ "'"
        ) -}}
    {%- endif -%}
    {%- for argument in ['tolerance', 'smoothing'] -%}
        {%- set value = given[argument] -%}
        {%- if value is not number or value is boolean or not 0 <= value < 1 -%}
            {{- prevalence._refuse(
                name, argument ~ " must be a number of 0 or more and less than 1; received '" ~ value ~ "'"
            ) -}}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
