{#- CTEs _sv_source and _sv_values, made of the relation: the arguments' values in each row, and what the row adds to
the sums, with _sv_invalid for one that cannot be used.

`spec`: _survey_estimates_spec.sql
-#}
{% macro _survey_estimates_rows(spec) -%}
_sv_source as (

    select
        {{- prevalence._sv_row_values(spec.columns, spec.y, spec.x, spec.weight) }}
        {%- if spec.psu is not none %}
        {{ spec.psu }} as _sv_psu,
        {%- endif %}
        {%- if spec.ssu is not none %}
        {{ spec.ssu }} as _sv_ssu,
        cast(({{ spec.population_ssus }}) as double) as _sv_population_ssus,
        {%- endif %}
        {%- if spec.with_probability %}
        cast(({{ spec.inclusion_probability }}) as double) as _sv_pi,
        {%- endif %}
        {%- if spec.population_psus is not none %}
        cast(({{ spec.population_psus }}) as double) as _sv_population_psus,
        {%- endif %}
        {%- if spec.population_squared_probabilities is not none %}
        cast(({{ spec.population_squared_probabilities }}) as double) as _sv_population_squares,
        {%- endif %}
        {%- if spec.frame_maximum_weight is not none %}
        cast(({{ spec.frame_maximum_weight }}) as double) as _sv_frame_maximum,
        {%- endif %}
        {%- if spec.missed_weight is not none %}
        cast(({{ spec.missed_weight }}) as double) as _sv_missed,
        {%- endif %}
        {{ spec.stratum if spec.stratum is not none else 'cast(0 as bigint)' }} as _sv_stratum
    from {{ spec.relation }}

),

_sv_values as (

    -- a row without y is outside the domain of labeled units: it is counted, and adds to no sum
    select
        {%- for column in spec.columns %}
        _sv_value_{{ loop.index }},
        {%- endfor %}
        _sv_stratum,
        {%- if spec.psu is not none %}
        _sv_psu,
        {%- endif %}
        {%- if spec.ssu is not none %}
        _sv_ssu,
        _sv_population_ssus,
        {%- endif %}
        {%- if spec.population_psus is not none %}
        _sv_population_psus,
        {%- endif %}
        {%- if spec.population_squared_probabilities is not none %}
        _sv_population_squares,
        {%- endif %}
        {%- if spec.with_probability %}
        -- an unknown probability counts as 0, which can only make the variance of the other domains larger
        case when _sv_pi > 0 and _sv_pi <= 1 then 1 - _sv_pi else 1 end as _sv_f,
        {%- endif %}
        _sv_w * _sv_y as _sv_a,
        case when _sv_y is not null then _sv_w{{ '' if spec.unit_x else ' * _sv_x' }} end as _sv_b,
        _sv_w * _sv_y * _sv_y as _sv_wyy,
        {%- if 'w' in spec.carried %}
        case when _sv_y is not null then _sv_w end as _sv_w,
        {%- endif %}
        {%- if 'wxx' in spec.carried %}
        _sv_w * _sv_y * _sv_x as _sv_wyx,
        case when _sv_y is not null then _sv_w * _sv_x * _sv_x end as _sv_wxx,
        {%- endif %}
        {%- if spec.with_missed %}
        {% if spec.with_probability -%}
        case when _sv_y > 0 and _sv_pi = 1 then _sv_w * _sv_y else 0 end
        {%- else -%}
        cast(0 as double)
        {%- endif %} as _sv_certain,
        {%- endif %}
        {%- if spec.with_maximum and spec.with_probability %}
        -- a unit that is taken with certainty cannot be missed
        case when _sv_y is not null and _sv_pi < 1 then _sv_w * _sv_x end as _sv_missable,
        {%- endif %}
        {%- if spec.missed_weight is not none %}
        _sv_missed,
        {%- endif %}
        {%- if spec.frame_maximum_weight is not none %}
        _sv_frame_maximum,
        {%- endif %}
        _sv_y,
        case when _sv_y > 0 then 1 end as _sv_positive,
        {%- if not spec.total %}
        -- 0 where y is all of x, 1 where it is less, 2 where it is no share of x
        case when _sv_y < 0 or _sv_y > _sv_x then 2 when _sv_y < _sv_x then 1 when _sv_y = _sv_x then 0 end
            as _sv_shortfall,
        {%- elif spec.with_counted %}
        -- a row that stands for itself at least is as much as was counted, where it is not one of repeated draws
        {{ 'cast(0 as double)' if spec.design == 'pps_with_replacement' else 'case when _sv_w >= 1 then _sv_y else 0 end' }}
            as _sv_found,
        -- as for a share, and 3 where y is no count
        case when _sv_y < 0 then 3 when _sv_y > _sv_x then 2 when _sv_y < _sv_x then 1 when _sv_y = _sv_x then 0 end
            as _sv_shortfall,
        {%- endif %}
        {{ prevalence._sv_row_check(spec.needs, valid='null') }}
    from _sv_source

),
{%- endmacro %}
