{#- CTEs _sv_cell_means to _sv_fitted, made of _sv_member_residuals and the cells: what the margins foresee of each
domain's residual, in every row of the sample. Raking is swept over its margins ten times, as R does.

`spec`: _survey_calibrated_spec.sql
-#}
{% macro _survey_calibrated_fit_by_margins(spec) -%}
_sv_cell_means as (

    select
        {{ spec.domain | join(',\n        ') }},
        _sv_cell,
        sum({{ '_sv_u' if spec.method == 'raking' else '_sv_w * _sv_u' }}) / max(_sv_regression_weight) as _sv_mean
    from _sv_member_residuals
    group by {{ (spec.domain + ['_sv_cell']) | join(', ') }}

),

_sv_fits_0 as (

    -- every cell of the sample, also those without a row of the domain
    select
        {{ prevalence._columns_of('_sv_ratios', spec.domain) }},
        _sv_cell_factors._sv_cell,
        _sv_cell_factors._sv_regression_weight,
        {%- for name in spec.names %}
        _sv_cell_factors._sv_category_{{ loop.index }},
        {%- endfor %}
        _sv_ratios._sv_ratio,
        coalesce(_sv_cell_means._sv_mean, 0) as _sv_mean,
        {{ 'coalesce(_sv_cell_means._sv_mean, 0)' if spec.method == 'raking' else 'cast(0 as double)' }} as _sv_left
    from _sv_ratios
    cross join _sv_cell_factors
    left join _sv_cell_means
        on
            _sv_cell_factors._sv_cell = _sv_cell_means._sv_cell
            and {{ prevalence._sv_same(spec.domain, '_sv_ratios', '_sv_cell_means') }}

),
{%- set fits = namespace(number=0) %}
{%- if spec.method == 'raking' %}
{%- for sweep in range(10) %}
{%- for name in spec.names %}
{%- set over_category = 'over (partition by ' ~ spec.domain | join(', ') ~ ', _sv_category_' ~ loop.index ~ ')' %}

_sv_fits_{{ fits.number + 1 }} as (

    select
        {{ spec.domain | join(',\n        ') }},
        _sv_cell,
        _sv_regression_weight,
        {%- for other in spec.names %}
        _sv_category_{{ loop.index }},
        {%- endfor %}
        _sv_ratio,
        _sv_mean,
        _sv_left
        - sum(_sv_regression_weight * _sv_left) {{ over_category }} / sum(_sv_regression_weight) {{ over_category }}
            as _sv_left
    from _sv_fits_{{ fits.number }}

),
{%- set fits.number = fits.number + 1 %}
{%- endfor %}
{%- endfor %}
{%- endif %}

_sv_fitted as (

    select
        _sv_calibrated.*,
        {%- for key in spec.domain %}
        _sv_fits_{{ fits.number }}.{{ key }},
        {%- endfor %}
        _sv_fits_{{ fits.number }}._sv_ratio,
        _sv_fits_{{ fits.number }}._sv_mean - _sv_fits_{{ fits.number }}._sv_left as _sv_fitted
    from _sv_calibrated
    inner join _sv_fits_{{ fits.number }}
        on _sv_calibrated._sv_cell = _sv_fits_{{ fits.number }}._sv_cell

),
{%- endmacro %}
