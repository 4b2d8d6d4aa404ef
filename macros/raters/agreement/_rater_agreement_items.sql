{#- CTEs _sv_answers to _sv_margins, made of _sv_members: answers per item and label, and from these the sums of each
group: agreeing pairs within items, agreement by chance (Gwet), and how often each label is given.

`spec`: _rater_agreement_spec.sql
-#}
{% macro _rater_agreement_items(spec) -%}
_sv_answers as (

    select
        {{ (spec.domain + ['_sv_item', '_sv_label']) | join(',\n        ') }},
        cast(count(*) as double) as _sv_count,
        cast(sum(_sv_positive) as double) as _sv_positive
    from _sv_members
    where _sv_label is not null
    group by {{ spec.group_by }}, _sv_item, _sv_label

),

_sv_item_labels as (

    select
        *,
        sum(_sv_count) over (partition by {{ spec.group_by }}, _sv_item) as _sv_size
    from _sv_answers

),

_sv_label_shares as (

    -- _sv_share is, of the answer's label, the sum of its shares of the items' answers
    select
        *,
        max(_sv_size) over (partition by {{ spec.group_by }}) as _sv_most,
        {% if spec.number_of_labels is not none -%}
        {{ spec.number_of_labels }} as _sv_scheme,
        {%- else -%}
        dense_rank() over (partition by {{ spec.group_by }} order by _sv_label) as _sv_scheme,
        {%- endif %}
        sum(_sv_count / _sv_size) over (partition by {{ spec.group_by }}, _sv_label) as _sv_share
    from _sv_item_labels

),

_sv_item_sums as (

    select
        {{ (spec.domain + ['_sv_item']) | join(',\n        ') }},
        max(_sv_size) as _sv_size,
        max(_sv_scheme) as _sv_scheme,
        max(case when _sv_size > 1 then cast(1 as double) else 0 end) as _sv_is_paired,
        max(case when _sv_size = _sv_most and _sv_size > 1 then 1 else 0 end) as _sv_complete,
        sum(case when _sv_size > 1 then _sv_count * (_sv_count - 1) / (_sv_size * (_sv_size - 1)) else 0 end)
            as _sv_agreement,
        sum(case when _sv_size > 1 then _sv_count * (_sv_size - _sv_count) / (_sv_size - 1) else 0 end) as _sv_observed,
        sum(_sv_count / _sv_size * _sv_share) as _sv_share,
        sum(_sv_positive) as _sv_positive
    from _sv_label_shares
    group by {{ spec.group_by }}, _sv_item

),

_sv_item_chances as (

    -- agreement by chance, of Gwet: of the group, and each item's part in it
    select
        *,
        cast(count(*) over (partition by {{ spec.group_by }}) as double) as _sv_n,
        sum(_sv_agreement) over (partition by {{ spec.group_by }})
        / nullif(sum(_sv_is_paired) over (partition by {{ spec.group_by }}), 0) as _sv_mean_agreement,
        sum(_sv_is_paired) over (partition by {{ spec.group_by }}) as _sv_paired_items,
        (
            1 - sum(_sv_share) over (partition by {{ spec.group_by }})
            / power(count(*) over (partition by {{ spec.group_by }}), 2)
        ) / nullif(max(_sv_scheme) over (partition by {{ spec.group_by }}) - 1, 0) as _sv_chance,
        (1 - _sv_share / count(*) over (partition by {{ spec.group_by }}))
        / nullif(max(_sv_scheme) over (partition by {{ spec.group_by }}) - 1, 0) as _sv_item_chance
    from _sv_item_sums

),

_sv_sums as (

    select
        {{ spec.domain | join(',\n        ') }},
        sum(case when _sv_size > 1 then 1 else 0 end) as _sv_paired_items,
        sum(case when _sv_size > 1 then _sv_size else 0 end) as _sv_paired,
        sum(_sv_complete) as _sv_complete_items,
        sum(_sv_complete * _sv_agreement) as _sv_complete_agreement,
        sum(_sv_agreement) as _sv_agreement,
        sum(_sv_observed) as _sv_observed,
        max(_sv_chance) as _sv_chance,
        sqrt(
            var_samp(
                _sv_n / nullif(_sv_paired_items, 0) * (_sv_agreement - _sv_chance * _sv_is_paired)
                - 2 * (1 - _sv_mean_agreement) / nullif(1 - _sv_chance, 0) * _sv_item_chance
            ) / max(_sv_n)
        ) / nullif(1 - max(_sv_chance), 0) as _sv_ac1_std_error,
        sum(_sv_positive * (_sv_positive - 1)) as _sv_positive_pairs,
        sum(_sv_positive * (_sv_size - 1)) as _sv_positive_possible,
        sum((_sv_size - _sv_positive) * (_sv_size - _sv_positive - 1)) as _sv_negative_pairs,
        sum((_sv_size - _sv_positive) * (_sv_size - 1)) as _sv_negative_possible
    from _sv_item_chances
    group by {{ spec.group_by }}

),

_sv_labels as (

    -- per label: how often it is given on items with two answers or more, and on those with the most answers
    select
        {{ (spec.domain + ['_sv_label']) | join(',\n        ') }},
        sum(case when _sv_size > 1 then _sv_count else 0 end) as _sv_paired,
        sum(case when _sv_size = _sv_most and _sv_size > 1 then _sv_count else 0 end) as _sv_complete
    from _sv_label_shares
    group by {{ spec.group_by }}, _sv_label

),

_sv_margins as (

    select
        {{ spec.domain | join(',\n        ') }},
        sum(_sv_paired) as _sv_all_paired,
        sum(_sv_paired * _sv_paired) as _sv_paired_squares,
        sum(_sv_complete * _sv_complete) as _sv_complete_squares,
        sum(_sv_complete) as _sv_complete
    from _sv_labels
    group by {{ spec.group_by }}

),
{%- endmacro %}
