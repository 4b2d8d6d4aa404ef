{#- Difference of two figures over the half-width of the interval for that difference.

The interval of a difference is put together from the two figures' own bounds on the sides that face each other
(Zou and Donner, Construction of confidence limits about effect measures, Statistics in Medicine 27, 2008), so it also
holds where a figure is 0 and has a standard error of 0 but an upper bound. Beyond -1 or 1 the difference is significant at
the level of the intervals; null where a bound is missing.

Arguments: double expressions, a figure and its bounds, then the other figure and its bounds.
-#}
{% macro _interval_deviation(figure, lower, upper, other_figure, other_lower, other_upper) -%}
    ({{ figure }} - {{ other_figure }}) / nullif(
        sqrt(
            case
                when {{ figure }} >= {{ other_figure }}
                    then
                        ({{ figure }} - {{ lower }}) * ({{ figure }} - {{ lower }})
                        + ({{ other_upper }} - {{ other_figure }}) * ({{ other_upper }} - {{ other_figure }})
                else
                    ({{ upper }} - {{ figure }}) * ({{ upper }} - {{ figure }})
                    + ({{ other_figure }} - {{ other_lower }}) * ({{ other_figure }} - {{ other_lower }})
            end
        ), 0
    )
{%- endmacro %}
