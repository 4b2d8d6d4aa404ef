{#- CTEs _sv_auxiliary_sums to _sv_calibrated, made of _sv_rows and the totals of the auxiliaries: weights of linear
(GREG), raking or logit calibration. _sv_wg is the calibrated weight.

`spec`: _survey_calibrated_spec.sql
-#}
{% macro _survey_calibrated_weights_of_auxiliaries(spec) -%}
_sv_auxiliary_sums as (

    select
        {%- if spec.method == 'linear' and spec.bounds is none %}
        {%- for name in spec.names %}
        sum(_sv_w * {{ name }}) as _sv_t{{ loop.index }},
        {%- endfor %}
        {%- else %}
        array_agg({{ prevalence._array(['_sv_w'] + spec.names) }}) as _sv_list,
        {%- endif %}
        {{- prevalence._sv_auxiliary_products(spec.names, '_sv_w') }}
        count(*) as _sv_count
    from _sv_rows

),

_sv_matrices as (

    select
        *,
        {{ prevalence._sv_auxiliary_matrix(spec.names) }} as _sv_matrix
    from _sv_auxiliary_sums

),

_sv_multipliers as (

    select
        *,
        {%- set misses = [] %}
        {%- for auxiliary_total in spec.auxiliary_totals %}
        {%- do misses.append(auxiliary_total ~ ' - _sv_t' ~ loop.index) %}
        {%- endfor %}
        {%- for name in spec.names %}
        {% if spec.method == 'linear' and spec.bounds is none -%}
        linear_solution(cast({{ loop.index }} as double), _sv_matrix, {{ prevalence._array(misses) }})
        {%- else -%}
        {{ {'linear': 'bounded_linear', 'raking': 'raking', 'logit': 'logit'}[spec.method] }}_multiplier(
            cast({{ loop.index }} as double), _sv_list, {{ prevalence._array(spec.auxiliary_totals) }}
            {%- if spec.bounds is not none %}, {{ prevalence._array(prevalence._sv_doubles(spec.bounds)) }}{% endif %}
        )
        {%- endif %} as _sv_multiplier_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_matrices

),

_sv_auxiliary_scores as (

    select
        _sv_rows.*,
        {%- for name in spec.names %}
        {{ '+ ' if not loop.first }}_sv_multipliers._sv_multiplier_{{ loop.index }} * _sv_rows.{{ name }}
        {%- endfor %} as _sv_score
    from _sv_rows
    cross join _sv_multipliers

),

_sv_factors as (

    select
        *,
        {% if spec.method == 'raking' -%}
        exp(_sv_score)
        {%- elif spec.method == 'logit' -%}
        {%- set lower, upper = spec.bounds -%}
        {%- set growth = 'exp(' ~ (upper - lower) / ((1 - lower) * (upper - 1)) ~ ' * _sv_score)' -%}
        ({{ lower * (upper - 1) }} + {{ upper * (1 - lower) }} * {{ growth }})
        / ({{ upper - 1 }} + {{ 1 - lower }} * {{ growth }})
        {%- elif spec.bounds is not none -%}
        case
            when 1 + _sv_score < {{ spec.bounds[0] }} then {{ spec.bounds[0] }}
            when 1 + _sv_score > {{ spec.bounds[1] }} then {{ spec.bounds[1] }}
            else 1 + _sv_score
        end
        {%- else -%}
        1 + _sv_score
        {%- endif %} as _sv_factor
    from _sv_auxiliary_scores

),

_sv_calibrated as (

    select
        *,
        _sv_w * _sv_factor as _sv_wg
    from _sv_factors

),
{%- endmacro %}

{% macro _sv_doubles(numbers) -%}
    {%- set items = [] -%}
    {%- for number in numbers -%}
        {%- do items.append('cast(' ~ number ~ ' as double)') -%}
    {%- endfor -%}
    {{ return(items) }}
{%- endmacro %}
