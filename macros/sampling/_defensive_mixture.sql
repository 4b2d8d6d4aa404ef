{#- Size measure of a defensive mixture, in whole 10^-15 shares of its day's total.

A share of the sample follows exposure alone, the rest follows exposure x root score: weights stay below
1 / defence_share times those of an exposure sample whatever the score is worth (reference: Hesterberg, Weighted
average importance sampling and defensive mixture distributions, Technometrics 37, 1995). A day whose scores are all
zero is drawn by exposure. Whole numbers add up to the same total in any order, on any engine.

The totals come from an aggregate that is joined, and not from a window: a window would send all units of a day
through one task, and once per plan, although the totals are the same for every plan.

Arguments:
    exposure, risk_size: bigint expressions of the unit; defence_share: in (0, 1], null counts as 1.
    exposure_total, risk_total: bigint expressions, their sums over what the size is a share of, such as the day.
-#}
{% macro _defensive_mixture(exposure, risk_size, defence_share, exposure_total, risk_total) -%}
    cast(
        round(
            1000000000000000
            * (
                coalesce({{ defence_share }}, 1) * cast({{ exposure }} as double)
                / nullif(cast({{ exposure_total }} as double), 0)
                + (1 - coalesce({{ defence_share }}, 1)) * coalesce(
                    cast({{ risk_size }} as double) / nullif(cast({{ risk_total }} as double), 0),
                    cast({{ exposure }} as double) / nullif(cast({{ exposure_total }} as double), 0)
                )
            )
        ) as bigint
    )
{%- endmacro %}
