{#- How much raters agree on items, beyond chance, whoever of them rated what.

Krippendorff's alpha and Gwet's AC1 use every item with two answers or more, and so does the share of agreeing pairs,
averaged over items; Fleiss' and Randolph's kappa are defined for items with the same number of answers, and use those
with the most. No answer (null) is counted and is no disagreement. A figure is null where there is no pair, and those
beyond chance also where all answers are the same.

The ordinal alpha is the interval alpha of mid-ranks, so both come from first and second moments within items.

Sources: Krippendorff (2011), Computing Krippendorff's alpha-reliability; Fleiss (1971); Randolph (2005); Gwet (2008),
also for the variance; specific agreement of several raters as pooled pairs, de Vet et al. (2017).

Arguments, columns and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.rater_agreement(
        relation=ref('stg_label_events'), item='item_id', rater='rater_id', label='label', by=[[], ['policy_id']],
        positive_label="'violating'"
    ) }}
-#}
{% macro rater_agreement(
    relation, item, rater, label, by=[[]], positive_label=none, label_value=none, number_of_labels=none
) -%}
{%- set name = 'rater_agreement' -%}
{%- for argument, value in {'item': item, 'label': label}.items() -%}
    {{- prevalence._check_expression(name, argument, value, required=true) -}}
{%- endfor -%}
{%- for argument, value in {'rater': rater, 'positive_label': positive_label, 'label_value': label_value}.items() -%}
    {{- prevalence._check_expression(name, argument, value) -}}
{%- endfor -%}
{{- prevalence._sv_check_number_of_labels(name, number_of_labels) -}}
{{- prevalence._check_by(name, by, [
    'items', 'raters', 'labels', 'missing_labels', 'repeated_labels', 'invalid_rows', 'distinct_labels', 'paired_items',
    'percent_agreement', 'positive_agreement', 'negative_agreement', 'krippendorff_alpha', 'labels_without_value',
    'krippendorff_alpha_ordinal', 'krippendorff_alpha_interval', 'gwet_ac1', 'gwet_ac1_std_error', 'complete_items',
    'fleiss_kappa', 'randolph_kappa', 'grouping_set', 'status'
]) -}}
{%- set columns = prevalence._by_columns(by) -%}
{%- set keys = prevalence._sv_keys(columns) -%}
{%- set domain = ['_sv_set'] + keys -%}
{%- set group_by = domain | join(', ') -%}
{%- set moments = {'ordinal': '_sv_rank', 'interval': '_sv_centred'} if label_value is not none else {} -%}
with

_sv_values as (

    select
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        {{ item }} as _sv_item,
        {{ rater if rater is not none else "''" }} as _sv_rater,
        cast(({{ label }}) as string) as _sv_label,
        {{ prevalence._sv_is_positive(label, positive_label) }} as _sv_positive,
        {{ prevalence._sv_finite_or_null(label, label_value) }} as _sv_number
    from {{ relation }}

),

{{ prevalence._sv_members('_sv_values', by, columns) }}

_sv_groups as (

    select
        {{ domain | join(',\n        ') }},
        count(distinct case when _sv_label is not null then _sv_item end) as _sv_items,
        count(distinct case when _sv_label is not null then _sv_rater end) as _sv_raters,
        count(distinct _sv_label) as _sv_distinct,
        count(_sv_label) as _sv_labels,
        count(_sv_number) as _sv_numbers,
        count(*) - count(_sv_label) as _sv_missing,
        sum(case when _sv_item is null or _sv_rater is null then 1 else 0 end) as _sv_invalid
    from _sv_members
    group by {{ group_by }}

),

_sv_ratings as (

    select
        {{ (domain + ['_sv_item', '_sv_rater']) | join(',\n        ') }},
        count(_sv_label) - 1 as _sv_repeats
    from _sv_members
    group by {{ group_by }}, _sv_item, _sv_rater
    having count(_sv_label) > 1

),

_sv_repeats as (

    select
        {{ domain | join(',\n        ') }},
        sum(_sv_repeats) as _sv_repeats
    from _sv_ratings
    group by {{ group_by }}

),

