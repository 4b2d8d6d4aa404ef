{#- What rater_agreement refuses while compiling. `given`: its arguments by name. -#}
{% macro _check_rater_agreement(given) -%}
    {%- set name = 'rater_agreement' -%}
    {%- for argument in ['item', 'label'] -%}
        {{- prevalence._check_expression(name, argument, given[argument], required=true) -}}
    {%- endfor -%}
    {%- for argument in ['rater', 'positive_label', 'label_value'] -%}
        {{- prevalence._check_expression(name, argument, given[argument]) -}}
    {%- endfor -%}
    {%- set number = given.number_of_labels -%}
    {%- if number is not none and (number is not integer or number < 2) -%}
        {{ prevalence._refuse(
            name, "number_of_labels must be a whole number of 2 or more, or none; received '" ~ number ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_by(name, given.by, [
        'items', 'raters', 'labels', 'missing_labels', 'repeated_labels', 'invalid_rows', 'distinct_labels',
        'paired_items', 'percent_agreement', 'positive_agreement', 'negative_agreement', 'krippendorff_alpha',
        'labels_without_value', 'krippendorff_alpha_ordinal', 'krippendorff_alpha_interval', 'gwet_ac1',
        'gwet_ac1_std_error', 'complete_items', 'fleiss_kappa', 'randolph_kappa', 'krippendorff_alpha_std_error',
        'krippendorff_alpha_lower', 'krippendorff_alpha_upper', 'fleiss_kappa_std_error', 'fleiss_kappa_lower',
        'fleiss_kappa_upper', 'interval_level', 'grouping_set', 'status'
    ]) -}}
    {{- prevalence._check_level(name, given.level) -}}
{%- endmacro %}
