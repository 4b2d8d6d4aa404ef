{#- Of a plan's `stratum_bounds` ('0.1;0.4'): how many strata there are, and the scores in millionths between which one lies.

Arguments: stratum_bounds, a string expression, null for a single stratum; number, a stratum's number from 1. At most nine bounds
are read; plans with more, or with text that is no number, are refused (quality.plan_problems) and give null here.
-#}
{% macro _stratum_count(stratum_bounds) -%}
    coalesce(length({{ stratum_bounds }}) - length(replace({{ stratum_bounds }}, ';', '')) + 2, 1)
{%- endmacro %}

{#- The bound of this number in millionths; bound 0 is the score 0. -#}
{% macro _stratum_bound(stratum_bounds, number) -%}
    {%- if number == 0 -%}
        cast(0 as bigint)
    {%- else -%}
        cast(round(1000000 * try_cast(split_part({{ stratum_bounds }}, ';', {{ number }}) as double)) as bigint)
    {%- endif -%}
{%- endmacro %}
