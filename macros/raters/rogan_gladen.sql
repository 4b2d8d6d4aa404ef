{#- A share of positive labels corrected for the sensitivity and the specificity of the labels (Rogan and Gladen 1978).

It is refused where the labels cannot carry it: below the false-positive rate that the specificity allows, above the
sensitivity, or with labels no better than chance, the formula gives figures that mean nothing. Sensitivity and specificity
must be those of the same mix of items; where experts audit the sample itself, survey_two_phase_estimates needs no such
assumption.

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.rogan_gladen(
        relation=ref('est_prevalence'), apparent='prevalence', sensitivity='0.9', specificity='0.998',
        sampled='effective_n', sensitivity_items='200', specificity_items='5000', columns=['period_start']
    ) }}
-#}
{% macro rogan_gladen(
    relation,
    apparent,
    sensitivity,
    specificity,
    sampled=none,
    variance=none,
    sensitivity_items=none,
    specificity_items=none,
    columns=[],
    interval='lang_reiczigel',
    level=0.95
) -%}
{{ prevalence._check_rogan_gladen(
    apparent, sensitivity, specificity, sampled, variance, sensitivity_items, specificity_items, columns, interval, level
) -}}
{%- set alpha = 'cast(' ~ (1 - level) ~ ' as double)' -%}
{%- set is_known = sensitivity_items is none -%}
with

_rg_source as (

    select
        {%- for column in columns %}
        {{ column }} as _rg_column_{{ loop.index }},
        {%- endfor %}
        cast(({{ apparent }}) as double) as _rg_apparent,
        cast(({{ sensitivity }}) as double) as _rg_se,
        cast(({{ specificity }}) as double) as _rg_sp,
        cast(({{ sampled if sampled is not none else 'null' }}) as double) as _rg_sampled,
        cast(({{ variance if variance is not none else 'null' }}) as double) as _rg_given_variance,
        cast(({{ sensitivity_items if not is_known else 'null' }}) as double) as _rg_se_items,
        cast(({{ specificity_items if not is_known else 'null' }}) as double) as _rg_sp_items
    from {{ relation }}

),

_rg_sizes as (

    select
        *,
        {% if sampled is none -%}
        _rg_apparent * (1 - _rg_apparent) / case when _rg_given_variance > 0 then _rg_given_variance end
        {%- else -%}
        case when _rg_sampled > 0 then _rg_sampled end
        {%- endif %} as _rg_n,
        _rg_se + _rg_sp - 1 as _rg_youden
    from _rg_source

),

_rg_statuses as (

    -- 1e-12 lets a share equal the rate that one minus a decimal gives in binary
    select
        *,
        case
            when
                _rg_apparent >= 0
                and _rg_apparent <= 1
                and _rg_se >= 0
                and _rg_se <= 1
                and _rg_sp >= 0
                and _rg_sp <= 1
                {%- if variance is not none %}
                and _rg_given_variance >= 0
                {%- endif %}
                {%- if not is_known %}
                and _rg_se_items > 0
                and _rg_sp_items > 0
                {%- endif %}
                then
                    case
                        when _rg_n is null then 'no_sampled_units'
                        when _rg_youden <= 1e-12 then 'uninformative_labels'
                        when _rg_apparent < 1 - _rg_sp - 1e-12 then 'below_false_positive_rate'
                        when _rg_apparent > _rg_se + 1e-12 then 'above_sensitivity'
                        else 'ok'
                    end
            else 'invalid_rows'
        end as _rg_status
    from _rg_sizes

),

_rg_estimates as (

    select
        *,
        case
            when _rg_status = 'ok'
                then
                    case
                        when _rg_apparent <= 1 - _rg_sp then 0
                        when _rg_apparent >= _rg_se then 1
                        else (_rg_apparent + _rg_sp - 1) / _rg_youden
                    end
        end as _rg_estimate
    from _rg_statuses

),

_rg_variances as (

    select
        *,
        case
            when _rg_status = 'ok'
                then
                    (
                        coalesce(_rg_given_variance, _rg_apparent * (1 - _rg_apparent) / _rg_n)
                        {%- if not is_known %}
                        + _rg_estimate * _rg_estimate * _rg_se * (1 - _rg_se) / _rg_se_items
                        + (1 - _rg_estimate) * (1 - _rg_estimate) * _rg_sp * (1 - _rg_sp) / _rg_sp_items
                        {%- endif %}
                    ) / (_rg_youden * _rg_youden)
        end as _rg_variance
    from _rg_estimates

),

