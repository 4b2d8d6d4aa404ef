{#- Latent labels of items and error rates of raters, when nobody knows the truth (Dawid and Skene 1979).

The warehouse counts who gave which label to which item; one call of the Python function dawid_skene in each group
returns all figures as a list, whose layout that function documents. The same answers give the same bits in any order
of rows. For ranking what to adjudicate and for looking at raters, not for a published prevalence: raters who err
together are taken for right. Two raters cannot tell who of them errs, so a group needs three.

The steps lie in dawid_skene/ in the order in which they are called, those that other macros share in ../survey/shared/.

Arguments, columns and null rules: macros/_macros.yml.

Usage (in a model that is a table):
    {{ prevalence.dawid_skene(
        relation=ref('stg_label_events'), item='item_id', rater='rater_id', label='label', by=[['policy_id']],
        result='posteriors'
    ) }}
-#}
{% macro dawid_skene(
    relation, item, rater, label, by=[[]], result='posteriors', max_iterations=200, tolerance=1e-10, smoothing=1e-12
) -%}
{%- set arguments = {
    'relation': relation, 'item': item, 'rater': rater, 'label': label, 'by': by, 'result': result,
    'max_iterations': max_iterations, 'tolerance': tolerance, 'smoothing': smoothing
} -%}
{{ prevalence._check_dawid_skene(arguments) -}}
{%- set spec = prevalence._dawid_skene_spec(arguments) -%}
with

_sv_values as (

    select
        {{- prevalence._sv_answer_values(spec.columns, item, rater, label) }}
    from {{ relation }}

),

{{ prevalence._sv_members('_sv_values', by, spec.columns) }}

{{ prevalence._dawid_skene_answers(spec) }}

{{ prevalence._dawid_skene_solutions(spec) }}

{{ prevalence._dawid_skene_figures(spec) }}
{%- endmacro %}
