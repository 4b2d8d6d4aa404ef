{#- What interval counted takes besides the variance: what was counted is known, and the rest has a confidence
distribution with a third moment and one more event (counted_lower and counted_upper in python_udfs/intervals.py). -#}

{#- What a stratum adds, from what is known of it (_sv_counted_a, _sv_counted_b: sums of w y and w x of which nothing is
left open), what is open (_sv_open_a, _sv_open_b), its sizes (_sv_unit_a2, _sv_unit_b2), its third powers (_sv_open_a3)
and its heaviest unit that could have been missed (_sv_event_1, and _sv_event_2 for its square).

`part`: the share p of the stratum that has the property. What is drawn in a fixed number varies about it: with the third
moment 2 p (1 - p) (1 - 2 p) / n^2 (the beta distribution's; without bias, n^2 is (n - 1) (n - 2)), and with one more event by the square of 1 - p above and of p
below. That is a whole event where nothing or everything was found; what is between is checked against the
hypergeometric distribution (tests/python/macros/survey/test_counted_interval.py).
-#}
{% macro _sv_counted_terms(part, units=none) -%}
        2 * _sv_open_a3 * (1 - {{ part }}) * (1 - 2 * {{ part }})
        {%- if units is not none %}
        * case when {{ units }} > 2 then power({{ units }}, 2) / (({{ units }} - 1) * ({{ units }} - 2)) else 1 end
        {%- endif %} as _sv_third_term,
        power(1 - {{ part }}, 2) * _sv_event_1 as _sv_more_1,
        power(1 - {{ part }}, 2) * _sv_event_2 as _sv_more_2,
        power({{ part }}, 2) * _sv_event_1 as _sv_less_1,
        power({{ part }}, 2) * _sv_event_2 as _sv_less_2
{%- endmacro %}

{#- The share of a stratum that has the property, within [0, 1]. -#}
{% macro _sv_part(a, b) -%}
    {{ return(
        'case when ' ~ a ~ ' > ' ~ b ~ ' then 0 else coalesce(' ~ a ~ ' / nullif(' ~ b ~ ', 0), 0) end'
    ) }}
{%- endmacro %}

{#- Names of the columns of a stratum that are added up to a domain, and of those whose largest counts. -#}
{% macro _sv_counted_sums(with_base=true) -%}
        {%- for name in [
            'counted_a', 'counted_b', 'open_a', 'open_b', 'unit_a2', 'unit_b2', 'third_term'
        ] + (['base_term'] if with_base else []) %}
        sum(coalesce(_sv_{{ name }}, 0)) as _sv_{{ name }},
        {%- endfor %}
        {%- for name in ['more_1', 'more_2', 'less_1', 'less_2'] %}
        max(coalesce(_sv_{{ name }}, 0)) as _sv_{{ name }},
        {%- endfor %}
{%- endmacro %}

{#- Columns of _sv_moments, as _survey_figures hands them to the functions. `base`: the sum that the estimate divides
by; a total has `population`, the sum of w x, for what it can be at most, and `counted`, the sum of y of rows that stand
for themselves at least. `missed` and `frame_maximum`: a weight of the missed event, and the frame's largest.
`grows`: the event weighs the more, up to twice as much, the more units were found to have the property. -#}
{% macro _sv_counted_columns(total, base, counted=none, missed=none, frame_maximum=none, grows=false) -%}
        {%- if total -%}
        {#- only a population whose size is not estimated is a ceiling -#}
        {%- set is_part = '_sv_shortfall < 2 and _sv_base_term <= 1e-12 * ' ~ base ~ ' * ' ~ base -%}
        {{ counted }} as _sv_counted_lower,
        case when {{ is_part }} then _sv_counted_b - _sv_counted_a else 0 end as _sv_counted_upper,
        case when {{ is_part }} then {{ base }} else cast('infinity' as double) end as _sv_whole,
        cast(0 as double) as _sv_base_variance,
        -- counts above x that are all alike say nothing of what varies
        case when _sv_shortfall = 2 and _sv_open_a > 0 then 1 else 0 end as _sv_open_count,
        {%- set unit, square, cube = '', '', '' -%}
        {%- else -%}
        _sv_counted_a / nullif({{ base }}, 0) as _sv_counted_lower,
        (_sv_counted_b - _sv_counted_a) / nullif({{ base }}, 0) as _sv_counted_upper,
        cast(1 as double) as _sv_whole,
        0 as _sv_open_count,
        _sv_base_term / nullif({{ base }} * {{ base }}, 0) as _sv_base_variance,
        {%- set unit = ' / nullif(' ~ base ~ ', 0)' -%}
        {%- set square = ' / nullif(power(' ~ base ~ ', 2), 0)' -%}
        {%- set cube = ' / nullif(power(' ~ base ~ ', 3), 0)' -%}
        {%- endif %}
        _sv_third_term{{ cube }} as _sv_third,
        _sv_less_1{{ unit }} as _sv_event_lower,
        _sv_less_2{{ square }} as _sv_event_variance_lower,
        {%- set more_1, more_2 = '_sv_more_1', '_sv_more_2' -%}
        {%- if frame_maximum is not none -%}
        {%- set more_1 = 'greatest(' ~ more_1 ~ ', ' ~ frame_maximum ~ ')' -%}
        {%- set more_2 = 'greatest(' ~ more_2 ~ ', power(' ~ frame_maximum ~ ', 2))' -%}
        {%- endif -%}
        {%- if missed is not none -%}
        {%- set more_1 = 'coalesce(' ~ missed ~ ', ' ~ more_1 ~ ')' -%}
        {%- set more_2 = 'coalesce(power(' ~ missed ~ ', 2), ' ~ more_2 ~ ')' -%}
        {%- endif -%}
        {%- if grows -%}
        {#- docs/decisions/0019: 30 positives make it half as heavy again -#}
        {%- set growth = '(1 + _sv_positive / (_sv_positive + cast(30 as double)))' -%}
        {%- set more_1 = growth ~ ' * ' ~ more_1 -%}
        {%- set more_2 = 'power(' ~ growth ~ ', 2) * ' ~ more_2 -%}
        {%- endif %}
        {{ more_1 }}{{ unit }} as _sv_event_upper,
        {{ more_2 }}{{ square }} as _sv_event_variance_upper,
        coalesce(_sv_unit_a2 / nullif(_sv_open_a, 0), 0){{ unit }} as _sv_unit_lower,
        coalesce(_sv_unit_b2 / nullif(_sv_open_b, 0), 0){{ unit }} as _sv_unit_upper,
{%- endmacro %}
