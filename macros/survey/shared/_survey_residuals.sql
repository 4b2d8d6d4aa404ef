{#- Squares of residuals y - R x, which are linear in the sums of squares and products of y and x. -#}

{#- The sum of squared residuals from sums whose names begin alike: aa, ab and bb. -#}
{% macro _sv_residual_square(prefix, ratio='_sv_ratio') -%}
{{ prefix }}aa - 2 * {{ ratio }} * {{ prefix }}ab + {{ ratio }} * {{ ratio }} * {{ prefix }}bb
{%- endmacro %}

{#- The columns _sv_spread_scale and _sv_spread: the weighted sum of squares of y - R x, or about the mean for a total,
and what rounding in it is measured by. A design effect is over the variance that they give. -#}
{% macro _sv_spread_columns(total, ratio, weights='_sv_sum_of_weights', wyx='_sv_wyx', wxx='_sv_wxx') -%}
        {% if total -%}
        _sv_wyy as _sv_spread_scale,
        _sv_wyy - _sv_a * _sv_a / nullif({{ weights }}, 0) as _sv_spread
        {%- else -%}
        _sv_wyy + power({{ ratio }}, 2) * {{ wxx }} as _sv_spread_scale,
        _sv_wyy - 2 * {{ ratio }} * {{ wyx }} + power({{ ratio }}, 2) * {{ wxx }} as _sv_spread
        {%- endif %}
{%- endmacro %}

{#- The column _sv_simple_variance; `denominator` is the sum that the estimate divides by, none for a total. -#}
{% macro _sv_simple_variance(labeled, weights, denominator) -%}
        -- of simple random sampling with replacement of as many units, from the weighted spread of the residuals
        case when _sv_spread > 1e-12 * _sv_spread_scale then _sv_spread end
        * {{ weights }} / nullif({{ labeled }} - 1, 0)
        {%- if denominator is not none %} / nullif({{ denominator }} * {{ denominator }}, 0){% endif %}
            as _sv_simple_variance
{%- endmacro %}
