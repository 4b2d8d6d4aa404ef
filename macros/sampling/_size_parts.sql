{#- The two parts of a size measure that a plan's powers choose, in whole numbers: they add up to the same total in any order, on
any engine. Roots are the only functions in them: IEEE 754 rounds a root in one way.

Which powers are good: exposure x root of the rate of violation has the smallest variance of a total that follows exposure
(Godambe and Joshi, Annals of Mathematical Statistics 36, 1965); exposure x rate has more positives and more variance; a power of
the exposure below 1 serves figures that count contents and costs those that count views.

Arguments of both: exposure, a bigint expression; exposure_power: 0, 0.5 or 1. Of the risk also: relative_risk, a bigint
expression as in frame_unit_sizes, at most 10^18; score_power: 0, 0.5 or 1. Any other power counts as 0; plans with one are
refused (quality.plan_problems). Null: the exposure or the risk is null.
-#}

{#- Exposure to its power; roots in millionths. -#}
{% macro _exposure_size(exposure, exposure_power) -%}
    case
        when {{ exposure_power }} = 1 then {{ exposure }}
        when {{ exposure_power }} = 0.5 then cast(round(1000000 * sqrt(cast({{ exposure }} as double))) as bigint)
        else cast(1 as bigint)
    end
{%- endmacro %}

{#- Exposure to its power x risk to its power. The unit of measure differs between powers: sizes are shares of their total.
The risk itself counts in thousands of what it is stored in, and to 10^15, so that a day's total keeps below 2^63. -#}
{% macro _risk_size(exposure, relative_risk, exposure_power, score_power) -%}
{%- set powered_exposure -%}
case
                        when {{ exposure_power }} = 1 then cast({{ exposure }} as double)
                        when {{ exposure_power }} = 0.5 then sqrt(cast({{ exposure }} as double))
                        else cast(1 as double)
                    end
{%- endset -%}
    case
        -- engines' `least` would pass over the null below
        when {{ relative_risk }} is null then cast(null as bigint)
        when {{ score_power }} = 0.5
            then
                cast(round(
                    {{ powered_exposure }} * sqrt(cast({{ relative_risk }} as double))
                ) as bigint)
        when {{ score_power }} = 1
            then
                cast(round(least(
                    {{ powered_exposure }} * (cast({{ relative_risk }} as double) / 1000),
                    cast(1000000000000000 as double)
                )) as bigint)
        else cast(round(1000000 * {{ powered_exposure }}) as bigint)
    end
{%- endmacro %}

{#- The same of a user-day, whose exposure is 1: risk is the sum of its interactions' in thousands of what they are stored in. -#}
{% macro _user_day_risk_size(risk, score_power) -%}
    case
            when {{ risk }} is null then cast(null as bigint)
            when {{ score_power }} = 0.5
                then cast(round(1000 * sqrt(cast({{ risk }} as double))) as bigint)
            when {{ score_power }} = 1 then least({{ risk }}, cast(1000000000000000 as bigint))
            else cast(1 as bigint)
        end
{%- endmacro %}
