{#- CTEs _sv_cross_sums to _sv_fitted, made of _sv_member_residuals: what the auxiliaries foresee of each domain's
residual, in every row of the sample.

`spec`: _survey_calibrated_spec.sql
-#}
{% macro _survey_calibrated_fit_by_auxiliaries(spec) -%}
_sv_cross_sums as (

    select
        {{ spec.domain | join(',\n        ') }},
        max(_sv_ratio) as _sv_ratio,
        {%- for name in spec.names %}
        coalesce(sum(_sv_w * {{ name }} * _sv_u), 0) as _sv_xu_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_member_residuals
    group by {{ spec.domain | join(', ') }}

),

{{ prevalence._sv_slopes(spec.names, spec.domain + ['_sv_ratio']) }}

_sv_fitted as (

    select
        _sv_calibrated.*,
        {{ prevalence._columns_of('_sv_slopes', spec.domain) }},
        _sv_slopes._sv_ratio,
        {%- for name in spec.names %}
        {{ '+ ' if not loop.first }}_sv_slopes._sv_slope_{{ loop.index }} * _sv_calibrated.{{ name }}
        {%- endfor %} as _sv_fitted
    from _sv_calibrated
    cross join _sv_slopes

),
{%- endmacro %}
