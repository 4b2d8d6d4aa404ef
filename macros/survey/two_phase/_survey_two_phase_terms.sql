{#- CTEs _sv_totals to _sv_terms, made of _sv_expanded: what phase 2 leaves open, the judge's coefficient, residuals,
and what each stratum x cell adds to the variance of phase 1.

`spec`: _survey_two_phase_spec.sql
-#}
{% macro _survey_two_phase_terms(spec) -%}
_sv_totals as (

    select
        *,
        {%- for name in spec.linear %}
        {%- if not spec.is_poisson %}
        sum(_sv_e{{ name }}) over (partition by {{ (spec.domain + ['_sv_cell']) | join(', ') }}) as _sv_c{{ name }},
        {%- endif %}
        sum(_sv_e{{ name }}) over (partition by {{ (spec.domain + ['_sv_stratum']) | join(', ') }}) as _sv_h{{ name }},
        {%- endfor %}
        {%- if spec.total %}
        cast(0 as double) as _sv_ratio_0
        {%- else %}
        sum(_sv_ea) {{ spec.over_domain }} / nullif(sum(_sv_eb) {{ spec.over_domain }}, 0) as _sv_ratio_0
        {%- endif %}
    from _sv_expanded

),

_sv_open as (

    -- what phase 2 leaves open, as quadratic forms; rows add up over stratum x cell
    select
        *,
        {%- for name, left, right in spec.pairs %}
        {%- if spec.is_poisson %}
        _sv_e{{ name }} - _sv_f{{ name }} as _sv_v{{ name }}{{ ',' if not loop.last }}
        {%- else %}
        case
            when _sv_open_2 <= 0 or _sv_n2 <= 1 then 0
            else
                _sv_open_2 * _sv_n2 / (_sv_n2 - 1)
                * (_sv_e{{ name }} - _sv_e{{ left }} * _sv_c{{ right }} / _sv_n2)
        end as _sv_v{{ name }}{{ ',' if not loop.last }}
        {%- endif %}
        {%- endfor %}
    from _sv_totals

),

_sv_tuned as (

    select
        *,
        {%- if spec.judge is none %}
        cast(0 as double) as _sv_coefficient
        {%- elif spec.judge_coefficient == 'tuned' %}
        least(1, greatest(0, coalesce(
            sum(_sv_val) {{ spec.over_domain }} / nullif(sum(_sv_vll) {{ spec.over_domain }}, 0), 0
        ))) as _sv_coefficient
        {%- else %}
        cast({{ spec.judge_coefficient }} as double) as _sv_coefficient
        {%- endif %}
    from _sv_open

),

_sv_corrected as (

    select
        *,
        {%- if spec.judge is none or spec.total %}
        _sv_ratio_0 as _sv_ratio_1
        {%- else %}
        (
            sum(_sv_ea) {{ spec.over_domain }}
            + _sv_coefficient * (sum(_sv_judge_sum) {{ spec.over_domain }} - sum(_sv_el) {{ spec.over_domain }})
        ) / nullif(sum(_sv_phase_1_x) {{ spec.over_domain }}, 0) as _sv_ratio_1
        {%- endif %}
    from _sv_tuned

),

_sv_scores as (

    -- residuals y - R x: once with the ratio of experts alone (0), once with that of the estimate (1)
    select
        *,
        {%- for number in [0, 1] %}
        _sv_ea - _sv_ratio_{{ number }} * _sv_eb as _sv_u{{ number }},
        _sv_ha - _sv_ratio_{{ number }} * _sv_hb as _sv_hu{{ number }},
        {%- for form in ['e', 'v'] + (['f'] if spec.is_poisson else []) + (['t'] if spec.is_poisson_1 else []) %}
        {{ prevalence._sv_residual_square('_sv_' ~ form, '_sv_ratio_' ~ number) }} as _sv_{{ form }}uu{{ number }},
        {%- endfor %}
        {%- endfor %}
        {%- if spec.with_counted %}
        _sv_eb as _sv_ub,
        _sv_hb as _sv_hub,
        {%- for form in ['e', 'v'] + (['f'] if spec.is_poisson else []) + (['t'] if spec.is_poisson_1 else []) %}
        _sv_{{ form }}bb as _sv_{{ form }}uub,
        {%- endfor %}
        {%- endif %}
        {% if spec.judge is none -%}
        cast(null as double) as _sv_vjudge
        {%- else -%}
        _sv_vaa - 2 * _sv_coefficient * _sv_val + _sv_coefficient * _sv_coefficient * _sv_vll as _sv_vjudge
        {%- endif %}
    from _sv_corrected

),

_sv_terms as (

    select
        *,
        {%- for number in spec.numbers %}
        {% if spec.is_poisson_1 -%}
        _sv_tuu{{ number }}
        {%- else -%}
        case
            when _sv_open_1 <= 0 or _sv_n1 <= 1 then 0
            {%- if spec.phase_1_variance == 'plug_in' %}
            -- the sample variance of phase 1, its sums replaced by their expansions from phase 2
            else
                _sv_open_1 * _sv_n1 / (_sv_n1 - 1) * (
                    {{ '_sv_fuu' ~ number if spec.is_poisson else '(1 - _sv_open_2) * _sv_euu' ~ number }}
                    - _sv_u{{ number }} * _sv_hu{{ number }} / _sv_n1
                )
            {%- elif spec.is_poisson %}
            else
                _sv_open_1 * (
                    _sv_fuu{{ number }}
                    - (_sv_u{{ number }} * _sv_hu{{ number }} - _sv_euu{{ number }}) / (_sv_n1 - 1)
                )
            {%- else %}
            else
                _sv_open_1 * (
                    (1 - _sv_open_2) * _sv_euu{{ number }}
                    - (
                        _sv_u{{ number }} * _sv_hu{{ number }} - _sv_u{{ number }} * _sv_u{{ number }}
                        + case
                            when _sv_n2 > 1
                                then
                                    (_sv_n2 - 1 + _sv_open_2) / (_sv_n2 - 1)
                                    * (_sv_u{{ number }} * _sv_u{{ number }} - _sv_euu{{ number }})
                            else 0
                        end
                    ) / (_sv_n1 - 1)
                )
            {%- endif %}
        end
        {%- endif %} as _sv_phase_1_term_{{ number }},
        {%- endfor %}
        _sv_labeled > 0 as _sv_in_domain
    from _sv_scores

),
{%- endmacro %}
