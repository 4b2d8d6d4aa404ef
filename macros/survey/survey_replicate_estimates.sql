{#- Estimates with the variance that replicate weights carry: jackknife, balanced repeated replication, Fay, bootstraps.

Each replicate weight gives an estimate of its own; the variance is scale * sum of r_k (theta_k - centre)^2. All sums are
taken in one scan: two per replicate and domain. The degrees of freedom are the rank of the matrix of weights in the
domain, less one, as in R's survey; the rank is that of the distinct patterns weight_k / weight, of which a sample has
about as many as PSUs.

The steps lie in replicate/ in the order in which they are called, those that other macros share in shared/.

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.survey_replicate_estimates(
        relation=ref('labels_with_replicates'), y='is_violating', replicate_weights=['rw_1', 'rw_2', 'rw_3', 'rw_4'],
        scale=0.25, by=[[], ['country']]
    ) }}
-#}
{% macro survey_replicate_estimates(
    relation,
    y,
    x='1.0',
    weight='design_weight',
    replicate_weights=none,
    scale=none,
    rscales=none,
    mse=false,
    degrees_of_freedom=none,
    by=[[]],
    total=false,
    interval='korn_graubard',
    level=0.95,
    zero_positive_bound='clopper_pearson'
) -%}
{%- set arguments = {
    'relation': relation, 'y': y, 'x': x, 'weight': weight, 'replicate_weights': replicate_weights, 'scale': scale,
    'rscales': rscales, 'mse': mse, 'degrees_of_freedom': degrees_of_freedom, 'by': by, 'total': total,
    'interval': interval, 'level': level, 'zero_positive_bound': zero_positive_bound
} -%}
{{ prevalence._check_survey_replicate_estimates(arguments) -}}
{%- set spec = prevalence._survey_replicate_spec(arguments) -%}
with

{{ prevalence._survey_replicate_rows(spec) }}

{{ prevalence._sv_members('_sv_values', by, spec.columns) }}

{{ prevalence._survey_replicate_moments(spec) }}

{{ prevalence._survey_figures(
    spec,
    zero_positive_law='with_replacement',
    extra_status={
        'name': 'undefined_replicates',
        'condition': '_sv_estimate is not null and _sv_variance is null',
        'keeps_estimate': true
    }
) }}
{%- endmacro %}
