{#- CTEs _sv_cell_sizes to _sv_calibrated, made of _sv_weighted: phase 2 calibrated to phase 1, where
phase_2_auxiliaries are given. _sv_w of _sv_calibrated is the calibrated weight but for the weight of the cell.

The regression estimator of Sarndal, Swensson and Wretman (Model Assisted Survey Sampling, section 9.7), whose weights
w1 w2 g reproduce the sums w1 X of phase 1 for each auxiliary X.

`spec`: _survey_two_phase_spec.sql
-#}
{% macro _survey_two_phase_weights(spec) -%}
_sv_cell_sizes as (

    select
        _sv_cell,
        cast(count(*) as double) as _sv_size,
        cast(sum(_sv_phase_2) as double) as _sv_taken
    from _sv_weighted
    group by _sv_cell

),

_sv_double_weights as (

    select
        _sv_weighted.*,
        _sv_cell_sizes._sv_size,
        _sv_cell_sizes._sv_taken,
        case
            when _sv_weighted._sv_phase_2 = 1
                then
                    _sv_weighted._sv_base_weight
                    {{- '' if spec.is_poisson else ' * _sv_cell_sizes._sv_size / nullif(_sv_cell_sizes._sv_taken, 0)' }}
        end as _sv_double_weight
    from _sv_weighted
    left join _sv_cell_sizes
        on _sv_weighted._sv_cell = _sv_cell_sizes._sv_cell

),

_sv_auxiliary_sums as (

    select
        {%- for name in spec.auxiliary_names %}
        sum(_sv_w1 * {{ name }}) - sum(_sv_double_weight * {{ name }}) as _sv_miss_{{ loop.index }},
        {%- endfor %}
        {{- prevalence._sv_auxiliary_products(spec.auxiliary_names, '_sv_double_weight') }}
        count(*) as _sv_count
    from _sv_double_weights

),

_sv_matrices as (

    select
        *,
        {%- set misses = [] %}
        {%- for name in spec.auxiliary_names %}
        {%- do misses.append('_sv_miss_' ~ loop.index) %}
        {%- endfor %}
        {{ prevalence._sv_auxiliary_matrix(spec.auxiliary_names) }} as _sv_matrix,
        {{ prevalence._array(misses) }} as _sv_misses
    from _sv_auxiliary_sums

),

_sv_multipliers as (

    select
        _sv_matrix,
        {%- for name in spec.auxiliary_names %}
        linear_solution(cast({{ loop.index }} as double), _sv_matrix, _sv_misses) as _sv_multiplier_{{ loop.index }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from _sv_matrices

),

_sv_factors as (

    select
        _sv_double_weights.*,
        1
        {%- for name in spec.auxiliary_names %}
        + _sv_multipliers._sv_multiplier_{{ loop.index }} * _sv_double_weights.{{ name }}
        {%- endfor %} as _sv_factor
    from _sv_double_weights
    cross join _sv_multipliers

),

_sv_calibrated as (

    select
        *,
        _sv_base_weight * _sv_factor as _sv_w
    from _sv_factors

),
{%- endmacro %}
