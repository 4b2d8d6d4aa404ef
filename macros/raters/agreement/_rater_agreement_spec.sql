{#- The specification of a call of rater_agreement: its arguments, and what follows from them for its steps.

    columns, domain, group_by: the `by` columns, the internal names of the grouping set and of these, and both as a list
    intervals: figure with a standard error -> the count of items that it rests on
    moments: scale of an alpha -> column of the number that it takes
-#}
{% macro _rater_agreement_spec(arguments) -%}
    {%- set spec = dict(arguments) -%}
    {%- set columns = prevalence._by_columns(spec.by) -%}
    {%- set domain = ['_sv_set'] + prevalence._sv_keys(columns) -%}
    {%- do spec.update({
        'columns': columns,
        'domain': domain,
        'group_by': domain | join(', '),
        'intervals': {'nominal': 'paired_items', 'fleiss': 'complete_items'},
        'moments': {'ordinal': '_sv_rank', 'interval': '_sv_centred'} if spec.label_value is not none else {}
    }) -%}
    {{ return(spec) }}
{%- endmacro %}
