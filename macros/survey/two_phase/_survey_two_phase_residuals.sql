{#- CTEs _sv_fitted to _sv_calibrated_domains, made of _sv_calibrated and _sv_domains: what calibrated phase 2 adds to
the variance, where phase_2_auxiliaries are given.

The variance takes the calibrated weights times y - R x in phase 1, and in phase 2 calibrated weights times the residual
of a regression of y - R x on the auxiliaries by w1 w2. The residual of a domain is not zero outside the domain: every
domain goes over all of phase 2 once more, which is the small one.

`spec`: _survey_two_phase_spec.sql
-#}
{% macro _survey_two_phase_residuals(spec) -%}
_sv_fitted as (

    select
        _sv_calibrated.*,
        {{ prevalence._columns_of('_sv_domains', spec.domain) }},
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
                {{ prevalence._sv_is_member(spec.by, spec.columns) | indent(12) }}
                and _sv_fitted._sv_y is not null
                then _sv_fitted._sv_y - _sv_fitted._sv_ratio_0 * _sv_fitted._sv_x
            else 0
        end as _sv_u
    from _sv_fitted

),

_sv_cross_sums as (

    select
        {{ spec.domain | join(',\n        ') }},
        {%- for name in spec.auxiliary_names %}
        sum(_sv_double_weight * {{ name }} * _sv_u) as _sv_xu_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_audited
    group by {{ spec.domain | join(', ') }}

),

{{ prevalence._sv_slopes(spec.auxiliary_names, spec.domain) }}

_sv_residuals as (

    select
        {{ prevalence._columns_of('_sv_audited', spec.domain) }},
        _sv_audited._sv_cell,
        _sv_audited._sv_p2,
        _sv_audited._sv_size,
        _sv_audited._sv_taken,
        _sv_audited._sv_double_weight * _sv_audited._sv_factor * (
            _sv_audited._sv_u
            {%- for name in spec.auxiliary_names %}
            - _sv_slopes._sv_slope_{{ loop.index }} * _sv_audited.{{ name }}
            {%- endfor %}
        ) as _sv_z
    from _sv_audited
    inner join _sv_slopes
        on {{ prevalence._sv_same(spec.domain, '_sv_audited', '_sv_slopes') }}

),

_sv_residual_cells as (

    select
        {{ spec.domain | join(',\n        ') }},
        {% if spec.is_poisson -%}
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
    group by {{ (spec.domain + ['_sv_cell']) | join(', ') }}

),

_sv_residual_sums as (

    select
        {{ spec.domain | join(',\n        ') }},
        sum(_sv_term) as _sv_terms,
        sum(_sv_lonely) as _sv_lonely_cells
    from _sv_residual_cells
    group by {{ spec.domain | join(', ') }}

),

_sv_calibrated_domains as (

    select
        {{ prevalence._columns_of('_sv_domains', spec.domain) }},
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
        on {{ prevalence._sv_same(spec.domain, '_sv_domains', '_sv_residual_sums') }}

),
{%- endmacro %}
