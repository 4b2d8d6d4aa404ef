{#- Phase 2 calibrated to phase 1: the regression estimator of Sarndal, Swensson and Wretman (Model Assisted Survey
Sampling, section 9.7), whose weights w1 w2 g reproduce the sums w1 X of phase 1 for each auxiliary X.

The variance takes the calibrated weights times y - R x in phase 1, and in phase 2 calibrated weights times the residual
of a regression of y - R x on the auxiliaries by w1 w2. The residual of a domain is not zero outside the domain: every
domain goes over all of phase 2 once more, which is the small one.
-#}

{#- CTEs from _sv_weighted to _sv_calibrated, whose _sv_w is the calibrated weight but for the w2 of the cell. -#}
{% macro _sv_phase_2_weights(names, is_poisson) -%}
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
                    {{- '' if is_poisson else ' * _sv_cell_sizes._sv_size / nullif(_sv_cell_sizes._sv_taken, 0)' }}
        end as _sv_double_weight
    from _sv_weighted
    left join _sv_cell_sizes
        on _sv_weighted._sv_cell = _sv_cell_sizes._sv_cell

),

_sv_auxiliary_sums as (

    select
        {%- for name in names %}
        {%- set outer = loop.index %}
        sum(_sv_w1 * {{ name }}) - sum(_sv_double_weight * {{ name }}) as _sv_miss_{{ outer }},
        {%- for other in names %}
        sum(_sv_double_weight * {{ name }} * {{ other }}) as _sv_xx_{{ outer }}_{{ loop.index }},
        {%- endfor %}
        {%- endfor %}
        count(*) as _sv_count
    from _sv_double_weights

),

_sv_matrices as (

    select
        *,
        {%- set matrix = [] %}
        {%- set misses = [] %}
        {%- for name in names %}
        {%- set outer = loop.index %}
        {%- set items = [] %}
        {%- for other in names %}
        {%- do items.append('_sv_xx_' ~ outer ~ '_' ~ loop.index) %}
        {%- endfor %}
        {%- do matrix.append(prevalence._array(items)) %}
        {%- do misses.append('_sv_miss_' ~ outer) %}
        {%- endfor %}
        {{ prevalence._array(matrix) }} as _sv_matrix,
        {{ prevalence._array(misses) }} as _sv_misses
    from _sv_auxiliary_sums

),

