{#- CTEs _sv_cells to _sv_spreads, made of _sv_pairs: agreement, agreement by chance and kappa of each pair, and what
its standard errors are made of.

`spec`: _rater_pair_agreement_spec.sql
-#}
{% macro _rater_pair_agreement_kappas(spec) -%}
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
{%- endmacro %}
