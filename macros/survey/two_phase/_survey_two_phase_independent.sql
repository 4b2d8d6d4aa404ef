{#- CTEs _sv_samples to _sv_moments, made of _sv_members: prediction-powered inference, where phase_2_design is
independent: an experts' sample and a larger one of the judge alone, drawn independently.

Estimate: c F_rest + (Y - c F_labeled), ratios of weighted sums; variance: c^2 V(F_rest) + V(Y - c F_labeled), each the
sum of squared linearised scores, so that equal weights give the divisor n of Angelopoulos, Bates, Fannjiang, Jordan and
Zrnic (2023), Science 382, 669-674. `tuned` is the coefficient of Angelopoulos, Duchi and Zrnic (2023), arXiv 2311.01453:
cov(y, f) / ((1 + n / N) var(f)), the covariance over the labeled with divisor n, the variance over both samples with
divisor n + N - 1, cut to [0, 1]. Sums of weighted scores replace these moments where weights differ.

`spec`: _survey_two_phase_spec.sql
-#}
{% macro _survey_two_phase_independent(spec) -%}
{%- set pairs = [
    ('aa', 'a', 'a'), ('ab', 'a', 'b'), ('bb', 'b', 'b'), ('al', 'a', 'l'), ('lb', 'l', 'b'), ('ll', 'l', 'l')
] -%}
_sv_samples as (

    -- a unit drawn for an expert who gave no answer belongs to neither sample
    select
        *,
        case when _sv_phase_2 = 0 then _sv_w1 * _sv_x end as _sv_rest_b,
        case when _sv_phase_2 = 0 then _sv_w1 * coalesce(_sv_judge, 0) end as _sv_rest_l
    from _sv_members

),

_sv_sums as (

    select
        {{ spec.domain | join(',\n        ') }},
        cast(sum(_sv_phase_2) as double) as _sv_phase_2_units,
        cast(count(_sv_y) as double) as _sv_sampled,
        cast(count(_sv_rest_b) as double) as _sv_rest,
        sum(_sv_invalid) as _sv_invalid,
        {{- prevalence._sv_label_counts() }}
        sum(case when _sv_judge <> 0 then 1 else 0 end) as _sv_judge_positive,
        sum(case when _sv_judge < _sv_x then 1 else 0 end) as _sv_judge_below,
        sum(_sv_w1 * coalesce(_sv_judge, 0)) as _sv_judge_sum,
        sum(case when _sv_judge is not null then _sv_w1 * _sv_x end) as _sv_judged_x,
        {{- prevalence._sv_label_sums('_sv_w') }}
        max(_sv_w1 * _sv_x) as _sv_maximum,
        {%- for name, left, right in pairs %}
        coalesce(sum(_sv_{{ left }} * _sv_{{ right }}), 0) as _sv_q{{ name }},
        {%- if 'a' not in name %}
        coalesce(sum(_sv_rest_{{ left }} * _sv_rest_{{ right }}), 0) as _sv_r{{ name }},
        {%- endif %}
        {%- endfor %}
        sum(_sv_a) as _sv_a,
        sum(_sv_b) as _sv_b,
        sum(_sv_l) as _sv_l,
        coalesce(sum(_sv_rest_b), 0) as _sv_rest_b,
        coalesce(sum(_sv_rest_l), 0) as _sv_rest_l
    from _sv_samples
    group by {{ spec.domain | join(', ') }}

),

_sv_ratios as (

    select
        *,
        _sv_a / nullif(_sv_b, 0) as _sv_ratio_0,
        _sv_l / nullif(_sv_b, 0) as _sv_judge_labeled,
        _sv_rest_l / nullif(_sv_rest_b, 0) as _sv_judge_rest,
        (_sv_l + _sv_rest_l) / nullif(_sv_b + _sv_rest_b, 0) as _sv_judge_all
    from _sv_sums

),

_sv_tuned as (

    select
        *,
        {% if spec.judge_coefficient == 'tuned' -%}
        least(1, greatest(0, coalesce(
            (_sv_qal - _sv_ratio_0 * _sv_qlb - _sv_judge_labeled * _sv_qab + _sv_ratio_0 * _sv_judge_labeled * _sv_qbb)
            / (_sv_b * _sv_b)
            / nullif(
                (_sv_sampled + _sv_rest) * (_sv_sampled + _sv_rest) / nullif(_sv_sampled + _sv_rest - 1, 0)
                * (
                    _sv_qll + _sv_rll - 2 * _sv_judge_all * (_sv_qlb + _sv_rlb)
                    + _sv_judge_all * _sv_judge_all * (_sv_qbb + _sv_rbb)
                ) / power(_sv_b + _sv_rest_b, 2)
                * (1 / nullif(_sv_sampled, 0) + 1 / nullif(_sv_rest, 0)),
                0
            ),
            0
        ))) as _sv_coefficient
        {%- else -%}
        cast({{ spec.judge_coefficient }} as double) as _sv_coefficient
        {%- endif %}
    from _sv_ratios

),

_sv_corrected as (

    select
        *,
        _sv_ratio_0 - _sv_coefficient * _sv_judge_labeled as _sv_correction
    from _sv_tuned

),

_sv_terms as (

    select
        *,
        case
            when _sv_coefficient = 0 then 0
            else
                _sv_coefficient * _sv_coefficient
                * (_sv_rll - 2 * _sv_judge_rest * _sv_rlb + _sv_judge_rest * _sv_judge_rest * _sv_rbb)
                / (_sv_rest_b * _sv_rest_b)
        end as _sv_term_1,
        (
            _sv_qaa + _sv_coefficient * _sv_coefficient * _sv_qll + _sv_correction * _sv_correction * _sv_qbb
            - 2 * _sv_coefficient * _sv_qal - 2 * _sv_correction * _sv_qab
            + 2 * _sv_coefficient * _sv_correction * _sv_qlb
        ) / nullif(_sv_b * _sv_b, 0) as _sv_term_2,
        ({{ prevalence._sv_residual_square('_sv_q', '_sv_ratio_0') }}) / nullif(_sv_b * _sv_b, 0) as _sv_term_0,
        {{ prevalence._sv_spread_columns(false, '_sv_ratio_0') }}
    from _sv_corrected

),

_sv_variances as (

    -- a difference of sums of squares may end a rounding below zero
    select
        *,
        case when _sv_term_0 < 0 then 0 else _sv_term_0 end as _sv_experts_variance,
        case when _sv_term_1 < 0 then 0 else _sv_term_1 end as _sv_variance_1,
        case when _sv_term_2 < 0 then 0 else _sv_term_2 end as _sv_variance_2
    from _sv_terms

),

_sv_moments as (

    select
        *,
        _sv_phase_2_units as _sv_rows,
        {{- prevalence._sv_extremes(with_judge=spec.judge is not none and spec.judge_coefficient != 'tuned') }}
        case when _sv_coefficient = 0 then 0 else _sv_coefficient * _sv_judge_rest end + _sv_correction as _sv_estimate,
        _sv_variance_1 + _sv_variance_2 as _sv_variance,
        {{ prevalence._sv_simple_variance('_sv_sampled', '_sv_sum_of_weights', '_sv_b') }},
        _sv_sampled - 1 as _sv_df,
        0 as _sv_lonely_psus,
        0 as _sv_census,
        0 as _sv_uncovered
    from _sv_variances

),
{%- endmacro %}
