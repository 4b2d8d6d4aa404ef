{#- Risk of one unit under one policy, relative to the square of the policy's mean, in whole trillionths.

A sample that serves several policies minimises the sum of their relative variances when sizes follow the root of
the sum over policies of (violation rate of the unit) / (prevalence of the policy)^2; scores and their means stand in
for both (reference: Sarndal, Swensson and Wretman, Model Assisted Survey Sampling, section 12.2). A whole number, so
that sums over policies do not depend on their order.
-#}
{% macro _relative_risk(score_millionths, mean_score_millionths) -%}
    cast(
        round(
            least(
                cast({{ score_millionths }} as double) * 1000000000000
                / ({{ mean_score_millionths }} * {{ mean_score_millionths }}),
                cast(1000000000000000000 as double)
            )
        ) as bigint
    )
{%- endmacro %}
