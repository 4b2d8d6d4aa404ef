{#- A SELECT of violation rates by score, learned from labelled units: one row per group and bin of the score.

The sizes that units are drawn by need the rate of violation given the score, up to a factor: drawing by exposure x root of
that rate has the smallest variance that the score allows (Godambe and Joshi, Annals of Mathematical Statistics 36, 1965).
Few labels violate, so bins of their own would follow chance. The steps:

1. Up to 100 bins: hundredths of the labelled units in the order of the score. Scores are told apart by the whole root of
   their millionths (0 to 1,000), and equal ones share a bin. Within a bin a label counts as one, and `violating_weight` /
   `weight` of the bin violates: weights differ by score most of all, and the score is known (Pfeffermann and Sverchkov,
   Sankhya B 61, 1999).
2. The rate goes with a power of the score, in eighths from 0 to 4: the one with which the labels foresee the smallest
   variance of a sample that follows exposure for a fifth and this rate for the rest. Two whole powers from a half
   cost as much as 8 effective positives' worth of variance (1 + 2 (power - 1/2)^2 / effective positives): with few positives
   the answer stays near what is neither trust in the score nor disregard of it.
3. In ten groups of bins with the same foreseen positives, the curve is multiplied by (found + 20) / (foreseen + 20)
   positives, and in each bin by the same with the group's curve in place of the curve: where many were found, the labels speak
   and no longer the curve.
4. Monotone: of bin i the largest over a <= i of the smallest over b >= i of the mean rate of bins a to b, which is what
   pooling of adjacent violators arrives at (Robertson, Wright and Dykstra, Order Restricted Statistical Inference,
   1988, section 1.4), with a thousandth of the overall rate as its floor.

Every sum is one of whole numbers, so the rates are the same in any order of rows and on any engine. Windows are over bins
and labelled units' scores, never over a frame. `evidence/laboratory/worlds.py` has the same steps in numpy (score_rates), and a
test compares both.

Arguments:
    relation: one row per labelled unit.
    by: list of columns, the groups that learn apart.
    score: bigint column, 0 to 1,000,000 (millionths).
    weight: bigint column above 0, what the label stands for; a mean of about a thousand leaves room for rounding, and
        squares must add up to less than 9e18.
    violating_weight: bigint column, the part of the weight that violates.

Columns: the `by` columns; bin_number (from 1, by rising score); score_from_millionths and score_until_millionths, the range of
scores with both ends, from 0 to 1,000,000 without gaps; labels, positives: counts; violation_rate_billionths;
std_error_billionths: of the share among the bin's own labels at that rate, so an upper limit of what is not known: the rate
itself also rests on the neighbours and the curve; overall_rate_billionths: weighted share over all labels, (n p + 1/2) /
(n + 1); mean_root_rate_billionths: weighted mean of the root of the rate, whose square is the variance per drawn unit of the best
sample for this group alone; score_power: what step 2 chose.
-#}
{% macro _learned_rates(relation, by, score, weight, violating_weight) -%}
{%- set columns = by | join(', ') -%}
{%- set root_powers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32] -%}
with

_lr_buckets as (

    select
        {{ columns }},
        cast(floor(sqrt(cast({{ score }} as double))) as bigint) as _lr_bucket,
        count(*) as _lr_labels,
        cast(sum({{ score }}) as bigint) as _lr_score,
        cast(sum({{ weight }}) as bigint) as _lr_weight,
        cast(sum({{ weight }} * {{ weight }}) as bigint) as _lr_weight_squares,
        cast(sum({{ violating_weight }}) as bigint) as _lr_violating,
        cast(sum({{ violating_weight }} * {{ violating_weight }}) as bigint) as _lr_violating_squares,
        cast(sum(case when {{ violating_weight }} > 0 then 1 else 0 end) as bigint) as _lr_positives
    from {{ relation }}
    group by {{ columns }}, cast(floor(sqrt(cast({{ score }} as double))) as bigint)

),

_lr_places as (

    select
        *,
        floor(
            100 * cast(
                sum(_lr_labels) over (
                    partition by {{ columns }} order by _lr_bucket
                    rows between unbounded preceding and current row
                ) - _lr_labels as double
            ) / cast(sum(_lr_labels) over (partition by {{ columns }}) as double)
        ) as _lr_hundredth
    from _lr_buckets

),

