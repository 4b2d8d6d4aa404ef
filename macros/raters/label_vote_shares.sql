{#- How the answers to each item divide over the labels: one row for each item and label that it was given.

An item with no answer has one row without a label. Shares are of the answers that there are; missing ones are counted.

Arguments, columns and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.label_vote_shares(
        relation=ref('stg_label_events'), item='item_id', label='label', by=[['policy_id']]
    ) }}
-#}
{% macro label_vote_shares(relation, item, label, by=[[]]) -%}
{%- set name = 'label_vote_shares' -%}
{%- for argument, value in {'item': item, 'label': label}.items() -%}
    {{- prevalence._check_expression(name, argument, value, required=true) -}}
{%- endfor -%}
{{- prevalence._check_by(name, by, [
    'item', 'label', 'votes', 'labels', 'missing_labels', 'vote_share', 'is_majority', 'tied_labels', 'grouping_set'
]) -}}
{%- set columns = prevalence._by_columns(by) -%}
{%- set keys = prevalence._sv_keys(columns) -%}
{%- set group_by = (['_sv_set'] + keys + ['_sv_item']) | join(', ') -%}
with

_sv_values as (

    select
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        {{ item }} as _sv_item,
        cast(({{ label }}) as string) as _sv_label
    from {{ relation }}

),

{{ prevalence._sv_members('_sv_values', by, columns) }}

_sv_counts as (

    select
        {{ (['_sv_set'] + keys + ['_sv_item', '_sv_label']) | join(',\n        ') }},
        count(_sv_label) as _sv_votes,
        count(*) - count(_sv_label) as _sv_missing
    from _sv_members
    {%- if [] not in by %}
    where _sv_set > 0
    {%- endif %}
    group by {{ group_by }}, _sv_label

),

_sv_items as (

    select
        *,
        sum(_sv_votes) over (partition by {{ group_by }}) as _sv_labels,
        sum(_sv_missing) over (partition by {{ group_by }}) as _sv_all_missing,
        count(*) over (partition by {{ group_by }}, _sv_votes) as _sv_ties,
        max(_sv_votes) over (partition by {{ group_by }}) as _sv_most
    from _sv_counts

),

_sv_final as (

    select
        {%- for column in columns %}
        _sv_by_{{ loop.index }} as {{ column }},
        {%- endfor %}
        _sv_item as item,
        _sv_label as label,
        cast(_sv_votes as bigint) as votes,
        cast(_sv_labels as bigint) as labels,
        cast(_sv_all_missing as bigint) as missing_labels,
        cast(_sv_votes as double) / nullif(_sv_labels, 0) as vote_share,
        case when _sv_labels > 0 then 2 * _sv_votes > _sv_labels end as is_majority,
        cast(case when _sv_votes = _sv_most and _sv_votes > 0 then _sv_ties else 0 end as bigint) as tied_labels,
        {{ prevalence._sv_grouping_set(by) }} as grouping_set
    from _sv_items
    -- the row of the missing answers stands for an item that has no other
    where _sv_label is not null or _sv_labels = 0

)

select * from _sv_final
{%- endmacro %}
