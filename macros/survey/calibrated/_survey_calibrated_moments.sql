{#- CTEs _sv_domain_terms to _sv_moments, made of _sv_terms and _sv_ratios: strata added up to domains, in the names
that _survey_figures works on.

`spec`: _survey_calibrated_spec.sql
-#}
{% macro _survey_calibrated_moments(spec) -%}
_sv_domain_terms as (

    select
        {{ spec.domain | join(',\n        ') }},
        sum(_sv_term) as _sv_terms,
        sum(_sv_lonely) as _sv_lonely_psus,
        sum(_sv_domain_psus) as _sv_domain_psus,
        sum(case when _sv_domain_psus > 0 then 1 else 0 end) as _sv_domain_strata,
        count(*) as _sv_strata,
        max(_sv_misfit) as _sv_misfit,
        min(_sv_census) as _sv_census
    from _sv_terms
    group by {{ spec.domain | join(', ') }}

),

_sv_joined as (

    select
        _sv_ratios.*,
        _sv_domain_terms._sv_lonely_psus,
        _sv_domain_terms._sv_census,
        _sv_domain_terms._sv_misfit,
        _sv_domain_terms._sv_domain_psus - _sv_domain_terms._sv_domain_strata as _sv_df,
        {{ prevalence._sv_terms_under_rule(
            spec.lonely_psu,
            terms='_sv_domain_terms._sv_terms',
            strata='_sv_domain_terms._sv_strata',
            lonely='_sv_domain_terms._sv_lonely_psus'
        ) }} as _sv_terms
    from _sv_ratios
    left join _sv_domain_terms
        on {{ prevalence._sv_same(spec.domain, '_sv_ratios', '_sv_domain_terms') }}

),

_sv_spreads as (

    select
        *,
        {{ 'cast(1 as double)' if spec.total else 'nullif(_sv_b, 0)' }} as _sv_scale,
        {{ prevalence._sv_spread_columns(spec.total, '_sv_ratio') }}
    from _sv_joined

),

_sv_moments as (

    select
        {{ spec.domain | join(',\n        ') }},
        _sv_rows,
        _sv_labeled as _sv_sampled,
        _sv_positive,
        _sv_not_share,
        {{- prevalence._sv_extremes() }}
        _sv_sum_of_weights,
        _sv_a2,
        _sv_a4,
        cast(null as double) as _sv_maximum,
        _sv_b,
        -- an invalid row spoils the calibration of all the others, and so does a population that cannot be
        case
            when _sv_invalid > 0 then _sv_invalid
            when _sv_misfit > 0 or max(_sv_invalid) over () > 0 then _sv_rows
            else 0
        end as _sv_invalid,
        _sv_unfitted,
        _sv_smallest_factor,
        _sv_largest_factor,
        {{ '_sv_a' if spec.total else '_sv_ratio' }} as _sv_estimate,
        -- a calibration that reproduces y leaves rounding
        case
            when
                _sv_terms / (_sv_scale * _sv_scale)
                <= 1e-24 * (_sv_wyy * _sv_sum_of_weights) / (_sv_scale * _sv_scale)
                then 0
            else _sv_terms / (_sv_scale * _sv_scale)
        end as _sv_variance,
        {{ prevalence._sv_simple_variance('_sv_labeled', '_sv_sum_of_weights', '_sv_scale') }},
        _sv_df,
        _sv_lonely_psus,
        _sv_census
    from _sv_spreads

),
{%- endmacro %}
