{#- Estimates with weights that are calibrated to known totals: post-stratification, raking, linear (GREG) and logit.

The variance is that of the residuals of a base-weighted regression on what was calibrated to, times the calibrated
weights (Deville and Sarndal 1992), whatever the distance. The residual of a domain is not zero outside the domain, so
every domain goes over the whole sample once more. Post-stratification and raking need only the table of cells. The
regression behind raking by margins is R's: all rows count the same, and the margins are swept ten times.

The steps lie in calibrated/ in the order in which they are called, those that other macros share in shared/.

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.survey_calibrated_estimates(
        relation=ref('fct_unit_labels'), y='is_violating', stratum='stratum', method='post_stratification',
        margins=[{'columns': ['country'], 'totals': ref('frame_countries')}], by=[[], ['surface']]
    ) }}
-#}
{% macro survey_calibrated_estimates(
    relation,
    y,
    x='1.0',
    weight='design_weight',
    design='stratified',
    stratum=none,
    psu=none,
    population_psus=none,
    inclusion_probability=none,
    method=none,
    margins=none,
    auxiliaries=none,
    bounds=none,
    by=[[]],
    total=false,
    interval='korn_graubard',
    level=0.95,
    lonely_psu='fail'
) -%}
{%- set arguments = {
    'relation': relation, 'y': y, 'x': x, 'weight': weight, 'design': design, 'stratum': stratum, 'psu': psu,
    'population_psus': population_psus, 'inclusion_probability': inclusion_probability, 'method': method,
    'margins': margins, 'auxiliaries': auxiliaries, 'bounds': bounds, 'by': by, 'total': total, 'interval': interval,
    'level': level, 'lonely_psu': lonely_psu
} -%}
{{ prevalence._check_survey_calibrated_estimates(arguments) -}}
{%- set spec = prevalence._survey_calibrated_spec(arguments) -%}
with

{{ prevalence._survey_calibrated_rows(spec) }}

{% if spec.with_margins -%}
{{ prevalence._survey_calibrated_weights_of_margins(spec) }}
{%- else -%}
{{ prevalence._survey_calibrated_weights_of_auxiliaries(spec) }}
{%- endif %}

{{ prevalence._sv_members('_sv_calibrated', by, spec.columns) }}

{{ prevalence._survey_calibrated_residuals(spec) }}

{% if spec.with_margins -%}
{{ prevalence._survey_calibrated_fit_by_margins(spec) }}
{%- else -%}
{{ prevalence._survey_calibrated_fit_by_auxiliaries(spec) }}
{%- endif %}

{{ prevalence._survey_calibrated_terms(spec) }}

{{ prevalence._survey_calibrated_moments(spec) }}

{{ prevalence._survey_figures(
    spec,
    zero_positive_law='with_replacement',
    extra_status={
        'name': 'margins_do_not_fit' if spec.with_margins else 'totals_out_of_reach', 'condition': '_sv_unfitted > 0'
    },
    extra_columns=[
        {'name': 'smallest_calibration_factor', 'expression': '_sv_smallest_factor'},
        {'name': 'largest_calibration_factor', 'expression': '_sv_largest_factor'}
    ]
) }}
{%- endmacro %}
