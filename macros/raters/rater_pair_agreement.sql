{#- How much two raters agree beyond chance, on the items that both answered: one row for each pair.

Cohen's kappa with the large-sample standard error of Fleiss, Cohen and Everitt (1969), Psychological Bulletin 72, for
the interval, and theirs under kappa = 0 for a test. Raters are in order, so a pair comes once. An item that one of the
two left without an answer (null) is counted and is no disagreement.

Arguments, columns and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.rater_pair_agreement(
        relation=ref('stg_label_events'), item='item_id', rater='rater_id', label='label', by=[['policy_id']]
    ) }}
-#}
{% macro rater_pair_agreement(relation, item, rater, label, by=[[]], positive_label=none, level=0.95) -%}
{%- set name = 'rater_pair_agreement' -%}
{%- for argument, value in {'item': item, 'rater': rater, 'label': label}.items() -%}
    {{- prevalence._check_expression(name, argument, value, required=true) -}}
{%- endfor -%}
{{- prevalence._check_expression(name, 'positive_label', positive_label) -}}
{{- prevalence._check_level(name, level) -}}
{{- prevalence._check_by(name, by, [
    'rater_1', 'rater_2', 'paired_items', 'missing_items', 'repeated_items', 'invalid_rows', 'percent_agreement',
    'positive_agreement', 'negative_agreement', 'cohen_kappa', 'std_error', 'null_std_error', 'interval_lower',
    'interval_upper', 'interval_method', 'interval_level', 'grouping_set', 'status'
]) -}}
{%- set columns = prevalence._by_columns(by) -%}
{%- set keys = prevalence._sv_keys(columns) -%}
{%- set domain = ['_sv_set'] + keys -%}
{%- set group_by = domain | join(', ') -%}
{%- set alpha = 'cast(' ~ (1 - level) ~ ' as double)' -%}
with

_sv_values as (

    select
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        {{ item }} as _sv_item,
        {{ rater }} as _sv_rater,
        cast(({{ label }}) as string) as _sv_label,
        {{ prevalence._sv_is_positive(label, positive_label) }} as _sv_positive
    from {{ relation }}

),

{{ prevalence._sv_members('_sv_values', by, columns) }}

_sv_groups as (

    select
        {{ domain | join(',\n        ') }},
        sum(case when _sv_item is null or _sv_rater is null then 1 else 0 end) as _sv_invalid
    from _sv_members
    {%- if [] not in by %}
    where _sv_set > 0
    {%- endif %}
    group by {{ group_by }}

),

_sv_ratings as (

    -- a rater's answer to an item; more than one makes the pair's figures null
    select
        {{ (domain + ['_sv_item', '_sv_rater']) | join(',\n        ') }},
        max(_sv_label) as _sv_label,
        max(_sv_positive) as _sv_positive,
        count(_sv_label) as _sv_answers
    from _sv_members
    where
        _sv_item is not null
        and _sv_rater is not null
        {%- if [] not in by %}
        and _sv_set > 0
        {%- endif %}
    group by {{ group_by }}, _sv_item, _sv_rater

),

_sv_table as (

    select
        {%- for key in domain %}
        _sv_first.{{ key }},
        {%- endfor %}
        _sv_first._sv_rater as _sv_rater_1,
        _sv_second._sv_rater as _sv_rater_2,
        _sv_first._sv_label as _sv_label_1,
        _sv_second._sv_label as _sv_label_2,
        max(_sv_first._sv_positive + _sv_second._sv_positive) as _sv_positives,
        cast(count(*) as double) as _sv_count,
        sum(case when _sv_first._sv_answers > 1 or _sv_second._sv_answers > 1 then 1 else 0 end) as _sv_repeated
    from _sv_ratings as _sv_first
    inner join _sv_ratings as _sv_second
        on
            _sv_first._sv_item = _sv_second._sv_item
            and _sv_first._sv_set = _sv_second._sv_set
            and _sv_first._sv_rater < _sv_second._sv_rater
            {%- for key in keys %}
            and _sv_first.{{ key }} is not distinct from _sv_second.{{ key }}
            {%- endfor %}
    group by
        {%- for key in domain %}
        _sv_first.{{ key }},
        {%- endfor %}
        _sv_first._sv_rater,
        _sv_second._sv_rater,
        _sv_first._sv_label,
        _sv_second._sv_label

),

