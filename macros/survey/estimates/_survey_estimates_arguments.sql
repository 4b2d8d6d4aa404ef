{#- What survey_estimates refuses while compiling. `given`: its arguments by name. -#}
{% macro _check_survey_estimates(given) -%}
    {%- set name = 'survey_estimates' -%}
    {%- for argument in ['y', 'x', 'weight'] -%}
        {{- prevalence._check_expression(name, argument, given[argument], required=true) -}}
    {%- endfor -%}
    {%- for argument in ['frame_maximum_weight', 'missed_weight', 'population_squared_probabilities'] -%}
        {{- prevalence._check_expression(name, argument, given[argument]) -}}
    {%- endfor -%}
    {{- prevalence._check_design(name, given, {
        'stratified': ['stratum', 'psu', 'population_psus', 'ssu', 'population_ssus'],
        'pps_with_replacement': ['stratum', 'psu'],
        'pps_without_replacement': ['stratum', 'psu', 'inclusion_probability'],
        'poisson': ['stratum', 'inclusion_probability'],
        'coordinated_poisson': ['stratum', 'psu', 'inclusion_probability']
    }) -}}
    {%- set methods = [
        'brewer', 'hajek', 'deville', 'overton', 'overton_yates_grundy', 'hartley_rao', 'horvitz_thompson',
        'yates_grundy'
    ] -%}
    {{- prevalence._check_choice(name, 'variance_method', given.variance_method, methods) -}}
    {%- if given.variance_method != 'brewer' and given.design != 'pps_without_replacement' -%}
        {{ prevalence._refuse(
            name, "variance_method '" ~ given.variance_method
            ~ "' belongs to design 'pps_without_replacement'; received '" ~ given.design ~ "'"
        ) }}
    {%- endif -%}
    {%- if (given.variance_method == 'hartley_rao') != (given.population_squared_probabilities is not none) -%}
        {{ prevalence._refuse(
            name, "variance_method 'hartley_rao' and population_squared_probabilities go together (with the mean"
            ~ " probability of the sample, which needs none, it is 'brewer'); received '" ~ given.variance_method
            ~ "' and " ~ (given.population_squared_probabilities or 'none')
        ) }}
    {%- endif -%}
    {%- set takes_pairs = given.variance_method in ['horvitz_thompson', 'yates_grundy'] -%}
    {%- if takes_pairs != (given.joint_probabilities is not none) -%}
        {{ prevalence._refuse(
            name, "variance_method 'horvitz_thompson' or 'yates_grundy' and joint_probabilities go together; received '"
            ~ given.variance_method ~ "' and " ~ (given.joint_probabilities or 'none')
        ) }}
    {%- endif -%}
    {%- if given.joint_probabilities is not none and given.psu is none -%}
        {{ prevalence._refuse(
            name, "joint_probabilities requires psu, the name of a unit in its pairs; received none"
        ) }}
    {%- endif -%}
    {%- set two_stages = ['psu', 'population_psus', 'ssu', 'population_ssus'] -%}
    {%- set stages = [] -%}
    {%- for argument in two_stages if given[argument] is not none -%}
        {%- do stages.append(argument) -%}
    {%- endfor -%}
    {%- if ('ssu' in stages or 'population_ssus' in stages) and stages != two_stages -%}
        {{ prevalence._refuse(
            name, "a two-stage variance requires psu, population_psus, ssu and population_ssus together; received "
            ~ stages | join(', ')
        ) }}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'total', given.total) -}}
    {{- prevalence._check_choice(
        name, 'interval', given.interval,
        prevalence._interval_kinds(['gamma'] + prevalence._counted_kinds()).keys() | list
    ) -}}
    {{- prevalence._check_level(name, given.level) -}}
    {{- prevalence._check_choice(name, 'lonely_psu', given.lonely_psu, prevalence._lonely_psu_rules()) -}}
    {%- if given.ssu is not none and given.lonely_psu in ['adjust', 'average'] -%}
        {{ prevalence._refuse(
            name, "lonely_psu must be one of fail, remove, certainty when ssu is given; received '"
            ~ given.lonely_psu ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'lonely_psu_in_domain', given.lonely_psu_in_domain) -}}
    {%- if given.lonely_psu_in_domain
        and (given.lonely_psu not in ['adjust', 'average'] or given.inclusion_probability is not none) -%}
        {{ prevalence._refuse(
            name, "lonely_psu_in_domain belongs to lonely_psu 'adjust' or 'average' of designs without"
            ~ " inclusion_probability; received '" ~ given.lonely_psu ~ "' and design '" ~ given.design ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_choice(
        name, 'zero_positive_bound', given.zero_positive_bound, ['clopper_pearson', 'max_weight']
    ) -}}
    {%- if given.frame_maximum_weight is not none and given.zero_positive_bound != 'max_weight'
        and given.interval not in prevalence._counted_kinds() -%}
        {{ prevalence._refuse(
            name, "frame_maximum_weight belongs to zero_positive_bound 'max_weight' or interval 'counted'; received '"
            ~ given.zero_positive_bound ~ "' and '" ~ given.interval ~ "'"
        ) }}
    {%- endif -%}
    {%- if given.missed_weight is not none and given.interval != 'gamma'
        and given.interval not in prevalence._counted_kinds() -%}
        {{ prevalence._refuse(
            name, "missed_weight belongs to interval 'gamma' or 'counted'; received '" ~ given.interval ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_by(name, given.by, prevalence._result_columns()) -}}
{%- endmacro %}
