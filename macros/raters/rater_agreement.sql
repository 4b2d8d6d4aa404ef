{#- How much raters agree on items, beyond chance, whoever of them rated what.

Krippendorff's alpha and Gwet's AC1 use every item with two answers or more, and so does the share of agreeing pairs,
averaged over items; Fleiss' and Randolph's kappa are defined for items with the same number of answers, and use those
with the most. No answer (null) is counted and is no disagreement. A figure is null where there is no pair, and those
beyond chance also where all answers are the same.

The ordinal alpha is the interval alpha of mid-ranks, so both come from first and second moments within items.

Sources: Krippendorff (2011), Computing Krippendorff's alpha-reliability; Fleiss (1971); Randolph (2005); Gwet (2008),
also for the variance; Gwet (2021), Educational and Psychological Measurement 81,
781-790, for that of Fleiss' kappa, and the same linearisation for alpha; Fisher (1921) for the scale of their intervals;
specific agreement of several raters as pooled pairs, de Vet et al. (2017).

The steps lie in agreement/ in the order in which they are called, those that other macros share in ../survey/shared/.

Arguments, columns and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.rater_agreement(
        relation=ref('stg_label_events'), item='item_id', rater='rater_id', label='label', by=[[], ['policy_id']],
        positive_label="'violating'"
    ) }}
-#}
{% macro rater_agreement(
    relation, item, rater, label, by=[[]], positive_label=none, label_value=none, number_of_labels=none, level=0.95
) -%}
{%- set arguments = {
    'relation': relation, 'item': item, 'rater': rater, 'label': label, 'by': by, 'positive_label': positive_label,
    'label_value': label_value, 'number_of_labels': number_of_labels, 'level': level
} -%}
{{ prevalence._check_rater_agreement(arguments) -}}
{%- set spec = prevalence._rater_agreement_spec(arguments) -%}
with

_sv_values as (

    select
        {{- prevalence._sv_answer_values(spec.columns, item, rater if rater is not none else "''", label) }},
        {{ prevalence._sv_is_positive(label, positive_label) }} as _sv_positive,
        {{ prevalence._sv_finite_or_null(label, label_value) }} as _sv_number
    from {{ relation }}

),

{{ prevalence._sv_members('_sv_values', by, spec.columns) }}

{{ prevalence._rater_agreement_groups(spec) }}

{{ prevalence._rater_agreement_items(spec) }}

{{ prevalence._rater_agreement_errors(spec) }}
{%- if spec.moments %}

{{ prevalence._rater_agreement_moments(spec) }}
{%- endif %}

{{ prevalence._rater_agreement_figures(spec) }}
{%- endmacro %}
