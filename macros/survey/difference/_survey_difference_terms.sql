{#- CTEs _sv_scores and _sv_terms, made of _sv_designs: products of the residuals of both periods, and what each stratum
adds to their variances and covariance.

`spec`: _survey_difference_spec.sql
-#}
{% macro _survey_difference_terms(spec) -%}
_sv_scores as (

    select
        *,
        {{ prevalence._sv_population_misfit('_sv_n', '_sv_n_population', '_sv_n_population_least', '_sv_rows') }}
            as _sv_population_invalid,
        {{- prevalence._sv_population_shares('_sv_f_most = 0' if spec.is_poisson else none) }}
        {%- for number in [1, 2] %}
        _sv_a{{ number }} - _sv_ratio{{ number }} * _sv_b{{ number }} as _sv_z{{ number }},
        sum(_sv_a{{ number }} - _sv_ratio{{ number }} * _sv_b{{ number }}) {{ spec.over_domain }}
            as _sv_all_z{{ number }},
        {%- endfor %}
        {%- for left, right in spec.both %}
        _sv_ma{{ left }}a{{ right }}
        - _sv_ratio{{ right }} * _sv_m{{ 'a' ~ left ~ 'b' ~ right }}
        - _sv_ratio{{ left }} * _sv_m{{ 'a1b1' if left == right == 1 else ('a2b2' if left == right else 'b1a2') }}
        + _sv_ratio{{ left }} * _sv_ratio{{ right }} * _sv_mb{{ left }}b{{ right }} as _sv_zz{{ left }}{{ right }},
        {%- endfor %}
        sum(_sv_in_domain * _sv_n) {{ spec.over_domain }} as _sv_all_psus
    from _sv_designs

),

_sv_terms as (

    select
        *,
        {%- for left, right in spec.both %}
        {%- if spec.is_poisson %}
        _sv_zz{{ left }}{{ right }} as _sv_term{{ left }}{{ right }},
        {%- else %}
        case
            when _sv_census = 1 then 0
            when _sv_n > 1
                then
                    _sv_unsampled_share * _sv_n / (_sv_n - 1)
                    * (
                        _sv_zz{{ left }}{{ right }}
                        + _sv_z{{ left }} * _sv_z{{ right }} * (1 / nullif(_sv_domain_psus, 0) - 1 / _sv_n)
                    )
            {%- if spec.lonely_psu == 'adjust' %}
            else
                _sv_unsampled_share * (_sv_z{{ left }} - _sv_all_z{{ left }} / _sv_all_psus)
                * (_sv_z{{ right }} - _sv_all_z{{ right }} / _sv_all_psus)
            {%- elif spec.lonely_psu != 'fail' %}
            else 0
            {%- endif %}
        end as _sv_term{{ left }}{{ right }},
        {%- endif %}
        {%- endfor %}
        case when {{ 'false' if spec.is_poisson else '_sv_n = 1 and _sv_census = 0' }} then 1 else 0 end as _sv_lonely
    from _sv_scores

),
{%- endmacro %}
