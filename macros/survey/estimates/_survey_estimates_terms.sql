{#- CTEs _sv_scores and _sv_terms, made of _sv_designs: moments of the residual y - R x, and what each stratum adds to
the variance. The forms of the terms: _survey_estimates_term_forms.sql.

`spec`: _survey_estimates_spec.sql
-#}
{% macro _survey_estimates_terms(spec) -%}
_sv_scores as (

    -- moments of the residual y - R x, from those of y and x
    select
        *,
        {%- if spec.population_psus is not none %}
        case
            when _sv_population >= _sv_n * (1 - 1e-9) and _sv_population_least >= _sv_population * (1 - 1e-9) then 0
            else _sv_rows
        end as _sv_population_invalid_rows,
        case when _sv_n >= _sv_population * (1 - 1e-9) then 1 else 0 end as _sv_census,
        1 - _sv_n / nullif(_sv_population, 0) as _sv_unsampled_share,
        {%- elif spec.with_probability %}
        {%- if spec.population_squared_probabilities is not none %}
        case when _sv_squares_design_maximum <= _sv_squares_design * (1 + 1e-9) then 0 else _sv_rows end
            as _sv_population_invalid_rows,
        {%- elif spec.with_pairs %}
        case when _sv_incomplete_pairs = 0 then 0 else _sv_rows end as _sv_population_invalid_rows,
        {%- endif %}
        case when _sv_f_most = 0 then 1 else 0 end as _sv_census,
        cast(1 as double) as _sv_unsampled_share,
        {%- else %}
        0 as _sv_census,
        cast(1 as double) as _sv_unsampled_share,
        {%- endif %}
        _sv_a - _sv_ratio * _sv_b as _sv_z,
        {%- set form = 'f' if spec.with_probability else 'm' %}
        {%- if spec.design == 'pps_without_replacement' %}
        _sv_fa - _sv_ratio * _sv_fb as _sv_fz,
        {%- endif %}
        {%- if spec.with_squares %}
        {{ prevalence._sv_residual_square('_sv_s') }} as _sv_squares,
        {%- endif %}
        {%- if spec.with_pairs %}
        coalesce({{ prevalence._sv_residual_square('_sv_p') }}, 0) as _sv_products,
        {%- endif %}
        _sv_{{ form }}aa + _sv_ratio * _sv_ratio * _sv_{{ form }}bb as _sv_zz_scale,
        {{ prevalence._sv_residual_square('_sv_' ~ form) }} as _sv_zz,
        {%- if spec.ssu is not none %}
        _sv_ssu_qaa + _sv_ratio * _sv_ratio * _sv_ssu_qbb as _sv_ssu_zz_scale,
        {{ prevalence._sv_residual_square('_sv_ssu_q') }} as _sv_ssu_zz,
        {%- endif %}
        {%- if spec.lonely_psu == 'adjust' %}
        sum(case when _sv_domain_psus > 0 then _sv_n end) over (partition by {{ spec.domain | join(', ') }})
            as _sv_all_psus,
        sum(_sv_a - _sv_ratio * _sv_b) over (partition by {{ spec.domain | join(', ') }}) as _sv_all_z,
        {%- endif %}
        case when _sv_domain_psus > 0 then 1 else 0 end as _sv_in_domain
    from _sv_designs

),

_sv_terms as (

    -- what each stratum adds to the variance; differences below 1e-12 of what they are taken from are rounding
    select
        *,
        {%- if spec.design in ['poisson', 'coordinated_poisson'] %}
        0 as _sv_lonely,
        case when _sv_zz > 1e-12 * _sv_zz_scale then _sv_zz else 0 end as _sv_term,
        {%- elif spec.design == 'pps_without_replacement' %}
        {%- set lonely = '_sv_census = 0 and _sv_n = 1' %}
        {%- if spec.variance_method == 'deville' %}
        -- one PSU that could have stayed out has no spread, however many were certain to be in
        {%- set lonely = '_sv_census = 0 and _sv_ff_design >= _sv_f_design * _sv_f_design * (1 - 1e-12)' %}
        {%- endif %}
        case when {{ lonely }} then 1 else 0 end as _sv_lonely,
        case
            when _sv_census = 1 then 0
            when not ({{ lonely }})
                then
                    {{ prevalence._sv_unequal_term(spec.variance_method) }}
            {{ prevalence._sv_lonely_term(spec.lonely_psu) }}
        end as _sv_term,
        {%- else %}
        {%- set lonely = '(_sv_n = 1 or _sv_domain_psus = 1)' if spec.lonely_psu_in_domain else '_sv_n = 1' %}
        case when {{ lonely }} and _sv_census = 0 then 1 else 0 end as _sv_lonely,
        case
            when _sv_census = 1 then 0
            when not {{ lonely }}
                then
                    _sv_unsampled_share * _sv_n / (_sv_n - 1) * (
                        case when _sv_zz > 1e-12 * _sv_zz_scale then _sv_zz else 0 end
                        + power(_sv_z, 2) * (1 / nullif(_sv_domain_psus, 0) - 1 / _sv_n)
                    )
            {{ prevalence._sv_lonely_term(spec.lonely_psu) }}
        end as _sv_term,
        {%- endif %}
        {%- if spec.ssu is not none %}
        (1 - _sv_unsampled_share) * case
            when _sv_ssu_zz > 1e-12 * _sv_ssu_zz_scale then _sv_ssu_zz else 0
        end as _sv_ssu_term,
        {%- endif %}
        1 - _sv_in_domain as _sv_outside
    from _sv_scores

),
{%- endmacro %}
