{#- CTEs _sv_cell_counts to _sv_moments, made of _sv_terms: strata and cells added up to domains, in the names that
_survey_figures works on.

`spec`: _survey_two_phase_spec.sql
-#}
{% macro _survey_two_phase_moments(spec) -%}
_sv_cell_counts as (

    select
        *,
        -- a cell that several strata share is counted once
        row_number() over (
            partition by {{ (spec.domain + ['_sv_cell']) | join(', ') }}
            order by case when _sv_labeled > 0 then 0 else 1 end asc, _sv_stratum asc
        ) as _sv_cell_rank,
        row_number() over (
            partition by {{ (spec.domain + ['_sv_stratum']) | join(', ') }}
            order by case when _sv_labeled > 0 then 0 else 1 end asc, _sv_cell asc
        ) as _sv_stratum_rank
    from {{ '_sv_counted_terms' if spec.with_counted else '_sv_terms' }}

),

_sv_domains as (

    select
        {{ spec.domain | join(',\n        ') }},
        max(_sv_ratio_0) as _sv_ratio_0,
        max(_sv_ratio_1) as _sv_ratio_1,
        max(_sv_coefficient) as _sv_coefficient,
        sum(_sv_phase_2_rows) as _sv_phase_2_units,
        sum(_sv_labeled) as _sv_sampled,
        sum(_sv_positive) as _sv_positive,
        sum(_sv_below) as _sv_below,
        sum(_sv_not_share) as _sv_not_share,
        sum(_sv_judge_positive) as _sv_judge_positive,
        sum(_sv_judge_below) as _sv_judge_below,
        sum(_sv_phase_1_rows) as _sv_phase_1_units,
        least(sum(_sv_phase_1_rows), sum(_sv_invalid) + sum(_sv_population_invalid)) as _sv_invalid,
        sum(_sv_uncovered) as _sv_uncovered,
        {% if spec.auxiliaries -%}
        sum(_sv_unfitted) as _sv_unfitted,
        {% else -%}
        sum(case when _sv_cell_rank = 1 then _sv_lonely_cell else 0 end)
        + {% endif -%}
        sum(case when _sv_stratum_rank = 1 then _sv_lonely_stratum else 0 end) as _sv_lonely_psus,
        sum(case when _sv_cell_rank = 1 and _sv_labeled > 0 then 1 else 0 end) as _sv_domain_cells,
        min(
            case
                when _sv_labeled > 0 then case when _sv_open_1 <= 0 and _sv_open_2 <= 0 then 1 else 0 end
            end
        ) as _sv_census,
        sum(_sv_w2 * _sv_weights) as _sv_sum_of_weights,
        sum(_sv_w2 * _sv_wyy) as _sv_wyy,
        sum(_sv_w2 * _sv_wyx) as _sv_wyx,
        sum(_sv_w2 * _sv_wxx) as _sv_wxx,
        sum(power(_sv_w2, 2) * _sv_a2) as _sv_a2,
        sum(power(_sv_w2, 4) * _sv_a4) as _sv_a4,
        max(_sv_w2 * _sv_maximum) as _sv_maximum,
        sum(_sv_ea) as _sv_a,
        sum(_sv_eb) as _sv_expanded_x,
        sum(_sv_phase_1_x) as _sv_phase_1_x,
        sum(_sv_judge_sum) as _sv_judge_sum,
        sum(_sv_judged_x) as _sv_judged_x,
        {{ 'sum(_sv_el)' if spec.judge is not none else 'cast(0 as double)' }} as _sv_judge_expanded,
        {%- if spec.with_counted %}
        {{- prevalence._sv_counted_sums(with_base=false) }}
        -- sums of squares leave rounding where the sizes are known
        case
            when sum(_sv_vuub + _sv_phase_1_term_b) > 1e-12 * sum(_sv_ebb) then sum(_sv_vuub + _sv_phase_1_term_b)
            else 0
        end as _sv_base_term,
        sum(_sv_found) as _sv_found,
        max(_sv_shortfall) as _sv_shortfall,
        {%- endif %}
        sum(_sv_vuu0) as _sv_experts_2,
        sum(_sv_phase_1_term_0) as _sv_experts_1,
        {%- if not spec.auxiliaries %}
        sum({{ '_sv_vuu1' if spec.judge is none else '_sv_vjudge' }}) as _sv_open_sum_2,
        {%- endif %}
        sum(_sv_phase_1_term_1) as _sv_open_sum_1
    from _sv_cell_counts
    group by {{ spec.domain | join(', ') }}

),
{%- if spec.auxiliaries %}

{{ prevalence._survey_two_phase_residuals(spec) }}
{%- endif %}

_sv_spreads as (

    select
        *,
        {% if spec.total -%}
        cast(1 as double) as _sv_b_0,
        cast(1 as double) as _sv_b,
        {%- else -%}
        _sv_expanded_x as _sv_b_0,
        {{ '_sv_expanded_x' if spec.judge is none else '_sv_phase_1_x' }} as _sv_b,
        {%- endif %}
        {{ prevalence._sv_spread_columns(spec.total, '_sv_ratio_0') }}
    from {{ '_sv_calibrated_domains' if spec.auxiliaries else '_sv_domains' }}

),

_sv_variances as (

    -- the part of phase 1 is estimated without bias, and may come out below zero in a small sample
    select
        *,
        _sv_open_sum_1 / nullif(_sv_b * _sv_b, 0) as _sv_variance_1,
        case when _sv_open_sum_2 < 0 then 0 else _sv_open_sum_2 end / nullif(_sv_b * _sv_b, 0) as _sv_variance_2,
        case when _sv_experts_1 + _sv_experts_2 < 0 then 0 else _sv_experts_1 + _sv_experts_2 end
        / nullif(_sv_b_0 * _sv_b_0, 0) as _sv_experts_variance
    from _sv_spreads

),

_sv_moments as (

    select
        *,
        _sv_phase_2_units as _sv_rows,
        {%- if spec.with_counted %}
        {{ prevalence._sv_counted_columns(
            spec.total, '_sv_expanded_x', counted='_sv_found', grows=spec.interval == 'counted_growing'
        ) }}
        cast('infinity' as double) as _sv_event_df,
        case when _sv_shortfall < {{ 3 if spec.total else 2 }} then 1 else 0 end as _sv_countable,
        {%- endif %}
        {{- prevalence._sv_extremes(with_judge=spec.judge is not none and spec.judge_coefficient != 'tuned') }}
        {% if spec.total -%}
        _sv_a + _sv_coefficient * (_sv_judge_sum - _sv_judge_expanded)
        {%- else -%}
        _sv_ratio_1
        {%- endif %} as _sv_estimate,
        case
            {%- if spec.lonely_psu == 'fail' %}
            when _sv_lonely_psus > 0 then null
            {%- endif %}
            when _sv_variance_1 + _sv_variance_2 < 0 then 0
            else _sv_variance_1 + _sv_variance_2
        end as _sv_variance,
        {{ prevalence._sv_simple_variance('_sv_sampled', '_sv_sum_of_weights', '_sv_b_0') }},
        _sv_sampled - _sv_domain_cells as _sv_df
    from _sv_variances

),
{%- endmacro %}
