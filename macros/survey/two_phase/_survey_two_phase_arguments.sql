{#- What survey_two_phase_estimates refuses while compiling. `given`: its arguments by name. -#}
{% macro _check_survey_two_phase_estimates(given) -%}
    {%- set name = 'survey_two_phase_estimates' -%}
    {{- prevalence._check_choice(name, 'phase_1_design', given.phase_1_design, ['stratified', 'poisson']) -}}
    {{- prevalence._check_choice(
        name, 'phase_2_design', given.phase_2_design, ['stratified', 'poisson', 'independent']
    ) -}}
    {%- for argument in ['y', 'x', 'judge' if given.phase_2_design == 'independent' else 'phase_1_weight'] -%}
        {{- prevalence._check_expression(name, argument, given[argument], required=true) -}}
    {%- endfor -%}
    {%- for argument in [
        'judge', 'phase_1_weight', 'phase_1_stratum', 'phase_1_population', 'phase_1_probability', 'phase_2_stratum',
        'phase_2_probability', 'phase_2_sampled'
    ] -%}
        {{- prevalence._check_expression(name, argument, given[argument]) -}}
    {%- endfor -%}
    {%- set of_designs = {
        'phase_1_design': {
            'stratified': ['phase_1_stratum', 'phase_1_population'],
            'poisson': ['phase_1_probability']
        },
        'phase_2_design': {
            'stratified': ['phase_2_stratum'],
            'poisson': ['phase_2_probability'],
            'independent': []
        }
    } -%}
    {%- for argument, takes in of_designs.items() -%}
        {%- set design = given[argument] -%}
        {%- set unwanted = [] -%}
        {%- for other in takes.values() | sum(start=[]) if other not in takes[design] and given[other] is not none -%}
            {%- do unwanted.append(other) -%}
        {%- endfor -%}
        {{- prevalence._check_not_given(name, argument, design, unwanted, takes[design]) -}}
    {%- endfor -%}
    {%- for phase in ['phase_1', 'phase_2'] if given[phase ~ '_design'] == 'poisson' -%}
        {%- if given[phase ~ '_probability'] is none -%}
            {{ prevalence._refuse(
                name, phase ~ "_design 'poisson' requires " ~ phase ~ "_probability; received none"
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {{- prevalence._check_choice(name, 'phase_1_variance', given.phase_1_variance, ['unbiased', 'plug_in']) -}}
    {%- if given.phase_1_design == 'poisson' and given.phase_1_variance != 'unbiased' -%}
        {{ prevalence._refuse(name, "phase_1_design 'poisson' takes phase_1_variance unbiased; received plug_in") }}
    {%- endif -%}
    {%- if given.phase_2_auxiliaries is not none -%}
        {%- if not prevalence._is_list(given.phase_2_auxiliaries) or given.phase_2_auxiliaries | length == 0 -%}
            {{ prevalence._refuse(
                name, "phase_2_auxiliaries must be a list of SQL expressions, such as ['1.0', 'score']; received '"
                ~ given.phase_2_auxiliaries ~ "'"
            ) }}
        {%- endif -%}
        {%- for expression in given.phase_2_auxiliaries -%}
            {{- prevalence._check_expression(name, 'phase_2_auxiliaries', expression, required=true) -}}
        {%- endfor -%}
        {%- if given.judge is not none -%}
            {{ prevalence._refuse(
                name, "phase_2_auxiliaries takes the judge's answer as one of its expressions; received judge as well"
            ) }}
        {%- endif -%}
    {%- endif -%}
    {%- if given.judge_coefficient != 'tuned'
        and (given.judge_coefficient is not number or given.judge_coefficient is boolean) -%}
        {{ prevalence._refuse(
            name, "judge_coefficient must be 'tuned' or a number; received '" ~ given.judge_coefficient ~ "'"
        ) }}
    {%- elif given.judge is none and given.judge_coefficient != 'tuned' -%}
        {{ prevalence._refuse(
            name, "judge_coefficient belongs to judge; received " ~ given.judge_coefficient ~ " and no judge"
        ) }}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'total', given.total) -}}
    {%- if given.phase_2_design == 'independent' -%}
        {%- for argument, only in {
            'total': false, 'phase_1_design': 'stratified', 'phase_1_stratum': none, 'phase_1_population': none,
            'phase_1_variance': 'unbiased', 'phase_2_auxiliaries': none
        }.items() if given[argument] != only -%}
            {{- prevalence._check_not_given(
                name, 'phase_2_design', 'independent', [argument], ['judge', 'phase_1_weight', 'phase_2_sampled']
            ) -}}
        {%- endfor -%}
    {%- endif -%}
    {{- prevalence._check_choice(
        name, 'interval', given.interval, prevalence._interval_kinds(prevalence._counted_kinds()).keys() | list
    ) -}}
    {%- if given.interval in prevalence._counted_kinds() -%}
        {%- for argument in ['judge', 'phase_2_auxiliaries'] if given[argument] is not none -%}
            {{ prevalence._refuse(
                name, "interval '" ~ given.interval ~ "' is of what experts found, with weights that the design gives; cells of phase 2"
                ~ " by the judge's answer (phase_2_stratum) use it as well; received " ~ argument
            ) }}
        {%- endfor -%}
    {%- endif -%}
    {{- prevalence._check_level(name, given.level) -}}
    {{- prevalence._check_choice(name, 'lonely_psu', given.lonely_psu, ['fail', 'remove', 'certainty']) -}}
    {{- prevalence._check_choice(
        name, 'zero_positive_bound', given.zero_positive_bound, ['clopper_pearson', 'max_weight']
    ) -}}
    {{- prevalence._check_by(
        name, given.by, prevalence._result_columns() + [
            'phase_2_units', 'variance_phase_1', 'variance_phase_2', 'judge_coefficient', 'judge_estimate', 'gain'
        ]
    ) -}}
{%- endmacro %}
