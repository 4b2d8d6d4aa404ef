{#- Size measure of a defensive mixture, in whole 10^-15 shares of its day's total.

A share of the sample follows exposure alone, the rest follows exposure x root score: weights stay below
1 / defence_share times those of an exposure sample whatever the score is worth (reference: Hesterberg, Weighted
average importance sampling and defensive mixture distributions, Technometrics 37, 1995). A day whose scores are all
zero is drawn by exposure. Whole numbers add up to the same total in any order, on any engine.

Arguments:
    exposure, risk_size: bigint expressions; defence_share: in (0, 1], null counts as 1; by: what a day's total is over.
-#}
{% macro _defensive_mixture(exposure, risk_size, defence_share, by) -%}
    cast(
        round(
            1000000000000000
            * (
                coalesce({{ defence_share }}, 1) * cast({{ exposure }} as double)
                / nullif(cast(sum({{ exposure }}) over (partition by {{ by }}) as double), 0)
                + (1 - coalesce({{ defence_share }}, 1)) * coalesce(
                    cast({{ risk_size }} as double)
                    / nullif(cast(sum({{ risk_size }}) over (partition by {{ by }}) as double), 0),
                    cast({{ exposure }} as double)
                    / nullif(cast(sum({{ exposure }}) over (partition by {{ by }}) as double), 0)
                )
            )
        ) as bigint
    )
{%- endmacro %}
