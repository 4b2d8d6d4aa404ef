{#- What survey_calibrated_estimates refuses while compiling. `given`: its arguments by name. -#}
{% macro _check_survey_calibrated_estimates(given) -%}
    {%- set name = 'survey_calibrated_estimates' -%}
    {%- for argument in ['y', 'x', 'weight'] -%}
        {{- prevalence._check_expression(name, argument, given[argument], required=true) -}}
    {%- endfor -%}
    {{- prevalence._check_design(name, given, {
        'stratified': ['stratum', 'psu', 'population_psus'],
        'pps_with_replacement': ['stratum', 'psu'],
        'poisson': ['stratum', 'inclusion_probability']
    }) -}}
    {{- prevalence._check_choice(name, 'method', given.method, ['post_stratification', 'raking', 'linear', 'logit']) -}}
    {%- if given.method == 'post_stratification' and (given.margins is none or given.auxiliaries is not none) -%}
        {{ prevalence._refuse(name, "method 'post_stratification' requires margins, and takes no auxiliaries") }}
    {%- elif given.method in ['linear', 'logit'] and (given.auxiliaries is none or given.margins is not none) -%}
        {{ prevalence._refuse(name, "method '" ~ given.method ~ "' requires auxiliaries, and takes no margins") }}
    {%- elif (given.margins is none) == (given.auxiliaries is none) -%}
        {{ prevalence._refuse(name, "method 'raking' requires either margins or auxiliaries") }}
    {%- endif -%}
    {%- if given.margins is not none -%}
        {%- if not prevalence._is_list(given.margins) or given.margins | length == 0 -%}
            {{ prevalence._refuse(
                name, "margins must be a list such as [{'columns': ['country'], 'totals': ref('countries')}]; received"
                ~ " '" ~ given.margins ~ "'"
            ) }}
        {%- endif -%}
        {%- for margin in given.margins -%}
            {%- if margin is not mapping or 'columns' not in margin or 'totals' not in margin
                or not prevalence._is_list(margin['columns']) or margin['columns'] | length == 0 -%}
                {{ prevalence._refuse(
                    name, "margins must each have columns (a list) and totals (a relation); received '" ~ margin ~ "'"
                ) }}
            {%- endif -%}
        {%- endfor -%}
        {%- if given.method == 'post_stratification' and given.margins | length > 1 -%}
            {{ prevalence._refuse(
                name, "method 'post_stratification' takes one margin, which may have several columns; received "
                ~ given.margins | length
            ) }}
        {%- endif -%}
    {%- else -%}
        {%- if given.auxiliaries is not mapping or given.auxiliaries | length == 0 -%}
            {{ prevalence._refuse(
                name, "auxiliaries must map expressions to totals, such as {'1': 15000, 'score': 1854.5}; received '"
                ~ given.auxiliaries ~ "'"
            ) }}
        {%- endif -%}
        {%- for expression, value in given.auxiliaries.items() -%}
            {%- if value is not number -%}
                {{ prevalence._refuse(
                    name, "auxiliaries must map expressions to numbers; received '" ~ value ~ "' for " ~ expression
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if given.bounds is none and given.method == 'logit' -%}
        {{ prevalence._refuse(name, "method 'logit' requires bounds, such as [0.3, 3]; received none") }}
    {%- elif given.bounds is not none -%}
        {%- if given.method not in ['linear', 'logit'] -%}
            {{ prevalence._refuse(
                name, "bounds belong to the methods linear and logit; received method '" ~ given.method ~ "'"
            ) }}
        {%- elif not prevalence._is_list(given.bounds) or given.bounds | length != 2
            or given.bounds | select('number') | list | length != 2
            or not 0 <= given.bounds[0] < 1 or not given.bounds[1] > 1 -%}
            {{ prevalence._refuse(
                name, "bounds must be two numbers, one in [0, 1) and one above 1; received '" ~ given.bounds ~ "'"
            ) }}
        {%- endif -%}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'total', given.total) -}}
    {{- prevalence._check_choice(name, 'interval', given.interval, prevalence._interval_kinds().keys() | list) -}}
    {{- prevalence._check_level(name, given.level) -}}
    {{- prevalence._check_choice(name, 'lonely_psu', given.lonely_psu, prevalence._lonely_psu_rules()) -}}
    {{- prevalence._check_by(
        name, given.by, prevalence._result_columns() + ['smallest_calibration_factor', 'largest_calibration_factor']
    ) -}}
{%- endmacro %}
