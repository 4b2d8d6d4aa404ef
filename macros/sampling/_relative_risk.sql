{#- Risk of one unit under one policy, relative to the square of the policy's mean, in whole numbers.

A sample that serves several policies minimises the sum of their relative variances when sizes follow the root of
the sum over policies of (violation rate of the unit) / (prevalence of the policy)^2 (reference: Sarndal, Swensson and
Wretman, Model Assisted Survey Sampling, section 12.2). Learned rates say both; without them scores and their means stand in. A
whole number, so that sums over policies do not depend on their order.

Arguments:
    rate: rate or score of the unit, a whole number of parts; mean: of the policy, in the same parts, a double.
    scale: 10^12 for millionths and 10^15 for billionths give the same: millionths of rate / mean^2.
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