_sv_pairs as (

    select
        *,
        dense_rank() over (order by {{ group_by }}, _sv_rater_1, _sv_rater_2) as _sv_pair
    from _sv_table

),

_sv_cells as (

    select
        _sv_pair,
        _sv_label_1,
        _sv_label_2,
        _sv_count,
        sum(_sv_count) over (partition by _sv_pair) as _sv_n
    from _sv_pairs
    where _sv_label_1 is not null and _sv_label_2 is not null

),

_sv_labels as (

    select
        _sv_pair,
        _sv_label_1 as _sv_label,
        _sv_count / _sv_n as _sv_share_1,
        cast(0 as double) as _sv_share_2
    from _sv_cells
    union all
    select
        _sv_pair,
        _sv_label_2 as _sv_label,
        cast(0 as double) as _sv_share_1,
        _sv_count / _sv_n as _sv_share_2
    from _sv_cells

),

_sv_margins as (

    select
        _sv_pair,
        _sv_label,
        sum(_sv_share_1) as _sv_share_1,
        sum(_sv_share_2) as _sv_share_2
    from _sv_labels
    group by _sv_pair, _sv_label

),

_sv_chance as (

    select
        _sv_pair,
        count(*) as _sv_distinct,
        sum(_sv_share_1 * _sv_share_2) as _sv_chance,
        sum(_sv_share_1 * _sv_share_2 * (_sv_share_1 + _sv_share_2)) as _sv_cubes
    from _sv_margins
    group by _sv_pair

),

_sv_crossed as (

    -- _sv_margin: how often the other rater gives the one rater's label, summed over both
    select
        _sv_cells._sv_pair,
        _sv_cells._sv_count,
        _sv_cells._sv_n,
        case when _sv_cells._sv_label_1 = _sv_cells._sv_label_2 then cast(1 as double) else 0 end as _sv_same,
        _sv_of_first._sv_share_2 + _sv_of_second._sv_share_1 as _sv_margin
    from _sv_cells
    inner join _sv_margins as _sv_of_first
        on _sv_cells._sv_pair = _sv_of_first._sv_pair and _sv_cells._sv_label_1 = _sv_of_first._sv_label
    inner join _sv_margins as _sv_of_second
        on _sv_cells._sv_pair = _sv_of_second._sv_pair and _sv_cells._sv_label_2 = _sv_of_second._sv_label

),

_sv_sums as (

    select
        _sv_pair,
        max(_sv_n) as _sv_n,
        sum(_sv_count * _sv_same) / max(_sv_n) as _sv_agreement,
        sum(_sv_count * _sv_same * _sv_margin) / max(_sv_n) as _sv_same_margin,
        sum(_sv_count * _sv_margin * _sv_margin) / max(_sv_n) as _sv_margin_squares
    from _sv_crossed
    group by _sv_pair

),

_sv_kappas as (

    -- _sv_disagreement is 1 - kappa; a pair that gave one label only has none
    select
        _sv_sums.*,
        _sv_chance._sv_chance,
        _sv_chance._sv_cubes,
        _sv_chance._sv_distinct,
        case
            when _sv_chance._sv_distinct > 1 then (1 - _sv_sums._sv_agreement) / (1 - _sv_chance._sv_chance)
        end as _sv_disagreement
    from _sv_sums
    inner join _sv_chance
        on _sv_sums._sv_pair = _sv_chance._sv_pair

),

_sv_spreads as (

    select
        *,
        _sv_agreement
        - 2 * _sv_disagreement * _sv_same_margin
        + _sv_disagreement * _sv_disagreement * _sv_margin_squares
        - power(1 - _sv_disagreement - _sv_chance * _sv_disagreement, 2) as _sv_spread,
        _sv_chance + _sv_chance * _sv_chance - _sv_cubes as _sv_null_spread
    from _sv_kappas

),

