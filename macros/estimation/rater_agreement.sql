{#- How much raters agree on items, beyond chance, whoever of them rated what.

Krippendorff's alpha (nominal) uses every item with two answers or more, and so does the share of agreeing pairs, averaged
over items; Fleiss' kappa is defined for items that all raters of the group have answered, and uses those. No answer (null)
is counted and is no disagreement. A figure is null where there is no pair, and those beyond chance also where all answers
are the same.

Arguments, columns and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.rater_agreement(
        relation=ref('stg_label_events'), item='item_id', rater='rater_id', label='label', by=[[], ['policy_id']]
    ) }}
-#}
{% macro rater_agreement(relation, item, rater, label, by=[[]]) -%}
{%- set name = 'rater_agreement' -%}
{%- set required = {'item': item, 'rater': rater, 'label': label} -%}
{%- for argument, value in required.items() -%}
    {{- prevalence._check_expression(name, argument, value, required=true) -}}
{%- endfor -%}
{{- prevalence._check_by(name, by, [
    'items', 'raters', 'labels', 'missing_labels', 'paired_items', 'percent_agreement', 'krippendorff_alpha',
    'complete_items', 'fleiss_kappa', 'grouping_set'
]) -}}
{%- set columns = prevalence._by_columns(by) -%}
{%- set keys = prevalence._sv_keys(columns) -%}
{%- set domain = ['_sv_set'] + keys -%}
{%- set over_domain = 'over (partition by ' ~ domain | join(', ') ~ ')' -%}
with

_sv_values as (

    select
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        {{ item }} as _sv_item,
        {{ rater }} as _sv_rater,
        cast(({{ label }}) as string) as _sv_label
    from {{ relation }}

),

{{ prevalence._sv_members('_sv_values', by, columns) }}

_sv_groups as (

    select
        {{ domain | join(',\n        ') }},
        count(distinct case when _sv_label is not null then _sv_item end) as _sv_items,
        count(distinct case when _sv_label is not null then _sv_rater end) as _sv_raters,
        count(_sv_label) as _sv_labels,
        count(*) - count(_sv_label) as _sv_missing
    from _sv_members
    group by {{ domain | join(', ') }}

),

_sv_answers as (

    select
        {{ (domain + ['_sv_item', '_sv_label']) | join(',\n        ') }},
        cast(count(*) as double) as _sv_count
    from _sv_members
    where _sv_label is not null
    group by {{ (domain + ['_sv_item', '_sv_label']) | join(', ') }}

),

_sv_item_sizes as (

    select
        {%- for key in domain %}
        _sv_answers.{{ key }},
        {%- endfor %}
        _sv_answers._sv_item,
        _sv_answers._sv_label,
        _sv_answers._sv_count,
        _sv_groups._sv_raters,
        sum(_sv_answers._sv_count) over (
            partition by {% for key in domain %}_sv_answers.{{ key }}, {% endfor %}_sv_answers._sv_item
        ) as _sv_size
    from _sv_answers
    inner join _sv_groups
        on
            _sv_answers._sv_set = _sv_groups._sv_set
            {%- for key in keys %}
            and _sv_answers.{{ key }} is not distinct from _sv_groups.{{ key }}
            {%- endfor %}

),

_sv_labels as (

    -- per label: how often it is given on items with two answers or more, and on those that all raters answered
    select
        {{ (domain + ['_sv_label']) | join(',\n        ') }},
        sum(case when _sv_size > 1 then _sv_count else 0 end) as _sv_paired,
        sum(case when _sv_size > 1 then _sv_count * (_sv_count - 1) / (_sv_size * (_sv_size - 1)) else 0 end)
            as _sv_agreement,
        sum(case when _sv_size > 1 then _sv_count * (_sv_size - _sv_count) / (_sv_size - 1) else 0 end) as _sv_observed,
        sum(case when _sv_size = _sv_raters and _sv_raters > 1 then _sv_count else 0 end) as _sv_complete,
        sum(
            case
                when _sv_size = _sv_raters and _sv_raters > 1 then _sv_count * (_sv_count - 1) / (_sv_raters - 1)
                else 0
            end
        ) as _sv_complete_agreement
    from _sv_item_sizes
    group by {{ (domain + ['_sv_label']) | join(', ') }}

),

