{#- CTEs _sv_source to _sv_values, made of the relation: the arguments' values in each phase-1 unit, its weights, and
what it adds to the sums, with _sv_invalid for a row that cannot be used.

`spec`: _survey_two_phase_spec.sql
-#}
{% macro _survey_two_phase_rows(spec) -%}
_sv_source as (

    select
        {%- for column in spec.columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        case when {{ spec.sampled }} then cast(({{ spec.y }}) as double) end as _sv_y,
        cast(({{ spec.x }}) as double) as _sv_x,
        {{ prevalence._sv_double(spec.judge) }} as _sv_judge,
        {{ prevalence._sv_double(spec.phase_1_weight, '1') }} as _sv_w1,
        {%- if spec.is_poisson_1 %}
        cast(({{ spec.phase_1_probability }}) as double) as _sv_p1,
        {%- endif %}
        {%- for expression in spec.auxiliaries %}
        cast(({{ expression }}) as double) as {{ spec.auxiliary_names[loop.index0] }},
        {%- endfor %}
        {{ spec.phase_1_stratum if spec.phase_1_stratum is not none else 'cast(0 as bigint)' }} as _sv_stratum,
        {{ prevalence._sv_double(spec.phase_1_population, "'infinity'") }} as _sv_population,
        {{ spec.phase_2_stratum if spec.phase_2_stratum is not none else 'cast(0 as bigint)' }} as _sv_cell,
        {{ prevalence._sv_double(spec.phase_2_probability, '1') }} as _sv_p2,
        case when {{ spec.sampled }} then 1 else 0 end as _sv_phase_2
    from {{ spec.relation }}

),

_sv_weighted as (

    -- the weight of phase 2 is that of the cell, and enters later, or one over the unit's own probability
    select
        *,
        _sv_w1 / case when _sv_p2 > 0 then _sv_p2 end as {{ '_sv_base_weight' if spec.auxiliaries else '_sv_w' }},
        {{ prevalence._sv_row_check(spec.needs, weight='_sv_w1') }}
    from _sv_source

),
{%- if spec.auxiliaries %}

{{ prevalence._survey_two_phase_weights(spec) }}
{%- endif %}

_sv_values as (

    select
        *,
        _sv_w * _sv_y as _sv_a,
        case when _sv_y is not null then _sv_w * _sv_x end as _sv_b,
        -- no answer of the judge counts as a 0 in both phases, which leaves the estimate unbiased
        case when _sv_y is not null then _sv_w * coalesce(_sv_judge, 0) end as _sv_l
    from {{ '_sv_calibrated' if spec.auxiliaries else '_sv_weighted' }}

),
{%- endmacro %}