_lr_bins as (

    select
        {{ columns }},
        row_number() over (partition by {{ columns }} order by min(_lr_bucket)) as _lr_bin,
        min(_lr_bucket) as _lr_bucket,
        cast(sum(_lr_labels) as bigint) as _lr_labels,
        cast(sum(_lr_score) as bigint) as _lr_score,
        cast(sum(_lr_weight) as bigint) as _lr_weight,
        cast(sum(_lr_weight_squares) as bigint) as _lr_weight_squares,
        cast(sum(_lr_violating) as bigint) as _lr_violating,
        cast(sum(_lr_violating_squares) as bigint) as _lr_violating_squares,
        cast(sum(_lr_positives) as bigint) as _lr_positives
    from _lr_places
    group by {{ columns }}, _lr_hundredth

),

-- positives and the squares of their weights in millionths of a label
_lr_shares as (

    select
        *,
        cast(round(
            1000000 * cast(_lr_labels as double) * (cast(_lr_violating as double) / cast(_lr_weight as double))
        ) as bigint) as _lr_positive,
        cast(round(
            1000000 * cast(_lr_violating_squares as double)
            * (
                (cast(_lr_labels as double) / cast(_lr_weight as double))
                * (cast(_lr_labels as double) / cast(_lr_weight as double))
            )
        ) as bigint) as _lr_square,
        greatest(cast(_lr_score as double) / cast(_lr_labels as double), cast(0.5 as double)) as _lr_mean_score
    from _lr_bins

),

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
        {% for column in by %}_lr_scores.{{ column }}, {% endfor %}
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
        {% for column in by %}_lr_roots.{{ column }}, {% endfor %}
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
    group by {% for column in by %}_lr_roots.{{ column }}, {% endfor %}_lr_roots._lr_power

),

