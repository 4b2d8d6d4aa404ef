{#- What survey_difference refuses while compiling. `given`: its arguments by name. -#}
{% macro _check_survey_difference(given) -%}
    {%- set name = 'survey_difference' -%}
    {%- for argument in ['y', 'x', 'weight', 'period'] -%}
        {{- prevalence._check_expression(name, argument, given[argument], required=true) -}}
    {%- endfor -%}
    {{- prevalence._check_design(name, given, {
        'stratified': ['stratum', 'psu', 'population_psus'],
        'pps_with_replacement': ['stratum', 'psu'],
        'poisson': ['stratum', 'inclusion_probability'],
        'coordinated_poisson': ['stratum', 'psu', 'inclusion_probability']
    }) -}}
    {%- if given.from_period is none or given.to_period is none
        or given.from_period | string == given.to_period | string -%}
        {{ prevalence._refuse(
            name, "from_period and to_period must be two values of period; received '" ~ given.from_period ~ "' and '"
            ~ given.to_period ~ "'"
        ) }}
    {%- endif -%}
    {%- if given.relative != 'log' and given.relative is not boolean -%}
        {{ prevalence._refuse(name, "relative must be true, false or 'log'; received '" ~ given.relative ~ "'") }}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'independent', given.independent) -}}
    {{- prevalence._check_choice(name, 'degrees_of_freedom', given.degrees_of_freedom, ['sum', 'satterthwaite']) -}}
    {%- if given.degrees_of_freedom == 'satterthwaite' and not given.independent -%}
        {{ prevalence._refuse(
            name, "degrees_of_freedom 'satterthwaite' belongs to independent=true; received '" ~ given.independent ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_choice(name, 'interval', given.interval, ['wald_t', 'wald_z']) -}}
    {{- prevalence._check_boolean(name, 'total', given.total) -}}
    {{- prevalence._check_level(name, given.level) -}}
    {{- prevalence._check_choice(name, 'lonely_psu', given.lonely_psu, prevalence._lonely_psu_rules()) -}}
    {{- prevalence._check_by(
        name, given.by,
        prevalence._result_columns() + [
            'estimate_from', 'estimate_to', 'variance_from', 'variance_to', 'covariance', 'overlapping_psus'
        ]
    ) -}}
{%- endmacro %}