_sv_shares as (

    select
        *,
        sum(_sv_paired) {{ over_domain }} as _sv_all_paired,
        sum(_sv_complete) {{ over_domain }} as _sv_all_complete
    from _sv_labels

),

_sv_sums as (

    select
        {{ domain | join(',\n        ') }},
        sum(_sv_agreement) as _sv_agreement,
        sum(_sv_observed) / nullif(max(_sv_all_paired), 0) as _sv_observed,
        sum(_sv_paired * (_sv_all_paired - _sv_paired))
        / nullif(max(_sv_all_paired) * (max(_sv_all_paired) - 1), 0) as _sv_expected,
        max(_sv_all_complete) as _sv_all_complete,
        sum(_sv_complete_agreement) / nullif(max(_sv_all_complete), 0) as _sv_complete_agreement,
        sum(_sv_complete * _sv_complete) / nullif(max(_sv_all_complete) * max(_sv_all_complete), 0) as _sv_chance,
        count(case when _sv_complete > 0 then 1 end) as _sv_complete_labels
    from _sv_shares
    group by {{ domain | join(', ') }}

),

_sv_paired_items as (

    select
        {{ domain | join(',\n        ') }},
        count(distinct case when _sv_size > 1 then _sv_item end) as _sv_paired_items
    from _sv_item_sizes
    group by {{ domain | join(', ') }}

),

_sv_final as (

    select
        {%- for column in columns %}
        _sv_groups._sv_by_{{ loop.index }} as {{ column }},
        {%- endfor %}
        cast(_sv_groups._sv_items as bigint) as items,
        cast(_sv_groups._sv_raters as bigint) as raters,
        cast(_sv_groups._sv_labels as bigint) as labels,
        cast(_sv_groups._sv_missing as bigint) as missing_labels,
        cast(coalesce(_sv_paired_items._sv_paired_items, 0) as bigint) as paired_items,
        _sv_sums._sv_agreement / nullif(_sv_paired_items._sv_paired_items, 0) as percent_agreement,
        1 - _sv_sums._sv_observed / nullif(_sv_sums._sv_expected, 0) as krippendorff_alpha,
        cast(coalesce(_sv_sums._sv_all_complete / nullif(_sv_groups._sv_raters, 0), 0) as bigint) as complete_items,
        case
            when _sv_sums._sv_complete_labels > 1
                then (_sv_sums._sv_complete_agreement - _sv_sums._sv_chance) / (1 - _sv_sums._sv_chance)
        end as fleiss_kappa,
        {% if columns -%}
        case
            {%- for grouping_set in by %}
            {%- if grouping_set %}
            when _sv_groups._sv_set = {{ loop.index }} then '{{ grouping_set | join(',') }}'
            {%- endif %}
            {%- endfor %}
            else 'overall'
        end
        {%- else -%}
        'overall'
        {%- endif %} as grouping_set
    from _sv_groups
    left join _sv_sums
        on
            _sv_groups._sv_set = _sv_sums._sv_set
            {%- for key in keys %}
            and _sv_groups.{{ key }} is not distinct from _sv_sums.{{ key }}
            {%- endfor %}
    left join _sv_paired_items
        on
            _sv_groups._sv_set = _sv_paired_items._sv_set
            {%- for key in keys %}
            and _sv_groups.{{ key }} is not distinct from _sv_paired_items.{{ key }}
            {%- endfor %}
    {%- if [] not in by %}
    where _sv_groups._sv_set > 0
    {%- endif %}

)

select * from _sv_final
{%- endmacro %}