_lr_ranked as (

    select
        {% for column in by %}_lr_costs.{{ column }}, {% endfor %}
        _lr_costs._lr_power,
        row_number() over (
            partition by {% for column in by %}_lr_costs.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
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
        {% for column in by %}_lr_scores.{{ column }}, {% endfor %}
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

-- what the curve foresees of each label, in millionths of a positive
_lr_foreseen as (

    select
        {% for column in by %}_lr_curves.{{ column }}, {% endfor %}
        _lr_curves._lr_bin,
        _lr_curves._lr_bucket,
        _lr_curves._lr_labels,
        _lr_curves._lr_weight,
        _lr_curves._lr_weight_squares,
        _lr_curves._lr_positives,
        _lr_curves._lr_positive,
        _lr_curves._lr_power,
        _lr_totals._lr_information,
        cast(_lr_totals._lr_all_positive as double) as _lr_all_positive,
        cast(round(
            (
                cast(_lr_totals._lr_all_labels as double)
                * (cast(_lr_totals._lr_all_violating as double) / cast(_lr_totals._lr_all_weight as double))
                + cast(0.5 as double)
            ) / (cast(_lr_totals._lr_all_labels as double) + 1) * 1000000000
        ) as bigint) as _lr_overall,
        cast(_lr_totals._lr_all_positive as double) * (
            cast(_lr_curves._lr_curve as double)
            / cast(
                sum(_lr_curves._lr_labels * _lr_curves._lr_curve) over (
                    partition by {% for column in by %}_lr_curves.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
                ) as double
            )
        ) as _lr_per_label
    from _lr_curves
    inner join _lr_totals
        on {{ prevalence._equal_columns(by, '_lr_curves', '_lr_totals') }}

),

_lr_expected as (

    select
        *,
        cast(round(cast(_lr_labels as double) * _lr_per_label) as bigint) as _lr_expected
    from _lr_foreseen

),

_lr_grouped as (

    select
        *,
        floor(
            10 * cast(
                sum(_lr_expected) over (
                    partition by {{ columns }} order by _lr_bin rows between unbounded preceding and current row
                ) - _lr_expected as double
            ) / greatest(cast(sum(_lr_expected) over (partition by {{ columns }}) as double), cast(1 as double))
        ) as _lr_tenth
    from _lr_expected

),

_lr_tenths as (

    select
        *,
        (
            cast(sum(_lr_positive) over (partition by {{ columns }}, _lr_tenth) as double) * _lr_information + 20
        ) / (
            cast(sum(_lr_expected) over (partition by {{ columns }}, _lr_tenth) as double) * _lr_information + 20
        ) as _lr_of_tenth
    from _lr_grouped

),

_lr_corrected as (

    select
        *,
        case
            when _lr_all_positive = 0 then _lr_overall
            else
                cast(round(least(
                    1000 * (
                        _lr_per_label * (
                            (cast(_lr_positive as double) * _lr_information + 20 * _lr_of_tenth)
                            / (cast(_lr_expected as double) * _lr_information + 20)
                        )
                    ),
                    cast(1000000000 as double)
                )) as bigint)
        end as _lr_rate
    from _lr_tenths

),

_lr_cumulated as (

    select
        {{ columns }},
        _lr_bin,
        _lr_labels,
        _lr_rate,
        cast(sum(_lr_labels) over (
            partition by {{ columns }} order by _lr_bin rows between unbounded preceding and current row
        ) as bigint) as _lr_labels_so_far,
        cast(sum(_lr_labels * _lr_rate) over (
            partition by {{ columns }} order by _lr_bin rows between unbounded preceding and current row
        ) as bigint) as _lr_rate_so_far
    from _lr_corrected

),

_lr_minima as (

    select
        {% for column in by %}_lr_first.{{ column }}, {% endfor %}
        _lr_last._lr_bin,
        min(
            cast(
                _lr_last._lr_rate_so_far - _lr_first._lr_rate_so_far + _lr_first._lr_labels * _lr_first._lr_rate as double
            )
            / cast(_lr_last._lr_labels_so_far - _lr_first._lr_labels_so_far + _lr_first._lr_labels as double)
        ) over (
            partition by
                {% for column in by %}_lr_first.{{ column }}, {% endfor %}
                _lr_first._lr_bin
            order by _lr_last._lr_bin
            rows between current row and unbounded following
        ) as _lr_smallest
    from _lr_cumulated as _lr_first
    inner join _lr_cumulated as _lr_last
        on {{ prevalence._equal_columns(by, '_lr_first', '_lr_last') }} and _lr_first._lr_bin <= _lr_last._lr_bin

),

_lr_monotone as (

    select
        {{ columns }},
        _lr_bin,
        cast(round(max(_lr_smallest)) as bigint) as _lr_rate
    from _lr_minima
    group by {{ columns }}, _lr_bin

),

_lr_rates as (

    select
        {% for column in by %}_lr_corrected.{{ column }}, {% endfor %}
        _lr_corrected._lr_bin,
        _lr_corrected._lr_bucket,
        _lr_corrected._lr_labels,
        _lr_corrected._lr_weight,
        _lr_corrected._lr_weight_squares,
        _lr_corrected._lr_positives,
        _lr_corrected._lr_power,
        _lr_corrected._lr_overall,
        greatest(
            _lr_monotone._lr_rate,
            cast(round(cast(_lr_corrected._lr_overall as double) / 1000) as bigint),
            cast(1 as bigint)
        ) as _lr_rate
    from _lr_corrected
    inner join _lr_monotone
        on {{ prevalence._equal_columns(by, '_lr_corrected', '_lr_monotone') }} and _lr_corrected._lr_bin = _lr_monotone._lr_bin

)

select
    {{ columns }},
    cast(_lr_bin as bigint) as bin_number,
    case when _lr_bin = 1 then cast(0 as bigint) else _lr_bucket * _lr_bucket end as score_from_millionths,
    coalesce(
        lead(_lr_bucket * _lr_bucket) over (partition by {{ columns }} order by _lr_bin) - 1, cast(1000000 as bigint)
    ) as score_until_millionths,
    _lr_labels as labels,
    _lr_positives as positives,
    _lr_rate as violation_rate_billionths,
    cast(round(sqrt(
        cast(_lr_rate as double) * (
            cast(1000000000 - _lr_rate as double)
            / (cast(_lr_weight as double) * (cast(_lr_weight as double) / cast(_lr_weight_squares as double)))
        )
    )) as bigint) as std_error_billionths,
    _lr_overall as overall_rate_billionths,
    cast(round(
        cast(sum(_lr_weight * cast(round(sqrt(cast(_lr_rate as double) * 1000000000)) as bigint)) over (
            partition by {{ columns }}
        ) as double)
        / cast(sum(_lr_weight) over (partition by {{ columns }}) as double)
    ) as bigint) as mean_root_rate_billionths,
    cast(_lr_power as double) / 8 as score_power
from _lr_rates
{%- endmacro %}

{#- The condition that two relations of a join agree in all of the columns. -#}
{% macro _equal_columns(columns, left, right) -%}
    {%- for column in columns %}{{ ' and ' if not loop.first }}{{ left }}.{{ column }} = {{ right }}.{{ column }}{% endfor -%}
{%- endmacro %}
