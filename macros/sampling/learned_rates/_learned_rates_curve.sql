{#- Step 2 of _learned_rates. CTEs _lr_scores to _lr_curves, made of _lr_shares: the power of the score that foresees the
labels best, and what it gives in each bin. -#}
{% macro _learned_rates_curve(by) -%}
{%- set columns = by | join(', ') -%}
{%- set root_powers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32] -%}
_lr_scores as (

    select
        *,
        sqrt(sqrt(sqrt(sqrt(_lr_mean_score / max(_lr_mean_score) over (partition by {{ columns }}))))) as _lr_sixteenth
    from _lr_shares

),

_lr_totals as (

    select
        {{ columns }},
        cast(sum(_lr_labels) as bigint) as _lr_all_labels,
        cast(sum(_lr_weight) as bigint) as _lr_all_weight,
        cast(sum(_lr_violating) as bigint) as _lr_all_violating,
        cast(sum(_lr_positive) as bigint) as _lr_all_positive,
        -- effective positives per positive of the sum, per millionth
        coalesce(
            cast(sum(_lr_positive) as double) / nullif(cast(sum(_lr_square) as double), 0) / 1000000,
            cast(0 as double)
        ) as _lr_information
    from _lr_scores
    group by {{ columns }}

),

_lr_powers as (
    {% for power in root_powers %}
    select cast({{ power }} as bigint) as _lr_power
    {% if not loop.last %}
    union all
    {% endif -%}
    {% endfor %}
),

_lr_roots as (

    select
        {{ prevalence._columns_of('_lr_scores', by) }},
        _lr_scores._lr_bin,
        _lr_scores._lr_labels,
        _lr_scores._lr_positive,
        _lr_powers._lr_power,
        case _lr_powers._lr_power
            {% for power in root_powers -%}
            when {{ power }} then {{ (['cast(1 as double)'] + ['_lr_scores._lr_sixteenth'] * power) | join(' * ') }}
            {% endfor -%}
        end as _lr_root
    from _lr_scores
    cross join _lr_powers

),

_lr_means as (

    select
        {{ columns }},
        _lr_power,
        cast(sum(_lr_labels * cast(round(1000000000 * _lr_root) as bigint)) as double)
        / cast(sum(_lr_labels) as double) as _lr_mean_root
    from _lr_roots
    group by {{ columns }}, _lr_power

),

_lr_costs as (

    select
        {{ prevalence._columns_of('_lr_roots', by) }},
        _lr_roots._lr_power,
        cast(sum(cast(round(
            cast(_lr_roots._lr_positive as double)
            / (
                cast(0.2 as double)
                + cast(0.8 as double) * (round(1000000000 * _lr_roots._lr_root) / _lr_means._lr_mean_root)
            )
        ) as bigint)) as double) as _lr_cost
    from _lr_roots
    inner join _lr_means
        on {{ prevalence._equal_columns(by, '_lr_roots', '_lr_means') }} and _lr_roots._lr_power = _lr_means._lr_power
    group by {{ prevalence._columns_of('_lr_roots', by) }}, _lr_roots._lr_power

),

_lr_ranked as (

    select
        {{ prevalence._columns_of('_lr_costs', by) }},
        _lr_costs._lr_power,
        row_number() over (
            partition by {{ prevalence._columns_of('_lr_costs', by) }}
            order by
                _lr_costs._lr_cost * (
                    1 + 2 * (
                        (cast(_lr_costs._lr_power as double) / 8 - cast(0.5 as double))
                        * (cast(_lr_costs._lr_power as double) / 8 - cast(0.5 as double))
                    ) / greatest(
                        cast(_lr_totals._lr_all_positive as double) * _lr_totals._lr_information, cast(1 as double)
                    )
                ),
                _lr_costs._lr_power
        ) as _lr_rank
    from _lr_costs
    inner join _lr_totals
        on {{ prevalence._equal_columns(by, '_lr_costs', '_lr_totals') }}

),

_lr_curves as (

    select
        {{ prevalence._columns_of('_lr_scores', by) }},
        _lr_scores._lr_bin,
        _lr_scores._lr_bucket,
        _lr_scores._lr_labels,
        _lr_scores._lr_weight,
        _lr_scores._lr_weight_squares,
        _lr_scores._lr_positives,
        _lr_scores._lr_positive,
        _lr_ranked._lr_power,
        cast(round(1000000000000 * (_lr_roots._lr_root * _lr_roots._lr_root)) as bigint) as _lr_curve
    from _lr_scores
    inner join _lr_ranked
        on {{ prevalence._equal_columns(by, '_lr_scores', '_lr_ranked') }} and _lr_ranked._lr_rank = 1
    inner join _lr_roots
        on
            {{ prevalence._equal_columns(by, '_lr_scores', '_lr_roots') }}
            and _lr_scores._lr_bin = _lr_roots._lr_bin
            and _lr_ranked._lr_power = _lr_roots._lr_power

),
{%- endmacro %}