_sv_answers as (

    select
        {{ (domain + ['_sv_item', '_sv_label']) | join(',\n        ') }},
        cast(count(*) as double) as _sv_count,
        cast(sum(_sv_positive) as double) as _sv_positive
    from _sv_members
    where _sv_label is not null
    group by {{ group_by }}, _sv_item, _sv_label

),

_sv_item_labels as (

    select
        *,
        sum(_sv_count) over (partition by {{ group_by }}, _sv_item) as _sv_size
    from _sv_answers

),

_sv_label_shares as (

    -- _sv_share is, of the answer's label, the sum of its shares of the items' answers
    select
        *,
        max(_sv_size) over (partition by {{ group_by }}) as _sv_most,
        {% if number_of_labels is not none -%}
        {{ number_of_labels }} as _sv_scheme,
        {%- else -%}
        dense_rank() over (partition by {{ group_by }} order by _sv_label) as _sv_scheme,
        {%- endif %}
        sum(_sv_count / _sv_size) over (partition by {{ group_by }}, _sv_label) as _sv_share
    from _sv_item_labels

),

_sv_item_sums as (

    select
        {{ (domain + ['_sv_item']) | join(',\n        ') }},
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
    group by {{ group_by }}, _sv_item

),

_sv_item_chances as (

    -- agreement by chance, of Gwet: of the group, and each item's part in it
    select
        *,
        cast(count(*) over (partition by {{ group_by }}) as double) as _sv_n,
        sum(_sv_agreement) over (partition by {{ group_by }})
        / nullif(sum(_sv_is_paired) over (partition by {{ group_by }}), 0) as _sv_mean_agreement,
        sum(_sv_is_paired) over (partition by {{ group_by }}) as _sv_paired_items,
        (
            1 - sum(_sv_share) over (partition by {{ group_by }})
            / power(count(*) over (partition by {{ group_by }}), 2)
        ) / nullif(max(_sv_scheme) over (partition by {{ group_by }}) - 1, 0) as _sv_chance,
        (1 - _sv_share / count(*) over (partition by {{ group_by }}))
        / nullif(max(_sv_scheme) over (partition by {{ group_by }}) - 1, 0) as _sv_item_chance
    from _sv_item_sums

),

_sv_sums as (

    select
        {{ domain | join(',\n        ') }},
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
    group by {{ group_by }}

),

_sv_labels as (

    -- per label: how often it is given on items with two answers or more, and on those with the most answers
    select
        {{ (domain + ['_sv_label']) | join(',\n        ') }},
        sum(case when _sv_size > 1 then _sv_count else 0 end) as _sv_paired,
        sum(case when _sv_size = _sv_most and _sv_size > 1 then _sv_count else 0 end) as _sv_complete
    from _sv_label_shares
    group by {{ group_by }}, _sv_label

),

_sv_margins as (

    select
        {{ domain | join(',\n        ') }},
        sum(_sv_paired * _sv_paired) as _sv_paired_squares,
        sum(_sv_complete * _sv_complete) as _sv_complete_squares,
        sum(_sv_complete) as _sv_complete
    from _sv_labels
    group by {{ group_by }}

),

{%- if moments %}

_sv_numbers as (

    select
        {{ (domain + ['_sv_item', '_sv_number']) | join(',\n        ') }},
        count(*) over (partition by {{ group_by }}, _sv_item) as _sv_size
    from _sv_members
    where _sv_number is not null

),

_sv_pairable as (

    -- the mid-rank is the number of smaller answers and half of that of equal ones
    select
        {{ (domain + ['_sv_item', '_sv_size']) | join(',\n        ') }},
        rank() over (partition by {{ group_by }} order by _sv_number) - 1
        + cast(0.5 as double) * count(*) over (partition by {{ group_by }}, _sv_number)
        - cast(0.5 as double) * count(*) over (partition by {{ group_by }}) as _sv_rank,
        _sv_number - avg(_sv_number) over (partition by {{ group_by }}) as _sv_centred
    from _sv_numbers
    where _sv_size > 1

),

