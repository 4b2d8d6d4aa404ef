{#- Risk of one unit under one policy, relative to the square of a mean of the policy's, in whole numbers.

A sample has the smallest sum over policies of (variance / c) when sizes follow the root of the sum of (violation rate / c)
(reference: Sarndal, Swensson and Wretman, Model Assisted Survey Sampling, section 12.2). With scores in place of rates, c is
the square of their mean: relative variances. Learned rates say more: c is then the variance that the best sample for the policy
alone would have, the square of the mean root rate, so that no policy loses much more than another by sharing the sample
(docs/decisions/0010). A whole number, so that sums over policies do not depend on their order.

Arguments:
    rate: rate or score of the unit, a whole number of parts; mean: of the policy, in the same parts, a double.
    scale: what turns rate / mean^2 into whole numbers; 10^12 with millionths gives millionths.
-#}
{% macro _relative_risk(rate, mean, scale=1000000000000) -%}
    cast(
        round(
            least(
                cast({{ rate }} as double) * {{ scale }}
                / ({{ mean }} * {{ mean }}),
                cast(1000000000000000000 as double)
            )
        ) as bigint
    )
{%- endmacro %}

{#- The same times what the policy counts for in the compromise between policies. `importance` 1 changes no digit; a null risk
stays null (engines' `least` would pass over it). -#}
{% macro _weighed_risk(relative_risk, importance) -%}
    case
        when {{ importance }} = 1 or {{ relative_risk }} is null then {{ relative_risk }}
        else cast(round(least({{ importance }} * {{ relative_risk }}, cast(1000000000000000000 as double))) as bigint)
    end
{%- endmacro %}