_sv_multipliers as (

    select
        _sv_matrix,
        {%- for name in names %}
        linear_solution(cast({{ loop.index }} as double), _sv_matrix, _sv_misses) as _sv_multiplier_{{ loop.index }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from _sv_matrices

),

_sv_factors as (

    select
        _sv_double_weights.*,
        1
        {%- for name in names %}
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

{#- CTEs from _sv_domains to _sv_calibrated_domains, with the part of the variance that phase 2 adds. -#}
{% macro _sv_calibrated_phase_2(names, by, columns, domain, is_poisson) -%}
_sv_fitted as (

    select
        _sv_calibrated.*,
        {%- for key in domain %}
        _sv_domains.{{ key }},
        {%- endfor %}
        _sv_domains._sv_ratio_0
    from _sv_calibrated
    cross join _sv_domains
    where _sv_calibrated._sv_phase_2 = 1

),

_sv_audited as (

    select
        _sv_fitted.*,
        case
            when
                {{ prevalence._sv_is_member(by, columns) | indent(12) }}
                and _sv_fitted._sv_y is not null
                then _sv_fitted._sv_y - _sv_fitted._sv_ratio_0 * _sv_fitted._sv_x
            else 0
        end as _sv_u
    from _sv_fitted

),

_sv_cross_sums as (

    select
        {{ domain | join(',\n        ') }},
        {%- for name in names %}
        sum(_sv_double_weight * {{ name }} * _sv_u) as _sv_xu_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_audited
    group by {{ domain | join(', ') }}

),

_sv_slopes as (

    select
        {%- for key in domain %}
        _sv_cross_sums.{{ key }},
        {%- endfor %}
        {%- set cross = [] %}
        {%- for name in names %}
        {%- do cross.append('_sv_cross_sums._sv_xu_' ~ loop.index) %}
        {%- endfor %}
        {%- for name in names %}
        linear_solution(cast({{ loop.index }} as double), _sv_multipliers._sv_matrix, {{ prevalence._array(cross) }})
            as _sv_slope_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_cross_sums
    cross join _sv_multipliers

),

_sv_residuals as (

    select
        {%- for key in domain %}
        _sv_audited.{{ key }},
        {%- endfor %}
        _sv_audited._sv_cell,
        _sv_audited._sv_p2,
        _sv_audited._sv_size,
        _sv_audited._sv_taken,
        _sv_audited._sv_double_weight * _sv_audited._sv_factor * (
            _sv_audited._sv_u
            {%- for name in names %}
            - _sv_slopes._sv_slope_{{ loop.index }} * _sv_audited.{{ name }}
            {%- endfor %}
        ) as _sv_z
    from _sv_audited
    inner join _sv_slopes
        on
            {%- for key in domain %}
            {{ 'and ' if not loop.first }}_sv_audited.{{ key }} is not distinct from _sv_slopes.{{ key }}
            {%- endfor %}

),

_sv_residual_cells as (

    select
        {{ domain | join(',\n        ') }},
        {% if is_poisson -%}
        0 as _sv_lonely,
        sum((1 - _sv_p2) * _sv_z * _sv_z) as _sv_term
        {%- else -%}
        case when max(_sv_taken) = 1 and max(_sv_size) > 1 then 1 else 0 end as _sv_lonely,
        case
            when max(_sv_taken) > 1
                then
                    (1 - max(_sv_taken) / max(_sv_size)) * max(_sv_taken) / (max(_sv_taken) - 1)
                    * var_pop(_sv_z) * max(_sv_taken)
            else 0
        end as _sv_term
        {%- endif %}
    from _sv_residuals
    group by {{ (domain + ['_sv_cell']) | join(', ') }}

),

_sv_residual_sums as (

    select
        {{ domain | join(',\n        ') }},
        sum(_sv_term) as _sv_terms,
        sum(_sv_lonely) as _sv_lonely_cells
    from _sv_residual_cells
    group by {{ domain | join(', ') }}

),

_sv_calibrated_domains as (

    select
        {%- for key in domain %}
        _sv_domains.{{ key }},
        {%- endfor %}
        {%- for column in [
            'ratio_0', 'ratio_1', 'coefficient', 'phase_2_units', 'sampled', 'positive', 'below', 'not_share',
            'judge_positive', 'judge_below', 'phase_1_units', 'uncovered', 'unfitted', 'domain_cells', 'census',
            'sum_of_weights', 'wyy', 'wyx', 'wxx', 'a2', 'a4', 'maximum', 'a', 'expanded_x', 'phase_1_x', 'judge_sum',
            'judged_x', 'judge_expanded', 'experts_2', 'experts_1', 'open_sum_1'
        ] %}
        _sv_domains._sv_{{ column }},
        {%- endfor %}
        -- an invalid row spoils the calibration of all the others
        case
            when _sv_domains._sv_invalid > 0 then _sv_domains._sv_invalid
            when max(_sv_domains._sv_invalid) over () > 0 then _sv_domains._sv_phase_1_units
            else 0
        end as _sv_invalid,
        _sv_domains._sv_lonely_psus + _sv_residual_sums._sv_lonely_cells as _sv_lonely_psus,
        -- a calibration that reproduces y leaves rounding
        case
            when _sv_residual_sums._sv_terms > 1e-24 * _sv_domains._sv_wyy * _sv_domains._sv_sum_of_weights
                then _sv_residual_sums._sv_terms
            else 0
        end as _sv_open_sum_2
    from _sv_domains
    left join _sv_residual_sums
        on
            {%- for key in domain %}
            {{ 'and ' if not loop.first }}_sv_domains.{{ key }} is not distinct from _sv_residual_sums.{{ key }}
            {%- endfor %}

),
{%- endmacro %}
