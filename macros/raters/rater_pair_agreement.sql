{#- How much two raters agree beyond chance, on the items that both answered: one row for each pair.

Cohen's kappa with the large-sample standard error of Fleiss, Cohen and Everitt (1969), Psychological Bulletin 72, for
the interval, and theirs under kappa = 0 for a test. Raters are in order, so a pair comes once. An item that one of the
two left without an answer (null) is counted and is no disagreement.

The steps lie in pair_agreement/ in the order in which they are called, those that other macros share in
../survey/shared/.

Arguments, columns and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.rater_pair_agreement(
        relation=ref('stg_label_events'), item='item_id', rater='rater_id', label='label', by=[['policy_id']]
    ) }}
-#}
{% macro rater_pair_agreement(relation, item, rater, label, by=[[]], positive_label=none, level=0.95) -%}
{%- set arguments = {
    'relation': relation, 'item': item, 'rater': rater, 'label': label, 'by': by, 'positive_label': positive_label,
    'level': level
} -%}
{{ prevalence._check_rater_pair_agreement(arguments) -}}
{%- set spec = prevalence._rater_pair_agreement_spec(arguments) -%}
with

_sv_values as (

    select
        {{- prevalence._sv_answer_values(spec.columns, item, rater, label) }},
        {{ prevalence._sv_is_positive(label, positive_label) }} as _sv_positive
    from {{ relation }}

),

{{ prevalence._sv_members('_sv_values', by, spec.columns) }}

{{ prevalence._rater_pair_agreement_table(spec) }}

{{ prevalence._rater_pair_agreement_kappas(spec) }}

{{ prevalence._rater_pair_agreement_figures(spec) }}
{%- endmacro %}
