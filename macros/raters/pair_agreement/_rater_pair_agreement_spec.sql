{#- The specification of a call of rater_pair_agreement: its arguments, and what follows from them for its steps.

    columns, domain, group_by: the `by` columns, the internal names of the grouping set and of these, and both as a list
    alpha: one minus the level, as SQL
-#}
{% macro _rater_pair_agreement_spec(arguments) -%}
    {%- set spec = dict(arguments) -%}
    {%- set columns = prevalence._by_columns(spec.by) -%}
    {%- set domain = ['_sv_set'] + prevalence._sv_keys(columns) -%}
    {%- do spec.update({
        'columns': columns,
        'domain': domain,
        'group_by': domain | join(', '),
        'alpha': 'cast(' ~ (1 - spec.level) ~ ' as double)'
    }) -%}
    {{ return(spec) }}
{%- endmacro %}
