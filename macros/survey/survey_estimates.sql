{#- Design-based estimates, variances and intervals of a mean, share, ratio or total, for any number of domains.

Everything is a quadratic form in sums that can be taken in one scan, because the residual y - R x is linear in y and
x: the rows are grouped once, by all grouping sets, into strata (through PSUs, where there are any), and the ratio R
enters afterwards. Moments within strata are the engine's own variances and covariances, which do not cancel as raw
sums of squares would. PSUs without a unit of the domain add nothing to the moments and are in the count, so they need
no rows. Each CTE is read once, so engines that inline CTEs scan the rows once, too.

The steps lie in estimates/ in the order in which they are called, those that other macros share in shared/.

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.survey_estimates(
        relation=ref('fct_unit_labels'), y='is_violating * exposure', x='exposure',
        design='poisson', inclusion_probability='inclusion_probability', by=[[], ['country']]
    ) }}
-#}
{% macro survey_estimates(
    relation,
    y,
    x='1.0',
    weight='design_weight',
    design='stratified',
    stratum=none,
    psu=none,
    population_psus=none,
    inclusion_probability=none,
    by=[[]],
    total=false,
    interval='korn_graubard',
    level=0.95,
    lonely_psu='fail',
    ssu=none,
    population_ssus=none,
    zero_positive_bound='clopper_pearson',
    frame_maximum_weight=none,
    missed_weight=none,
    variance_method='brewer',
    population_squared_probabilities=none,
    joint_probabilities=none,
    lonely_psu_in_domain=false
) -%}
{%- set arguments = {
    'relation': relation, 'y': y, 'x': x, 'weight': weight, 'design': design, 'stratum': stratum, 'psu': psu,
    'population_psus': population_psus, 'inclusion_probability': inclusion_probability, 'by': by, 'total': total,
    'interval': interval, 'level': level, 'lonely_psu': lonely_psu, 'ssu': ssu, 'population_ssus': population_ssus,
    'zero_positive_bound': zero_positive_bound, 'frame_maximum_weight': frame_maximum_weight,
    'missed_weight': missed_weight, 'variance_method': variance_method,
    'population_squared_probabilities': population_squared_probabilities, 'joint_probabilities': joint_probabilities,
    'lonely_psu_in_domain': lonely_psu_in_domain
} -%}
{{ prevalence._check_survey_estimates(arguments) -}}
{%- set spec = prevalence._survey_estimates_spec(arguments) -%}
with

{{ prevalence._survey_estimates_rows(spec) }}

{{ prevalence._sv_members('_sv_values', by, spec.columns) }}
{{ prevalence._survey_estimates_psus(spec) }}
{%- if spec.with_pairs %}

{{ prevalence._survey_estimates_pairs(spec) }}
{%- endif %}

{{ prevalence._survey_estimates_strata(spec) }}

{{ prevalence._survey_estimates_terms(spec) }}
{%- if spec.with_counted %}

{{ prevalence._survey_estimates_counted_terms(spec) }}
{%- endif %}

{{ prevalence._survey_estimates_moments(spec) }}

{{ prevalence._survey_figures(
    spec,
    zero_positive_law='with_replacement' if design in ['stratified', 'pps_with_replacement'] else 'poisson',
    extra_status={'name': 'negative_variance', 'condition': '_sv_is_negative = 1', 'keeps_estimate': true}
        if spec.may_be_negative else none
) }}
{%- endmacro %}