_rg_final as (

    select
        {%- for column in columns %}
        _rg_column_{{ loop.index }} as {{ column }},
        {%- endfor %}
        _rg_apparent as apparent_estimate,
        _rg_estimate as estimate,
        _rg_variance as variance,
        sqrt(_rg_variance) as std_error,
        {%- for side in ['lower', 'upper'] %}
        case
            when _rg_status = 'ok'
                then
                    {% if interval == 'lang_reiczigel' -%}
                    lang_reiczigel_{{ side }}(
                        _rg_apparent, _rg_n, _rg_se, _rg_se_items, _rg_sp, _rg_sp_items, {{ alpha }}
                    )
                    {%- elif interval == 'wald' -%}
                    _rg_estimate {{ '-' if side == 'lower' else '+' }} normal_quantile(1 - {{ alpha }} / 2) * sqrt(_rg_variance)
                    {%- else -%}
                    least(1, greatest(0, (
                        {% if interval == 'wilson' -%}
                        wilson_{{ side }}(_rg_apparent, _rg_n, cast('infinity' as double), {{ alpha }})
                        {%- else -%}
                        clopper_pearson_{{ side }}(_rg_apparent * _rg_n, _rg_n, {{ alpha }})
                        {%- endif %}
                        + _rg_sp - 1
                    ) / _rg_youden))
                    {%- endif %}
        end as interval_{{ side }},
        {%- endfor %}
        case when _rg_status = 'ok' then '{{ interval }}' end as interval_method,
        cast({{ level }} as double) as interval_level,
        _rg_status as status
    from _rg_variances

)

select * from _rg_final
{%- endmacro %}

{% macro _check_rogan_gladen(
    apparent, sensitivity, specificity, sampled, variance, sensitivity_items, specificity_items, columns, interval, level
) -%}
    {%- set name = 'rogan_gladen' -%}
    {%- set required = {'apparent': apparent, 'sensitivity': sensitivity, 'specificity': specificity} -%}
    {%- for argument, value in required.items() -%}
        {{- prevalence._check_expression(name, argument, value, required=true) -}}
    {%- endfor -%}
    {%- set optional = {
        'sampled': sampled, 'variance': variance, 'sensitivity_items': sensitivity_items,
        'specificity_items': specificity_items
    } -%}
    {%- for argument, value in optional.items() -%}
        {{- prevalence._check_expression(name, argument, value) -}}
    {%- endfor -%}
    {%- if sampled is none and variance is none -%}
        {{ prevalence._refuse(name, "sampled or variance is required; received neither") }}
    {%- endif -%}
    {{- prevalence._check_choice(name, 'interval', interval, ['lang_reiczigel', 'wald', 'wilson', 'clopper_pearson']) -}}
    {%- if (sensitivity_items is none) != (specificity_items is none) -%}
        {{ prevalence._refuse(
            name, "sensitivity_items and specificity_items go together; received '" ~ sensitivity_items ~ "' and '"
            ~ specificity_items ~ "'"
        ) }}
    {%- elif interval == 'lang_reiczigel' and sensitivity_items is none -%}
        {{ prevalence._refuse(
            name, "interval 'lang_reiczigel' requires sensitivity_items and specificity_items; received none"
        ) }}
    {%- elif interval in ['wilson', 'clopper_pearson'] and sensitivity_items is not none -%}
        {{ prevalence._refuse(
            name, "interval '" ~ interval ~ "' takes sensitivity and specificity as known; received sensitivity_items"
            ~ " and specificity_items, which belong to lang_reiczigel and wald"
        ) }}
    {%- endif -%}
    {{- prevalence._check_level(name, level) -}}
    {%- if columns is string or columns is mapping or columns is not sequence -%}
        {{ prevalence._refuse(name, "columns must be a list of column names; received '" ~ columns ~ "'") }}
    {%- endif -%}
    {{- prevalence._check_by(
        name, [columns],
        ['apparent_estimate', 'estimate', 'variance', 'std_error', 'interval_lower', 'interval_upper', 'interval_method',
         'interval_level', 'status']
    ) -}}
{%- endmacro %}