_sv_item_moments as (

    select
        {{ (domain + ['_sv_item', '_sv_size']) | join(',\n        ') }}
        {%- for scale, number in moments.items() %},
        sum({{ number }}) as _sv_{{ scale }}_sum,
        sum({{ number }} * {{ number }}) as _sv_{{ scale }}_squares,
        var_pop({{ number }}) as _sv_{{ scale }}_variance
        {%- endfor %}
    from _sv_pairable
    group by {{ group_by }}, _sv_item, _sv_size

),

_sv_moments as (

    select
        {{ domain | join(',\n        ') }}
        {%- for scale in moments %},
        -- mean squared differences of pairs: within items, and of all
        sum(2 * _sv_size * _sv_size * _sv_{{ scale }}_variance / (_sv_size - 1)) / sum(_sv_size)
            as _sv_{{ scale }}_observed,
        2 * (
            sum(_sv_{{ scale }}_squares) * sum(_sv_size) - sum(_sv_{{ scale }}_sum) * sum(_sv_{{ scale }}_sum)
        ) / (cast(sum(_sv_size) as double) * (sum(_sv_size) - 1)) as _sv_{{ scale }}_expected
        {%- endfor %}
    from _sv_item_moments
    group by {{ group_by }}

),
{%- endif %}

_sv_joined as (

    select
        _sv_groups.*,
        {{ 'coalesce(_sv_repeats._sv_repeats, 0)' if rater is not none else '0' }} as _sv_repeats,
        {{ number_of_labels if number_of_labels is not none else '_sv_groups._sv_distinct' }} as _sv_scheme,
        coalesce(_sv_sums._sv_paired_items, 0) as _sv_paired_items,
        coalesce(_sv_sums._sv_complete_items, 0) as _sv_complete_items,
        {%- for column in [
            'paired', 'complete_agreement', 'agreement', 'observed', 'chance', 'ac1_std_error', 'positive_pairs',
            'positive_possible', 'negative_pairs', 'negative_possible'
        ] %}
        _sv_sums._sv_{{ column }},
        {%- endfor %}
        {%- for scale in moments %}
        _sv_moments._sv_{{ scale }}_observed,
        _sv_moments._sv_{{ scale }}_expected,
        {%- endfor %}
        _sv_margins._sv_paired_squares,
        _sv_margins._sv_complete_squares,
        _sv_margins._sv_complete
    from _sv_groups
    {%- for other in ['_sv_repeats', '_sv_sums', '_sv_margins'] + (['_sv_moments'] if moments else []) %}
    left join {{ other }}
        on
            _sv_groups._sv_set = {{ other }}._sv_set
            {%- for key in keys %}
            and _sv_groups.{{ key }} is not distinct from {{ other }}.{{ key }}
            {%- endfor %}
    {%- endfor %}

),

_sv_states as (

    select
        *,
        case
            when _sv_invalid > 0 then 'invalid_rows'
            when _sv_repeats > 0 then 'repeated_labels'
            when _sv_distinct > _sv_scheme then 'too_many_labels'
            when _sv_paired_items = 0 then 'no_pairs'
            when _sv_paired_squares = _sv_paired * _sv_paired then 'one_label'
            else 'ok'
        end as _sv_status
    from _sv_joined

),

_sv_figures as (

    -- from here on a group whose rows cannot be used has no sums
    select
        {{ domain | join(',\n        ') }},
        _sv_items,
        _sv_raters,
        _sv_labels,
        _sv_missing,
        _sv_repeats,
        _sv_invalid,
        _sv_distinct,
        _sv_numbers,
        _sv_paired_items,
        _sv_complete_items,
        _sv_status,
        cast(_sv_scheme as double) as _sv_scheme,
        case when _sv_status in ('ok', 'one_label') then cast(_sv_items as double) end as _sv_n,
        _sv_agreement / nullif(_sv_paired_items, 0) as _sv_agreement,
        _sv_positive_pairs / nullif(_sv_positive_possible, 0) as _sv_positive,
        _sv_negative_pairs / nullif(_sv_negative_possible, 0) as _sv_negative,
        1 - _sv_observed / nullif(_sv_paired, 0)
        / nullif((_sv_paired * _sv_paired - _sv_paired_squares) / nullif(_sv_paired * (_sv_paired - 1), 0), 0)
            as _sv_nominal,
        {%- for scale in moments %}
        1 - _sv_{{ scale }}_observed / nullif(_sv_{{ scale }}_expected, 0) as _sv_{{ scale }},
        {%- endfor %}
        _sv_complete_agreement / nullif(_sv_complete_items, 0) as _sv_complete_agreement,
        _sv_complete_squares / nullif(_sv_complete * _sv_complete, 0) as _sv_complete_chance,
        _sv_chance,
        _sv_ac1_std_error
    from _sv_states

),

