{#- What rater_pair_agreement refuses while compiling. `given`: its arguments by name. -#}
{% macro _check_rater_pair_agreement(given) -%}
    {%- set name = 'rater_pair_agreement' -%}
    {%- for argument in ['item', 'rater', 'label'] -%}
        {{- prevalence._check_expression(name, argument, given[argument], required=true) -}}
    {%- endfor -%}
    {{- prevalence._check_expression(name, 'positive_label', given.positive_label) -}}
    {{- prevalence._check_level(name, given.level) -}}
    {{- prevalence._check_by(name, given.by, [
        'rater_1', 'rater_2', 'paired_items', 'missing_items', 'repeated_items', 'invalid_rows', 'percent_agreement',
        'positive_agreement', 'negative_agreement', 'cohen_kappa', 'std_error', 'null_std_error', 'interval_lower',
        'interval_upper', 'interval_method', 'interval_level', 'grouping_set', 'status'
    ]) -}}
{%- endmacro %}
