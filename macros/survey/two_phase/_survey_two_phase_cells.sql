{#- CTEs _sv_cells to _sv_expanded, made of _sv_members: sums per domain, stratum of phase 1 and cell of phase 2, the
sizes of both, and the sums expanded by the weight of phase 2.

`spec`: _survey_two_phase_spec.sql
-#}
{% macro _survey_two_phase_cells(spec) -%}
_sv_cells as (

    -- the only pass over rows
    select
        {{ (spec.domain + ['_sv_stratum', '_sv_cell']) | join(',\n        ') }},
        cast(count(*) as double) as _sv_phase_1_rows,
        cast(sum(_sv_phase_2) as double) as _sv_phase_2_rows,
        sum(_sv_invalid) as _sv_invalid,
        {%- if spec.auxiliaries %}
        sum(case when _sv_factor is null then 1 else 0 end) as _sv_unfitted,
        {%- endif %}
        min(_sv_population) as _sv_population_minimum,
        max(_sv_population) as _sv_population_maximum,
        min(_sv_p2) as _sv_p2_minimum,
        {%- if spec.is_poisson_1 %}
        min(_sv_p1) as _sv_p1_minimum,
        {%- endif %}
        max(_sv_w1 / nullif(_sv_p2, 0) * _sv_x) as _sv_maximum,
        sum(_sv_w1 * coalesce(_sv_judge, 0)) as _sv_judge_sum,
        sum(case when _sv_judge is not null then _sv_w1 * _sv_x end) as _sv_judged_x,
        sum(_sv_w1 * _sv_x) as _sv_phase_1_x,
        cast(count(_sv_y) as double) as _sv_labeled,
        {{- prevalence._sv_label_counts() }}
        sum(case when _sv_judge <> 0 then 1 else 0 end) as _sv_judge_positive,
        sum(case when _sv_judge < _sv_x then 1 else 0 end) as _sv_judge_below,
        {{- prevalence._sv_label_sums('_sv_w', 'weights') }}
        {%- if spec.with_counted %}
        {{- prevalence._survey_two_phase_counted_sums(spec) }}
        {%- endif %}
        {%- for name, left, right in spec.pairs %}
        coalesce(sum(_sv_{{ left }} * _sv_{{ right }}), 0) as _sv_q{{ name }},
        {%- if spec.is_poisson %}
        coalesce(sum(_sv_p2 * _sv_{{ left }} * _sv_{{ right }}), 0) as _sv_p{{ name }},
        {%- endif %}
        {%- if spec.is_poisson_1 and name in ('aa', 'ab', 'bb') %}
        coalesce(sum((1 - _sv_p1) * _sv_p2 * _sv_{{ left }} * _sv_{{ right }}), 0) as _sv_o{{ name }},
        {%- endif %}
        {%- endfor %}
        {%- for name in spec.linear %}
        coalesce(sum(_sv_{{ name }}), 0) as _sv_s{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_members
    group by {{ (spec.domain + ['_sv_stratum', '_sv_cell']) | join(', ') }}

),

_sv_designs as (

    -- sizes of strata and cells are the whole sample's, never the domain's
    select
        *,
        {{ prevalence._sv_of_design('sum', '_sv_phase_1_rows') }} as _sv_n1,
        {{ prevalence._sv_of_design('max', '_sv_population_maximum') }} as _sv_n1_population,
        {{ prevalence._sv_of_design('min', '_sv_population_minimum') }} as _sv_n1_population_least,
        {{ prevalence._sv_of_design('sum', '_sv_phase_1_rows', ['_sv_cell']) }} as _sv_m,
        {{ prevalence._sv_of_design('sum', '_sv_phase_2_rows', ['_sv_cell']) }} as _sv_n2
    from _sv_cells

),

_sv_sized_cells as (

    select
        *,
        {{ '1' if spec.is_poisson else '_sv_m / nullif(_sv_n2, 0)' }} as _sv_w2,
        {{ prevalence._sv_population_misfit(
            '_sv_n1', '_sv_n1_population', '_sv_n1_population_least', '_sv_phase_1_rows'
        ) }} as _sv_population_invalid,
        {% if spec.is_poisson_1 -%}
        1 - _sv_p1_minimum
        {%- else -%}
        case
            when _sv_n1 >= _sv_n1_population * (1 - 1e-9) then 0
            when _sv_n1_population = cast('infinity' as double) then 1
            else 1 - _sv_n1 / nullif(_sv_n1_population, 0)
        end
        {%- endif %} as _sv_open_1,
        {{ '1 - _sv_p2_minimum' if spec.is_poisson else '1 - _sv_n2 / _sv_m' }} as _sv_open_2
    from _sv_designs

),

_sv_expanded as (

    select
        *,
        {%- for name in spec.linear %}
        _sv_w2 * _sv_s{{ name }} as _sv_e{{ name }},
        {%- endfor %}
        {%- for name, left, right in spec.pairs %}
        _sv_w2 * _sv_w2 * _sv_q{{ name }} as _sv_e{{ name }},
        {%- if spec.is_poisson %}
        _sv_p{{ name }} as _sv_f{{ name }},
        {%- endif %}
        {%- if spec.is_poisson_1 and name in ('aa', 'ab', 'bb') %}
        _sv_w2 * _sv_o{{ name }} as _sv_t{{ name }},
        {%- endif %}
        {%- endfor %}
        {% if spec.is_poisson -%}
        0
        {%- else -%}
        case when _sv_labeled > 0 and _sv_n2 = 1 and _sv_open_2 > 0 then 1 else 0 end
        {%- endif %} as _sv_lonely_cell,
        {% if spec.is_poisson_1 -%}
        0
        {%- else -%}
        case when _sv_labeled > 0 and _sv_n1 = 1 and _sv_open_1 > 0 then 1 else 0 end
        {%- endif %} as _sv_lonely_stratum,
        case when _sv_n2 = 0 then 1 else 0 end as _sv_uncovered
    from _sv_sized_cells

),
{%- endmacro %}