_sv_final as (

    select
        {%- for column in columns %}
        _sv_by_{{ loop.index }} as {{ column }},
        {%- endfor %}
        cast(_sv_items as bigint) as items,
        cast({{ '_sv_raters' if rater is not none else 'null' }} as bigint) as raters,
        cast(_sv_labels as bigint) as labels,
        cast(_sv_missing as bigint) as missing_labels,
        cast({{ '_sv_repeats' if rater is not none else 'null' }} as bigint) as repeated_labels,
        cast(_sv_invalid as bigint) as invalid_rows,
        cast(_sv_distinct as bigint) as distinct_labels,
        cast(_sv_paired_items as bigint) as paired_items,
        case when _sv_n is not null then _sv_agreement end as percent_agreement,
        case when _sv_n is not null then _sv_positive end as positive_agreement,
        case when _sv_n is not null then _sv_negative end as negative_agreement,
        case when _sv_n is not null then _sv_nominal end as krippendorff_alpha,
        cast({{ '_sv_labels - _sv_numbers' if moments else 'null' }} as bigint) as labels_without_value,
        {%- for scale in ['ordinal', 'interval'] %}
        {% if scale in moments -%}
        case when _sv_n is not null then _sv_{{ scale }} end as krippendorff_alpha_{{ scale }},
        {%- else -%}
        cast(null as double) as krippendorff_alpha_{{ scale }},
        {%- endif %}
        {%- endfor %}
        case when _sv_n is not null then (_sv_agreement - _sv_chance) / nullif(1 - _sv_chance, 0) end as gwet_ac1,
        case when _sv_n > 1 then _sv_ac1_std_error end as gwet_ac1_std_error,
        cast(_sv_complete_items as bigint) as complete_items,
        case
            when _sv_n is not null and _sv_complete_chance < 1
                then (_sv_complete_agreement - _sv_complete_chance) / (1 - _sv_complete_chance)
        end as fleiss_kappa,
        case
            when _sv_n is not null and _sv_scheme > 1
                then (_sv_complete_agreement - 1 / _sv_scheme) / (1 - 1 / _sv_scheme)
        end as randolph_kappa,
        {{ prevalence._sv_grouping_set(by) }} as grouping_set,
        _sv_status as status
    from _sv_figures
    {%- if [] not in by %}
    where _sv_set > 0
    {%- endif %}

)

select * from _sv_final
{%- endmacro %}

{#- 1 where the answer is the positive one, 0 where it is another, null without one or without a positive label. -#}
{% macro _sv_is_positive(label, positive_label) -%}
    {%- if positive_label is none -%}
    cast(null as int)
    {%- else -%}
    case when ({{ label }}) = ({{ positive_label }}) then 1 when ({{ label }}) is not null then 0 end
    {%- endif -%}
{%- endmacro %}

{#- The answer's number; null for an answer without one: it cannot be ranked, and is counted. -#}
{% macro _sv_finite_or_null(label, label_value) -%}
    {%- if label_value is none -%}
    cast(null as double)
    {%- else -%}
    case
            when ({{ label }}) is not null and {{ prevalence._is_finite('cast((' ~ label_value ~ ') as double)') }}
                then cast(({{ label_value }}) as double)
        end
    {%- endif -%}
{%- endmacro %}

{% macro _sv_check_number_of_labels(macro_name, number_of_labels) -%}
    {%- if number_of_labels is not none and (number_of_labels is not integer or number_of_labels < 2) -%}
        {{ prevalence._refuse(
            macro_name,
            "number_of_labels must be a whole number of 2 or more, or none; received '" ~ number_of_labels ~ "'"
        ) }}
    {%- endif -%}
{%- endmacro %}
