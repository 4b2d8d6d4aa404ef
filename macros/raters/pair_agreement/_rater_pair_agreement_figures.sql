{#- CTEs _sv_counts to _sv_final, made of _sv_pairs, the groups and the kappas: status and figures of each pair.

`spec`: _rater_pair_agreement_spec.sql
-#}
{% macro _rater_pair_agreement_figures(spec) -%}
_sv_counts as (

    select
        {{ (spec.domain + ['_sv_pair', '_sv_rater_1', '_sv_rater_2']) | join(',\n        ') }},
        sum(case when _sv_label_1 is null or _sv_label_2 is null then 0 else _sv_count end) as _sv_paired,
        sum(case when _sv_label_1 is null or _sv_label_2 is null then _sv_count else 0 end) as _sv_missing,
        sum(_sv_repeated) as _sv_repeated,
        sum(case when _sv_positives = 2 then _sv_count else 0 end) as _sv_both,
        sum(case when _sv_positives = 1 then _sv_count else 0 end) as _sv_one,
        sum(case when _sv_positives = 0 then _sv_count else 0 end) as _sv_neither
    from _sv_pairs
    group by {{ spec.group_by }}, _sv_pair, _sv_rater_1, _sv_rater_2

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
        on {{ prevalence._sv_same(spec.domain, '_sv_counts', '_sv_groups') }}
    left join _sv_spreads
        on _sv_counts._sv_pair = _sv_spreads._sv_pair

),

_sv_final as (

    select
        {%- for column in spec.columns %}
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
            when _sv_status = 'ok' then wald_z_{{ bound }}(_sv_kappa, _sv_std_error, {{ spec.alpha }})
        end as interval_{{ bound }},
        {%- endfor %}
        'wald_z' as interval_method,
        cast({{ spec.level }} as double) as interval_level,
        {{ prevalence._sv_grouping_set(spec.by) }} as grouping_set,
        _sv_status as status
    from _sv_states

)

select * from _sv_final
{%- endmacro %}
