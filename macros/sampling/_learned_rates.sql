{#- A SELECT of violation rates by score, learned from labelled units: one row per group and bin of the score.

The sizes that units are drawn by need the rate of violation given the score, up to a factor: drawing by exposure x root of
that rate has the smallest variance that the score allows (Godambe and Joshi, Annals of Mathematical Statistics 36, 1965).
Few labels violate, so bins of their own would follow chance. The steps, which lie in learned_rates/:

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
with

{{ prevalence._learned_rates_bins(relation, by, score, weight, violating_weight) }}

{{ prevalence._learned_rates_curve(by) }}

{{ prevalence._learned_rates_correction(by) }}

{{ prevalence._learned_rates_monotone(by) }}

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
