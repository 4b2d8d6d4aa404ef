{#- The change of an estimate between two periods, with the covariance that units in both periods carry.

Both periods are one pooled sample, in which each is a domain. A PSU in both is one PSU: the products of its two scores
are the covariance (and so are the zeros of PSUs in one period only, which is why the stratum's size is the pooled one).
With Poisson sampling every row is a draw of its own, and the covariance is 0; with coordinated Poisson sampling the
rows of one PSU are drawn by one random number, and what both periods drew is the covariance. `independent` samples
have a design for each period: its strata are those of the period, and nothing is shared. The relative change is
linearised, too.

The steps lie in difference/ in the order in which they are called, those that other macros share in shared/.

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.survey_difference(
        relation=ref('fct_unit_labels'), y='is_violating', stratum='plan_id', psu='content_id',
        period='week_start_date', from_period='2026-10-05', to_period='2026-10-12'
    ) }}
-#}
{% macro survey_difference(
    relation,
    y,
    x='1.0',
    weight='design_weight',
    design='stratified',
    stratum=none,
    psu=none,
    population_psus=none,
    inclusion_probability=none,
    period=none,
    from_period=none,
    to_period=none,
    relative=false,
    by=[[]],
    total=false,
    level=0.95,
    lonely_psu='fail',
    independent=false,
    degrees_of_freedom='sum',
    interval='wald_t'
) -%}
{%- set arguments = {
    'relation': relation, 'y': y, 'x': x, 'weight': weight, 'design': design, 'stratum': stratum, 'psu': psu,
    'population_psus': population_psus, 'inclusion_probability': inclusion_probability, 'period': period,
    'from_period': from_period, 'to_period': to_period, 'relative': relative, 'by': by, 'total': total,
    'level': level, 'lonely_psu': lonely_psu, 'independent': independent, 'degrees_of_freedom': degrees_of_freedom,
    'interval': interval
} -%}
{{ prevalence._check_survey_difference(arguments) -}}
{%- set spec = prevalence._survey_difference_spec(arguments) -%}
with

{{ prevalence._survey_difference_rows(spec) }}

{{ prevalence._sv_members('_sv_values', by, spec.columns) }}
{{ prevalence._survey_difference_strata(spec) }}

{{ prevalence._survey_difference_terms(spec) }}

{{ prevalence._survey_difference_moments(spec) }}

{% set given = "_sv_status not in ('invalid_rows', 'no_sampled_units')" -%}
{{ prevalence._survey_figures(
    spec,
    zero_positive_law='with_replacement',
    extra_status={'name': 'no_sampled_units', 'condition': '_sv_labeled1 = 0 or _sv_labeled2 = 0'},
    extra_columns=[
        {'name': 'estimate_from', 'expression': "case when _sv_status <> 'invalid_rows' then _sv_estimate1 end"},
        {'name': 'estimate_to', 'expression': "case when _sv_status <> 'invalid_rows' then _sv_estimate2 end"},
        {'name': 'variance_from', 'expression': 'case when ' ~ given ~ ' then _sv_variance1 end'},
        {'name': 'variance_to', 'expression': 'case when ' ~ given ~ ' then _sv_variance2 end'},
        {'name': 'covariance', 'expression': 'case when ' ~ given ~ ' then _sv_covariance end'},
        {'name': 'overlapping_psus', 'expression': 'cast(_sv_overlap as bigint)'}
    ]
) }}
{%- endmacro %}
