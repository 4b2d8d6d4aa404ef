{#- What a stratum adds to the variance, as expressions over _sv_scores: by rule and by form of the variance. -#}

{#- What a stratum with a single PSU adds under each rule; `average` scales the others up at the end. -#}
{% macro _sv_lonely_term(lonely_psu) -%}
    {%- if lonely_psu == 'adjust' -%}
            {#- the PSUs without a unit of the domain are at 0; a stratum of one PSU has none -#}
            else
                _sv_unsampled_share * coalesce(_sv_n / nullif(_sv_n - 1, 0), 1) * (
                    power(_sv_z - _sv_all_z / _sv_all_psus, 2) + (_sv_n - 1) * power(_sv_all_z / _sv_all_psus, 2)
                )
    {%- elif lonely_psu != 'fail' -%}
            else 0
    {%- endif -%}
{%- endmacro %}

{#- What a stratum of two PSUs or more adds in sampling with unequal probabilities without replacement.

With q = 1 - probability and z the residual of a PSU (0 outside the domain) every form is one in the sums of q z^2
(`zz`), q z (`fz`), z (`z`), z^2 (`squares`), q and q^2. Those whose centre depends on q alone are written about the
domain's own centre, which does not cancel; the last three are differences by nature.
-#}
{% macro _sv_unequal_term(variance_method) -%}
    {%- set terms = {
        'overton': '(_sv_n * _sv_zz - _sv_fz * _sv_z) / (_sv_n - 1)',
        'overton_yates_grundy': '(_sv_n * _sv_zz / 2 - _sv_fz * _sv_z + _sv_f_design * _sv_squares / 2) / (_sv_n - 1)',
        'hartley_rao': '(
                        _sv_n * _sv_zz - 2 * _sv_fz * _sv_z + _sv_f_design * _sv_squares
                        - (1 - _sv_squares_design / _sv_n) * (_sv_n * _sv_squares - _sv_z * _sv_z)
                    ) / (_sv_n - 1)',
        'horvitz_thompson': '_sv_zz + _sv_products',
        'yates_grundy': '_sv_zz + _sv_products'
    } -%}
    {%- if variance_method in terms -%}
                    case
                        when
                            abs({{ terms[variance_method] }})
                            > 1e-12 * abs(_sv_zz_scale)
                            then {{ terms[variance_method] }}
                        else 0
                    end
    {%- elif variance_method == 'brewer' -%}
                    _sv_n / (_sv_n - 1) * (
                        case
                            when
                                _sv_zz - 2 * _sv_z / _sv_n * _sv_fz + power(_sv_z / _sv_n, 2) * _sv_domain_f
                                > 1e-12 * (_sv_zz_scale + power(_sv_z / _sv_n, 2) * _sv_domain_f)
                                then _sv_zz - 2 * _sv_z / _sv_n * _sv_fz + power(_sv_z / _sv_n, 2) * _sv_domain_f
                            else 0
                        end
                        + power(_sv_z / _sv_n, 2) * (_sv_f_design - _sv_domain_f)
                    )
    {%- else -%}
                    (
                        case
                            when
                                _sv_zz - _sv_fz * _sv_fz / nullif(_sv_domain_f, 0) > 1e-12 * _sv_zz_scale
                                then _sv_zz - _sv_fz * _sv_fz / nullif(_sv_domain_f, 0)
                            else 0
                        end
                        + _sv_fz * _sv_fz * coalesce(1 / nullif(_sv_domain_f, 0) - 1 / nullif(_sv_f_design, 0), 0)
                    )
        {%- if variance_method == 'hajek' %}
                    * _sv_n / (_sv_n - 1)
        {%- else %}
                    / nullif(1 - _sv_ff_design / nullif(_sv_f_design * _sv_f_design, 0), 0)
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
