{#- Estimates from two phases: a sample of units that a judge labels, and a sample of those that experts label, too.

Phase 1 is simple random in strata, or Poisson. Phase 2 is simple random in cells of phase 1, or Poisson with known
probabilities. The variance is Sarndal, Swensson and Wretman's (Model Assisted Survey Sampling, result 9.3.1), as sums
over stratum x cell: v1 of the double-expanded residuals y - R x, and v2 of what phase 2 leaves open: the same
residuals without a judge, y - c judge with one. With a given c the estimator is unbiased whatever the judge says;
`tuned` takes the c in [0, 1] with the smallest v2 in each domain, which is the power tuning of prediction-powered
inference with design weights. `phase_2_auxiliaries` calibrates phase 2 to phase 1 instead,
and phase_2_design `independent` is prediction-powered inference as published.

The steps lie in two_phase/ in the order in which they are called, those that other macros share in shared/.

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.survey_two_phase_estimates(
        relation=ref('judged_units'), y='expert_label', judge='judge_label', phase_1_weight='design_weight',
        phase_2_stratum='audit_cell', phase_2_sampled='is_audited', by=[[], ['country']]
    ) }}
-#}
{% macro survey_two_phase_estimates(
    relation,
    y,
    x='1.0',
    judge=none,
    phase_1_weight=none,
    phase_1_stratum=none,
    phase_1_population=none,
    phase_2_design='stratified',
    phase_2_stratum=none,
    phase_2_probability=none,
    phase_2_sampled=none,
    judge_coefficient='tuned',
    by=[[]],
    total=false,
    interval='korn_graubard',
    level=0.95,
    lonely_psu='fail',
    phase_1_design='stratified',
    phase_1_probability=none,
    phase_1_variance='unbiased',
    phase_2_auxiliaries=none,
    zero_positive_bound='clopper_pearson'
) -%}
{%- set arguments = {
    'relation': relation, 'y': y, 'x': x, 'judge': judge, 'phase_1_weight': phase_1_weight,
    'phase_1_stratum': phase_1_stratum, 'phase_1_population': phase_1_population, 'phase_2_design': phase_2_design,
    'phase_2_stratum': phase_2_stratum, 'phase_2_probability': phase_2_probability,
    'phase_2_sampled': phase_2_sampled, 'judge_coefficient': judge_coefficient, 'by': by, 'total': total,
    'interval': interval, 'level': level, 'lonely_psu': lonely_psu, 'phase_1_design': phase_1_design,
    'phase_1_probability': phase_1_probability, 'phase_1_variance': phase_1_variance,
    'phase_2_auxiliaries': phase_2_auxiliaries, 'zero_positive_bound': zero_positive_bound
} -%}
{{ prevalence._check_survey_two_phase_estimates(arguments) -}}
{%- set spec = prevalence._survey_two_phase_spec(arguments) -%}
with

{{ prevalence._survey_two_phase_rows(spec) }}

{{ prevalence._sv_members('_sv_values', by, spec.columns) }}
{%- if spec.is_independent %}

{{ prevalence._survey_two_phase_independent(spec) }}
{%- else %}

{{ prevalence._survey_two_phase_cells(spec) }}

{{ prevalence._survey_two_phase_terms(spec) }}
{%- if spec.with_counted %}

{{ prevalence._survey_two_phase_counted_terms(spec) }}
{%- endif %}

{{ prevalence._survey_two_phase_moments(spec) }}
{%- endif %}

{% set without = ['invalid_rows', 'no_sampled_units', 'empty_phase_2_cell', 'totals_out_of_reach'] -%}
{%- set given = "_sv_status not in ('" ~ without | join("', '") ~ "') and _sv_variance is not null" -%}
{%- set nothing = 'cast(null as double)' -%}
{%- set of_judge = {'coefficient': nothing, 'estimate': nothing, 'gain': nothing} if judge is none else {
    'coefficient': 'case when ' ~ given ~ ' then _sv_coefficient end',
    'estimate': '_sv_judge_sum' if total else '_sv_judge_sum / nullif(_sv_judged_x, 0)',
    'gain': 'case when ' ~ given ~ ' then _sv_experts_variance / nullif(_sv_variance, 0) end'
} -%}
{{ prevalence._survey_figures(
    spec,
    zero_positive_law='poisson',
    extra_status=[{'name': 'empty_phase_2_cell', 'condition': '_sv_uncovered > 0'}]
    + ([{'name': 'totals_out_of_reach', 'condition': '_sv_unfitted > 0'}] if spec.auxiliaries else []),
    extra_columns=[
        {'name': 'phase_2_units', 'expression': 'cast(_sv_phase_2_units as bigint)'},
        {'name': 'variance_phase_1', 'expression': 'case when ' ~ given ~ ' then _sv_variance_1 end'},
        {'name': 'variance_phase_2', 'expression': 'case when ' ~ given ~ ' then _sv_variance_2 end'},
        {'name': 'judge_coefficient', 'expression': of_judge.coefficient},
        {'name': 'judge_estimate', 'expression': of_judge.estimate},
        {'name': 'gain', 'expression': of_judge.gain}
    ]
) }}
{%- endmacro %}
