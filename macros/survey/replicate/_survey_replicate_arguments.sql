{#- What survey_replicate_estimates refuses while compiling. `given`: its arguments by name. -#}
{% macro _check_survey_replicate_estimates(given) -%}
    {%- set name = 'survey_replicate_estimates' -%}
    {%- for argument in ['y', 'x', 'weight'] -%}
        {{- prevalence._check_expression(name, argument, given[argument], required=true) -}}
    {%- endfor -%}
    {%- if not prevalence._is_list(given.replicate_weights) or given.replicate_weights | length < 2 -%}
        {{ prevalence._refuse(
            name, "replicate_weights must be a list of two or more SQL expressions, such as ['rw_1', 'rw_2']; received"
            ~ " '" ~ given.replicate_weights ~ "'"
        ) }}
    {%- endif -%}
    {%- for expression in given.replicate_weights -%}
        {{- prevalence._check_expression(name, 'replicate_weights', expression, required=true) -}}
    {%- endfor -%}
    {%- if given.scale is not number or given.scale is boolean or not 0 < given.scale -%}
        {{ prevalence._refuse(
            name, "scale must be a positive number, such as 1 / R for BRR of R replicates; received '"
            ~ given.scale ~ "'"
        ) }}
    {%- endif -%}
    {%- if given.rscales is not none -%}
        {%- if not prevalence._is_list(given.rscales)
            or given.rscales | length != given.replicate_weights | length -%}
            {{ prevalence._refuse(
                name, "rscales must be a list of " ~ given.replicate_weights | length ~ " numbers, one for each of "
                ~ "replicate_weights; received '" ~ given.rscales ~ "'"
            ) }}
        {%- endif -%}
        {%- for value in given.rscales -%}
            {%- if value is not number or value is boolean or not 0 <= value -%}
                {{ prevalence._refuse(name, "rscales must hold numbers of 0 or more; received '" ~ value ~ "'") }}
            {%- endif -%}
        {%- endfor -%}
        {%- if given.rscales | max <= 0 -%}
            {{ prevalence._refuse(name, "rscales must hold a number above 0; received '" ~ given.rscales ~ "'") }}
        {%- endif -%}
    {%- endif -%}
    {%- set degrees = given.degrees_of_freedom -%}
    {%- if degrees is not none and (degrees is not number or degrees is boolean or not 0 < degrees) -%}
        {{ prevalence._refuse(
            name, "degrees_of_freedom must be a positive number, or none for the rank of the weights less one;"
            ~ " received '" ~ degrees ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'mse', given.mse) -}}
    {{- prevalence._check_boolean(name, 'total', given.total) -}}
    {{- prevalence._check_choice(name, 'interval', given.interval, prevalence._interval_kinds().keys() | list) -}}
    {{- prevalence._check_level(name, given.level) -}}
    {{- prevalence._check_choice(
        name, 'zero_positive_bound', given.zero_positive_bound, ['clopper_pearson', 'max_weight']
    ) -}}
    {{- prevalence._check_by(name, given.by, prevalence._result_columns()) -}}
{%- endmacro %}
