{#- The specification of a call of dawid_skene: its arguments, and what follows from them for its steps.

    columns, domain, group_by: the `by` columns, the internal names of the grouping set and of these, and both as a list
    parts: what a row of the result is about, and where its figure stands in the list after the six of the head
-#}
{% macro _dawid_skene_spec(arguments) -%}
    {%- set spec = dict(arguments) -%}
    {%- set columns = prevalence._by_columns(spec.by) -%}
    {%- set domain = ['_sv_set'] + prevalence._sv_keys(columns) -%}
    {%- set parts = {
        'posteriors': {
            'of': {'item': 'item', 'label': 'label'},
            'position': '_sv_distinct * _sv_item_number + _sv_label_number'
        },
        'confusion': {
            'of': {'rater': 'rater', 'true': 'label', 'label': 'label'},
            'position': '_sv_distinct * (_sv_items + _sv_distinct * (_sv_rater_number - 1) + _sv_true_number)'
            ~ '\n        + _sv_label_number'
        },
        'classes': {'of': {'label': 'label'}, 'position': '_sv_label_number'}
    }[spec.result] -%}
    {%- do spec.update({
        'columns': columns, 'domain': domain, 'group_by': domain | join(', '), 'parts': parts
    }) -%}
    {{ return(spec) }}
{%- endmacro %}
