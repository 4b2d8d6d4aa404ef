{#- CTEs _sv_units to _sv_terms, made of _sv_fitted: what is left of the residuals, added up to PSUs and strata, and
what each stratum adds to the variance.

`spec`: _survey_calibrated_spec.sql
-#}
{% macro _survey_calibrated_terms(spec) -%}
_sv_units as (

    -- every row of the sample for every domain: its residual is the domain's y - R x, or 0, less what was fitted
    select
        {{ prevalence._columns_of('_sv_fitted', spec.domain) }},
        _sv_fitted._sv_stratum,
        _sv_fitted._sv_psu,
        _sv_fitted._sv_population,
        _sv_fitted._sv_pi,
        case
            when {{ prevalence._sv_is_member(spec.by, spec.columns) }} and _sv_fitted._sv_y is not null then 1
            else 0
        end as _sv_labeled,
        _sv_fitted._sv_wg * (
            case
                when {{ prevalence._sv_is_member(spec.by, spec.columns) }} and _sv_fitted._sv_y is not null
                    then _sv_fitted._sv_y - _sv_fitted._sv_ratio * _sv_fitted._sv_x
                else 0
            end - _sv_fitted._sv_fitted
        ) as _sv_z
    from _sv_fitted

),
{%- if spec.psu is not none %}

_sv_psus as (

    select
        {{ spec.domain | join(',\n        ') }},
        _sv_stratum,
        _sv_psu,
        max(_sv_labeled) as _sv_labeled,
        min(_sv_population) as _sv_population,
        max(_sv_population) as _sv_population_maximum,
        min(_sv_pi) as _sv_pi,
        sum(_sv_z) as _sv_z
    from _sv_units
    group by {{ (spec.domain + ['_sv_stratum', '_sv_psu']) | join(', ') }}

),
{%- endif %}

_sv_strata as (

    select
        {{ spec.domain | join(',\n        ') }},
        _sv_stratum,
        cast(count(*) as double) as _sv_n,
        sum(_sv_labeled) as _sv_domain_psus,
        min(_sv_population) as _sv_population_least,
        max({{ '_sv_population' if spec.psu is none else '_sv_population_maximum' }}) as _sv_n_population,
        sum((1 - _sv_pi) * _sv_z * _sv_z) as _sv_open_squares,
        min(_sv_pi) as _sv_pi_least,
        sum(_sv_z) as _sv_z,
        var_pop(_sv_z) as _sv_spread
    from {{ '_sv_units' if spec.psu is none else '_sv_psus' }}
    group by {{ (spec.domain + ['_sv_stratum']) | join(', ') }}

),

_sv_shares as (

    select
        *,
        {{ prevalence._sv_population_misfit('_sv_n', '_sv_n_population', '_sv_population_least', '1') }} as _sv_misfit,
        {{- prevalence._sv_population_shares('_sv_pi_least = 1' if spec.design == 'poisson' else none) }}
        sum(_sv_z) over (partition by {{ spec.domain | join(', ') }})
        / sum(_sv_n) over (partition by {{ spec.domain | join(', ') }}) as _sv_centre
    from _sv_strata

),

_sv_terms as (

    select
        *,
        {%- if spec.design == 'poisson' %}
        0 as _sv_lonely,
        _sv_open_squares as _sv_term
        {%- else %}
        case when _sv_n = 1 and _sv_census = 0 then 1 else 0 end as _sv_lonely,
        case
            when _sv_census = 1 then 0
            when _sv_n > 1 then _sv_unsampled_share * _sv_n / (_sv_n - 1) * _sv_spread * _sv_n
            {%- if spec.lonely_psu == 'adjust' %}
            else _sv_unsampled_share * power(_sv_z - _sv_centre, 2)
            {%- elif spec.lonely_psu != 'fail' %}
            else 0
            {%- endif %}
        end as _sv_term
        {%- endif %}
    from _sv_shares

),
{%- endmacro %}