_sv_counts as (

    select
        {{ (domain + ['_sv_pair', '_sv_rater_1', '_sv_rater_2']) | join(',\n        ') }},
        sum(case when _sv_label_1 is null or _sv_label_2 is null then 0 else _sv_count end) as _sv_paired,
        sum(case when _sv_label_1 is null or _sv_label_2 is null then _sv_count else 0 end) as _sv_missing,
        sum(_sv_repeated) as _sv_repeated,
        sum(case when _sv_positives = 2 then _sv_count else 0 end) as _sv_both,
        sum(case when _sv_positives = 1 then _sv_count else 0 end) as _sv_one,
        sum(case when _sv_positives = 0 then _sv_count else 0 end) as _sv_neither
    from _sv_pairs
    group by {{ group_by }}, _sv_pair, _sv_rater_1, _sv_rater_2

),

_sv_states as (

    -- a spread that is rounding alone is none
    select
        _sv_counts.*,
        _sv_groups._sv_invalid,
        _sv_spreads._sv_agreement,
        1 - _sv_spreads._sv_disagreement as _sv_kappa,
        case when _sv_spreads._sv_spread > 1e-13 then sqrt(_sv_spreads._sv_spread / _sv_spreads._sv_n) else 0 end
        / nullif(1 - _sv_spreads._sv_chance, 0) as _sv_std_error,
        case
            when _sv_spreads._sv_null_spread > 1e-13 then sqrt(_sv_spreads._sv_null_spread / _sv_spreads._sv_n) else 0
        end / nullif(1 - _sv_spreads._sv_chance, 0) as _sv_null_std_error,
        case
            when _sv_groups._sv_invalid > 0 then 'invalid_rows'
            when _sv_counts._sv_repeated > 0 then 'repeated_labels'
            when _sv_counts._sv_paired = 0 then 'no_pairs'
            when _sv_spreads._sv_distinct = 1 then 'one_label'
            when _sv_spreads._sv_spread > 1e-13 then 'ok'
            else 'zero_variance'
        end as _sv_status
    from _sv_counts
    inner join _sv_groups
        on
            _sv_counts._sv_set = _sv_groups._sv_set
            {%- for key in keys %}
            and _sv_counts.{{ key }} is not distinct from _sv_groups.{{ key }}
            {%- endfor %}
    left join _sv_spreads
        on _sv_counts._sv_pair = _sv_spreads._sv_pair

),

_sv_final as (

    select
        {%- for column in columns %}
        _sv_by_{{ loop.index }} as {{ column }},
        {%- endfor %}
        _sv_rater_1 as rater_1,
        _sv_rater_2 as rater_2,
        cast(_sv_paired as bigint) as paired_items,
        cast(_sv_missing as bigint) as missing_items,
        cast(_sv_repeated as bigint) as repeated_items,
        cast(_sv_invalid as bigint) as invalid_rows,
        case when _sv_status in ('ok', 'zero_variance', 'one_label') then _sv_agreement end as percent_agreement,
        case
            when _sv_status in ('ok', 'zero_variance', 'one_label')
                then 2 * _sv_both / nullif(2 * _sv_both + _sv_one, 0)
        end as positive_agreement,
        case
            when _sv_status in ('ok', 'zero_variance', 'one_label')
                then 2 * _sv_neither / nullif(2 * _sv_neither + _sv_one, 0)
        end as negative_agreement,
        case when _sv_status in ('ok', 'zero_variance') then _sv_kappa end as cohen_kappa,
        case when _sv_status in ('ok', 'zero_variance') then _sv_std_error end as std_error,
        case when _sv_status in ('ok', 'zero_variance') then _sv_null_std_error end as null_std_error,
        {%- for bound in ['lower', 'upper'] %}
        case
            when _sv_status = 'ok' then wald_z_{{ bound }}(_sv_kappa, _sv_std_error, {{ alpha }})
        end as interval_{{ bound }},
        {%- endfor %}
        'wald_z' as interval_method,
        cast({{ level }} as double) as interval_level,
        {{ prevalence._sv_grouping_set(by) }} as grouping_set,
        _sv_status as status
    from _sv_states

)

select * from _sv_final
{%- endmacro %}
