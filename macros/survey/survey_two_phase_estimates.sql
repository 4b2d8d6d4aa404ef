{#- Estimates from two phases: a sample of units that a judge labels, and a sample of those that experts label, too.

Phase 1 is simple random in strata, or Poisson. Phase 2 is simple random in cells of phase 1, or Poisson with known
probabilities. The variance is Sarndal, Swensson and Wretman's (Model Assisted Survey Sampling, result 9.3.1), as sums
over stratum x cell: v1 of the double-expanded residuals y - R x, and v2 of what phase 2 leaves open: the same
residuals without a judge, y - c judge with one. With a given c the estimator is unbiased whatever the judge says;
`tuned` takes the c in [0, 1] with the smallest v2 in each domain, which is the power tuning of prediction-powered
inference with design weights. `phase_2_auxiliaries` calibrates phase 2 to phase 1 instead (_two_phase_calibration.sql),
and phase_2_design `independent` is prediction-powered inference as published (_independent_samples.sql).

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.survey_two_phase_estimates(
        relation=ref('judged_units'), y='expert_label', judge='judge_label', phase_1_weight='design_weight',
        phase_2_stratum='audit_cell', phase_2_sampled='is_audited', by=[[], ['country']]
    ) }}
-#}
{% macro survey_two_phase_estimates(
    relation,
    y,
    x='1.0',
    judge=none,
    phase_1_weight=none,
    phase_1_stratum=none,
    phase_1_population=none,
    phase_2_design='stratified',
    phase_2_stratum=none,
    phase_2_probability=none,
    phase_2_sampled=none,
    judge_coefficient='tuned',
    by=[[]],
    total=false,
    interval='korn_graubard',
    level=0.95,
    lonely_psu='fail',
    phase_1_design='stratified',
    phase_1_probability=none,
    phase_1_variance='unbiased',
    phase_2_auxiliaries=none,
    zero_positive_bound='clopper_pearson'
) -%}
{{ prevalence._check_survey_two_phase_estimates(
    y, x, judge, phase_1_weight, phase_1_stratum, phase_1_population, phase_2_design, phase_2_stratum,
    phase_2_probability, phase_2_sampled, judge_coefficient, by, total, interval, level, lonely_psu, phase_1_design,
    phase_1_probability, phase_1_variance, phase_2_auxiliaries, zero_positive_bound
) -}}
{%- set columns = prevalence._by_columns(by) -%}
{%- set keys = prevalence._sv_keys(columns) -%}
{%- set domain = ['_sv_set'] + keys -%}
{%- set over_domain = 'over (partition by ' ~ domain | join(', ') ~ ')' -%}
{%- set is_poisson = phase_2_design == 'poisson' -%}
{%- set is_poisson_1 = phase_1_design == 'poisson' -%}
{%- set is_independent = phase_2_design == 'independent' -%}
{%- set auxiliaries = phase_2_auxiliaries or [] -%}
{%- set auxiliary_names = [] -%}
{%- for expression in auxiliaries -%}
    {%- do auxiliary_names.append('_sv_auxiliary_' ~ loop.index) -%}
{%- endfor -%}
{%- set sampled = phase_2_sampled if phase_2_sampled is not none else '(' ~ y ~ ') is not null' -%}
{%- set pairs = [('aa', 'a', 'a'), ('ab', 'a', 'b'), ('bb', 'b', 'b')] -%}
{%- if judge is not none -%}
    {%- set pairs = pairs + [('al', 'a', 'l'), ('ll', 'l', 'l')] -%}
{%- endif -%}
{%- set linear = ['a', 'b'] + (['l'] if judge is not none else []) -%}
{%- set residual = {
    'linear': '_sv_{0}a - _sv_ratio_{1} * _sv_{0}b',
    'square': '_sv_{0}aa - 2 * _sv_ratio_{1} * _sv_{0}ab + _sv_ratio_{1} * _sv_ratio_{1} * _sv_{0}bb'
} -%}
with

_sv_source as (

    select
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        case when {{ sampled }} then cast(({{ y }}) as double) end as _sv_y,
        cast(({{ x }}) as double) as _sv_x,
        {{ 'cast((' ~ judge ~ ') as double)' if judge is not none else 'cast(null as double)' }} as _sv_judge,
        cast(({{ phase_1_weight if phase_1_weight is not none else '1.0' }}) as double) as _sv_w1,
        {%- if is_poisson_1 %}
        cast(({{ phase_1_probability }}) as double) as _sv_p1,
        {%- endif %}
        {%- for expression in auxiliaries %}
        cast(({{ expression }}) as double) as {{ auxiliary_names[loop.index0] }},
        {%- endfor %}
        {{ phase_1_stratum if phase_1_stratum is not none else 'cast(0 as bigint)' }} as _sv_stratum,
        {{ 'cast((' ~ phase_1_population ~ ') as double)' if phase_1_population is not none else "cast('infinity' as double)" }}
            as _sv_population,
        {{ phase_2_stratum if phase_2_stratum is not none else 'cast(0 as bigint)' }} as _sv_cell,
        {% if is_poisson -%}
        cast(({{ phase_2_probability }}) as double) as _sv_p2,
        {%- else -%}
        cast(1 as double) as _sv_p2,
        {%- endif %}
        case when {{ sampled }} then 1 else 0 end as _sv_phase_2
    from {{ relation }}

),

_sv_weighted as (

    -- the weight of phase 2 is that of the cell, and enters later, or one over the unit's own probability
    select
        *,
        _sv_w1 / case when _sv_p2 > 0 then _sv_p2 end as {{ '_sv_base_weight' if auxiliaries else '_sv_w' }},
        case
            when
                {{ prevalence._is_finite('_sv_w1') }}
                and _sv_w1 > 0
                and {{ prevalence._is_finite('_sv_x') }}
                and (_sv_y is null or {{ prevalence._is_finite('_sv_y') }})
                and (_sv_judge is null or {{ prevalence._is_finite('_sv_judge') }})
                and _sv_stratum is not null
                and _sv_cell is not null
                and _sv_population > 0
                and _sv_p2 > 0
                and _sv_p2 <= 1
                {%- if is_poisson_1 %}
                and _sv_p1 > 0
                and _sv_p1 <= 1
                {%- endif %}
                {%- for auxiliary in auxiliary_names %}
                and {{ prevalence._is_finite(auxiliary) }}
                {%- endfor %}
                then 0
            else 1
        end as _sv_invalid
    from _sv_source

),
{%- if auxiliaries %}

{{ prevalence._sv_phase_2_weights(auxiliary_names, is_poisson) }}
{%- endif %}

_sv_values as (

    select
        *,
        _sv_w * _sv_y as _sv_a,
        case when _sv_y is not null then _sv_w * _sv_x end as _sv_b,
        -- no answer of the judge counts as a 0 in both phases, which leaves the estimate unbiased
        case when _sv_y is not null then _sv_w * coalesce(_sv_judge, 0) end as _sv_l
    from {{ '_sv_calibrated' if auxiliaries else '_sv_weighted' }}

),

{{ prevalence._sv_members('_sv_values', by, columns) }}
{%- if is_independent %}

{{ prevalence._sv_independent_moments(domain, judge_coefficient) }}
{%- else %}

_sv_cells as (

    -- the only pass over rows
    select
        {{ (domain + ['_sv_stratum', '_sv_cell']) | join(',\n        ') }},
        cast(count(*) as double) as _sv_phase_1_rows,
        cast(sum(_sv_phase_2) as double) as _sv_phase_2_rows,
        sum(_sv_invalid) as _sv_invalid,
        {%- if auxiliaries %}
        sum(case when _sv_factor is null then 1 else 0 end) as _sv_unfitted,
        {%- endif %}
        min(_sv_population) as _sv_population_minimum,
        max(_sv_population) as _sv_population_maximum,
        min(_sv_p2) as _sv_p2_minimum,
        {%- if is_poisson_1 %}
        min(_sv_p1) as _sv_p1_minimum,
        {%- endif %}
        max(_sv_w1 / nullif(_sv_p2, 0) * _sv_x) as _sv_maximum,
        sum(_sv_w1 * coalesce(_sv_judge, 0)) as _sv_judge_sum,
        sum(case when _sv_judge is not null then _sv_w1 * _sv_x end) as _sv_judged_x,
        sum(_sv_w1 * _sv_x) as _sv_phase_1_x,
        cast(count(_sv_y) as double) as _sv_labeled,
        sum(case when _sv_y > 0 then 1 else 0 end) as _sv_positive,
        sum(case when _sv_y < _sv_x then 1 else 0 end) as _sv_below,
        sum(case when _sv_y < 0 or _sv_y > _sv_x then 1 else 0 end) as _sv_not_share,
        sum(case when _sv_judge <> 0 then 1 else 0 end) as _sv_judge_positive,
        sum(case when _sv_judge < _sv_x then 1 else 0 end) as _sv_judge_below,
        sum(case when _sv_y is not null then _sv_w end) as _sv_weights,
        sum(_sv_w * _sv_y * _sv_y) as _sv_wyy,
        sum(_sv_w * _sv_y * _sv_x) as _sv_wyx,
        sum(case when _sv_y is not null then _sv_w * _sv_x * _sv_x end) as _sv_wxx,
        sum(case when _sv_y > 0 then power(_sv_a, 2) end) as _sv_a2,
        sum(case when _sv_y > 0 then power(_sv_a, 4) end) as _sv_a4,
        {%- for name, left, right in pairs %}
        coalesce(sum(_sv_{{ left }} * _sv_{{ right }}), 0) as _sv_q{{ name }},
        {%- if is_poisson %}
        coalesce(sum(_sv_p2 * _sv_{{ left }} * _sv_{{ right }}), 0) as _sv_p{{ name }},
        {%- endif %}
        {%- if is_poisson_1 and name in ('aa', 'ab', 'bb') %}
        coalesce(sum((1 - _sv_p1) * _sv_p2 * _sv_{{ left }} * _sv_{{ right }}), 0) as _sv_o{{ name }},
        {%- endif %}
        {%- endfor %}
        {%- for name in linear %}
        coalesce(sum(_sv_{{ name }}), 0) as _sv_s{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_members
    group by {{ (domain + ['_sv_stratum', '_sv_cell']) | join(', ') }}

),

_sv_designs as (

    -- sizes of strata and cells are the whole sample's, never the domain's
    select
        *,
        sum(case when _sv_set = 0 then _sv_phase_1_rows end) over (partition by _sv_stratum) as _sv_n1,
        max(case when _sv_set = 0 then _sv_population_maximum end) over (partition by _sv_stratum) as _sv_n1_population,
        min(case when _sv_set = 0 then _sv_population_minimum end) over (partition by _sv_stratum)
            as _sv_n1_population_least,
        sum(case when _sv_set = 0 then _sv_phase_1_rows end) over (partition by _sv_cell) as _sv_m,
        sum(case when _sv_set = 0 then _sv_phase_2_rows end) over (partition by _sv_cell) as _sv_n2
    from _sv_cells

),

_sv_sized_cells as (

    select
        *,
        {{ '1' if is_poisson else '_sv_m / nullif(_sv_n2, 0)' }} as _sv_w2,
        case
            when
                _sv_n1_population_least = _sv_n1_population
                and _sv_n1 <= _sv_n1_population * (1 + 1e-9)
                then 0
            else _sv_phase_1_rows
        end as _sv_population_invalid,
        {% if is_poisson_1 -%}
        1 - _sv_p1_minimum
        {%- else -%}
        case
            when _sv_n1 >= _sv_n1_population * (1 - 1e-9) then 0
            when _sv_n1_population = cast('infinity' as double) then 1
            else 1 - _sv_n1 / nullif(_sv_n1_population, 0)
        end
        {%- endif %} as _sv_open_1,
        {{ '1 - _sv_p2_minimum' if is_poisson else '1 - _sv_n2 / _sv_m' }} as _sv_open_2
    from _sv_designs

),

_sv_expanded as (

    select
        *,
        {%- for name in linear %}
        _sv_w2 * _sv_s{{ name }} as _sv_e{{ name }},
        {%- endfor %}
        {%- for name, left, right in pairs %}
        _sv_w2 * _sv_w2 * _sv_q{{ name }} as _sv_e{{ name }},
        {%- if is_poisson %}
        _sv_p{{ name }} as _sv_f{{ name }},
        {%- endif %}
        {%- if is_poisson_1 and name in ('aa', 'ab', 'bb') %}
        _sv_w2 * _sv_o{{ name }} as _sv_t{{ name }},
        {%- endif %}
        {%- endfor %}
        {% if is_poisson -%}
        0
        {%- else -%}
        case when _sv_labeled > 0 and _sv_n2 = 1 and _sv_open_2 > 0 then 1 else 0 end
        {%- endif %} as _sv_lonely_cell,
        {% if is_poisson_1 -%}
        0
        {%- else -%}
        case when _sv_labeled > 0 and _sv_n1 = 1 and _sv_open_1 > 0 then 1 else 0 end
        {%- endif %} as _sv_lonely_stratum,
        case when _sv_n2 = 0 then 1 else 0 end as _sv_uncovered
    from _sv_sized_cells

),

_sv_totals as (

    select
        *,
        {%- for name in linear %}
        {%- if not is_poisson %}
        sum(_sv_e{{ name }}) over (partition by {{ (domain + ['_sv_cell']) | join(', ') }}) as _sv_c{{ name }},
        {%- endif %}
        sum(_sv_e{{ name }}) over (partition by {{ (domain + ['_sv_stratum']) | join(', ') }}) as _sv_h{{ name }},
        {%- endfor %}
        {%- if total %}
        cast(0 as double) as _sv_ratio_0
        {%- else %}
        sum(_sv_ea) {{ over_domain }} / nullif(sum(_sv_eb) {{ over_domain }}, 0) as _sv_ratio_0
        {%- endif %}
    from _sv_expanded

),

_sv_open as (

    -- what phase 2 leaves open, as quadratic forms; rows add up over stratum x cell
    select
        *,
        {%- for name, left, right in pairs %}
        {%- if is_poisson %}
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
        {%- if judge is none %}
        cast(0 as double) as _sv_coefficient
        {%- elif judge_coefficient == 'tuned' %}
        least(1, greatest(0, coalesce(
            sum(_sv_val) {{ over_domain }} / nullif(sum(_sv_vll) {{ over_domain }}, 0), 0
        ))) as _sv_coefficient
        {%- else %}
        cast({{ judge_coefficient }} as double) as _sv_coefficient
        {%- endif %}
    from _sv_open

),

_sv_corrected as (

    select
        *,
        {%- if judge is none or total %}
        _sv_ratio_0 as _sv_ratio_1
        {%- else %}
        (
            sum(_sv_ea) {{ over_domain }}
            + _sv_coefficient * (sum(_sv_judge_sum) {{ over_domain }} - sum(_sv_el) {{ over_domain }})
        ) / nullif(sum(_sv_phase_1_x) {{ over_domain }}, 0) as _sv_ratio_1
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
        {%- for form in ['e', 'v'] + (['f'] if is_poisson else []) + (['t'] if is_poisson_1 else []) %}
        _sv_{{ form }}aa - 2 * _sv_ratio_{{ number }} * _sv_{{ form }}ab
        + _sv_ratio_{{ number }} * _sv_ratio_{{ number }} * _sv_{{ form }}bb as _sv_{{ form }}uu{{ number }},
        {%- endfor %}
        {%- endfor %}
        {% if judge is none -%}
        cast(null as double) as _sv_vjudge
        {%- else -%}
        _sv_vaa - 2 * _sv_coefficient * _sv_val + _sv_coefficient * _sv_coefficient * _sv_vll as _sv_vjudge
        {%- endif %}
    from _sv_corrected

),

_sv_terms as (

    select
        *,
        {%- for number in [0, 1] %}
        {% if is_poisson_1 -%}
        _sv_tuu{{ number }}
        {%- else -%}
        case
            when _sv_open_1 <= 0 or _sv_n1 <= 1 then 0
            {%- if phase_1_variance == 'plug_in' %}
            -- the sample variance of phase 1, its sums replaced by their expansions from phase 2
            else
                _sv_open_1 * _sv_n1 / (_sv_n1 - 1) * (
                    {{ '_sv_fuu' ~ number if is_poisson else '(1 - _sv_open_2) * _sv_euu' ~ number }}
                    - _sv_u{{ number }} * _sv_hu{{ number }} / _sv_n1
                )
            {%- elif is_poisson %}
            else _sv_open_1 * (_sv_fuu{{ number }} - (_sv_u{{ number }} * _sv_hu{{ number }} - _sv_euu{{ number }}) / (_sv_n1 - 1))
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

_sv_cell_counts as (

    select
        *,
        -- a cell that several strata share is counted once
        row_number() over (
            partition by {{ (domain + ['_sv_cell']) | join(', ') }}
            order by case when _sv_labeled > 0 then 0 else 1 end asc, _sv_stratum asc
        ) as _sv_cell_rank,
        row_number() over (
            partition by {{ (domain + ['_sv_stratum']) | join(', ') }}
            order by case when _sv_labeled > 0 then 0 else 1 end asc, _sv_cell asc
        ) as _sv_stratum_rank
    from _sv_terms

),

_sv_domains as (

    select
        {{ domain | join(',\n        ') }},
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
        {% if auxiliaries -%}
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
        {{ 'sum(_sv_el)' if judge is not none else 'cast(0 as double)' }} as _sv_judge_expanded,
        sum(_sv_vuu0) as _sv_experts_2,
        sum(_sv_phase_1_term_0) as _sv_experts_1,
        {%- if not auxiliaries %}
        sum({{ '_sv_vuu1' if judge is none else '_sv_vjudge' }}) as _sv_open_sum_2,
        {%- endif %}
        sum(_sv_phase_1_term_1) as _sv_open_sum_1
    from _sv_cell_counts
    group by {{ domain | join(', ') }}

),
{%- if auxiliaries %}

{{ prevalence._sv_calibrated_phase_2(auxiliary_names, by, columns, domain, is_poisson) }}
{%- endif %}

_sv_spreads as (

    select
        *,
        {% if total -%}
        cast(1 as double) as _sv_b_0,
        cast(1 as double) as _sv_b,
        _sv_wyy as _sv_spread_scale,
        _sv_wyy - _sv_a * _sv_a / nullif(_sv_sum_of_weights, 0) as _sv_spread
        {%- else -%}
        _sv_expanded_x as _sv_b_0,
        {{ '_sv_expanded_x' if judge is none else '_sv_phase_1_x' }} as _sv_b,
        _sv_wyy + _sv_ratio_0 * _sv_ratio_0 * _sv_wxx as _sv_spread_scale,
        _sv_wyy - 2 * _sv_ratio_0 * _sv_wyx + _sv_ratio_0 * _sv_ratio_0 * _sv_wxx as _sv_spread
        {%- endif %}
    from {{ '_sv_calibrated_domains' if auxiliaries else '_sv_domains' }}

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
        {%- if judge is none or judge_coefficient == 'tuned' %}
        _sv_positive = 0 as _sv_is_none,
        _sv_below = 0 as _sv_is_all,
        {%- else %}
        _sv_positive + _sv_judge_positive = 0 as _sv_is_none,
        _sv_below + _sv_judge_below = 0 as _sv_is_all,
        {%- endif %}
        {% if total -%}
        _sv_a + _sv_coefficient * (_sv_judge_sum - _sv_judge_expanded)
        {%- else -%}
        _sv_ratio_1
        {%- endif %} as _sv_estimate,
        case
            {%- if lonely_psu == 'fail' %}
            when _sv_lonely_psus > 0 then null
            {%- endif %}
            when _sv_variance_1 + _sv_variance_2 < 0 then 0
            else _sv_variance_1 + _sv_variance_2
        end as _sv_variance,
        case when _sv_spread > 1e-12 * _sv_spread_scale then _sv_spread end
        * _sv_sum_of_weights / nullif(_sv_sampled - 1, 0) / nullif(_sv_b_0 * _sv_b_0, 0) as _sv_simple_variance,
        _sv_sampled - _sv_domain_cells as _sv_df
    from _sv_variances

),
{%- endif %}

{% set without = ['invalid_rows', 'no_sampled_units', 'empty_phase_2_cell', 'totals_out_of_reach'] -%}
{%- set given = "_sv_status not in ('" ~ without | join("', '") ~ "') and _sv_variance is not null" -%}
{{ prevalence._survey_figures(
    by=by,
    total=total,
    interval=interval,
    level=level,
    lonely_psu=lonely_psu,
    zero_positive_bound=zero_positive_bound,
    zero_positive_law='poisson',
    extra_status=[{'name': 'empty_phase_2_cell', 'condition': '_sv_uncovered > 0'}]
    + ([{'name': 'totals_out_of_reach', 'condition': '_sv_unfitted > 0'}] if auxiliaries else []),
    extra_columns=[
        {'name': 'phase_2_units', 'expression': 'cast(_sv_phase_2_units as bigint)'},
        {'name': 'variance_phase_1', 'expression': 'case when ' ~ given ~ ' then _sv_variance_1 end'},
        {'name': 'variance_phase_2', 'expression': 'case when ' ~ given ~ ' then _sv_variance_2 end'},
        {'name': 'judge_coefficient', 'expression': ('case when ' ~ given ~ ' then _sv_coefficient end') if judge is not none else 'cast(null as double)'},
        {
            'name': 'judge_estimate',
            'expression': ('_sv_judge_sum' if total else '_sv_judge_sum / nullif(_sv_judged_x, 0)')
            if judge is not none else 'cast(null as double)'
        },
        {
            'name': 'gain',
            'expression': ('case when ' ~ given ~ ' then _sv_experts_variance / nullif(_sv_variance, 0) end')
            if judge is not none else 'cast(null as double)'
        }
    ]
) }}
{%- endmacro %}

{% macro _check_survey_two_phase_estimates(
    y, x, judge, phase_1_weight, phase_1_stratum, phase_1_population, phase_2_design, phase_2_stratum,
    phase_2_probability, phase_2_sampled, judge_coefficient, by, total, interval, level, lonely_psu, phase_1_design,
    phase_1_probability, phase_1_variance, phase_2_auxiliaries, zero_positive_bound
) -%}
    {%- set name = 'survey_two_phase_estimates' -%}
    {{- prevalence._check_choice(name, 'phase_1_design', phase_1_design, ['stratified', 'poisson']) -}}
    {{- prevalence._check_choice(name, 'phase_2_design', phase_2_design, ['stratified', 'poisson', 'independent']) -}}
    {%- set required = {'y': y, 'x': x} -%}
    {%- if phase_2_design == 'independent' -%}
        {%- do required.update({'judge': judge}) -%}
    {%- else -%}
        {%- do required.update({'phase_1_weight': phase_1_weight}) -%}
    {%- endif -%}
    {%- for argument, value in required.items() -%}
        {{- prevalence._check_expression(name, argument, value, required=true) -}}
    {%- endfor -%}
    {%- set optional = {
        'judge': judge, 'phase_1_weight': phase_1_weight, 'phase_1_stratum': phase_1_stratum,
        'phase_1_population': phase_1_population, 'phase_1_probability': phase_1_probability,
        'phase_2_stratum': phase_2_stratum, 'phase_2_probability': phase_2_probability,
        'phase_2_sampled': phase_2_sampled
    } -%}
    {%- for argument, value in optional.items() -%}
        {{- prevalence._check_expression(name, argument, value) -}}
    {%- endfor -%}
    {%- set of_designs = {
        'phase_1_design': {
            'stratified': ['phase_1_stratum', 'phase_1_population'],
            'poisson': ['phase_1_probability']
        },
        'phase_2_design': {
            'stratified': ['phase_2_stratum'],
            'poisson': ['phase_2_probability'],
            'independent': []
        }
    } -%}
    {%- for argument, design in [('phase_1_design', phase_1_design), ('phase_2_design', phase_2_design)] -%}
        {%- set unwanted = [] -%}
        {%- for owner, arguments in of_designs[argument].items() if owner != design -%}
            {%- for other in arguments if optional[other] is not none -%}
                {%- do unwanted.append(other) -%}
            {%- endfor -%}
        {%- endfor -%}
        {{- prevalence._check_not_given(name, argument, design, unwanted, of_designs[argument][design]) -}}
    {%- endfor -%}
    {%- for phase, design in [(1, phase_1_design), (2, phase_2_design)] if design == 'poisson' -%}
        {%- if optional['phase_' ~ phase ~ '_probability'] is none -%}
            {{ prevalence._refuse(
                name, "phase_" ~ phase ~ "_design 'poisson' requires phase_" ~ phase ~ "_probability; received none"
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {{- prevalence._check_choice(name, 'phase_1_variance', phase_1_variance, ['unbiased', 'plug_in']) -}}
    {%- if phase_1_design == 'poisson' and phase_1_variance != 'unbiased' -%}
        {{ prevalence._refuse(name, "phase_1_design 'poisson' takes phase_1_variance unbiased; received plug_in") }}
    {%- endif -%}
    {%- if phase_2_auxiliaries is not none -%}
        {%- if phase_2_auxiliaries is string or phase_2_auxiliaries is mapping or phase_2_auxiliaries is not sequence
            or phase_2_auxiliaries | length == 0 -%}
            {{ prevalence._refuse(
                name, "phase_2_auxiliaries must be a list of SQL expressions, such as ['1.0', 'score']; received '"
                ~ phase_2_auxiliaries ~ "'"
            ) }}
        {%- endif -%}
        {%- for expression in phase_2_auxiliaries -%}
            {{- prevalence._check_expression(name, 'phase_2_auxiliaries', expression, required=true) -}}
        {%- endfor -%}
        {%- if judge is not none -%}
            {{ prevalence._refuse(
                name, "phase_2_auxiliaries takes the judge's answer as one of its expressions; received judge as well"
            ) }}
        {%- endif -%}
    {%- endif -%}
    {%- if judge_coefficient != 'tuned' and (judge_coefficient is not number or judge_coefficient is boolean) -%}
        {{ prevalence._refuse(
            name, "judge_coefficient must be 'tuned' or a number; received '" ~ judge_coefficient ~ "'"
        ) }}
    {%- elif judge is none and judge_coefficient != 'tuned' -%}
        {{ prevalence._refuse(name, "judge_coefficient belongs to judge; received " ~ judge_coefficient ~ " and no judge") }}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'total', total) -}}
    {%- if phase_2_design == 'independent' -%}
        {%- for argument, value, only in [
            ('total', total, false), ('phase_1_design', phase_1_design, 'stratified'),
            ('phase_1_stratum', phase_1_stratum, none), ('phase_1_population', phase_1_population, none),
            ('phase_1_variance', phase_1_variance, 'unbiased'), ('phase_2_auxiliaries', phase_2_auxiliaries, none)
        ] if value != only -%}
            {{- prevalence._check_not_given(
                name, 'phase_2_design', phase_2_design, [argument], ['judge', 'phase_1_weight', 'phase_2_sampled']
            ) -}}
        {%- endfor -%}
    {%- endif -%}
    {{- prevalence._check_choice(name, 'interval', interval, prevalence._interval_kinds().keys() | list) -}}
    {{- prevalence._check_level(name, level) -}}
    {{- prevalence._check_choice(name, 'lonely_psu', lonely_psu, ['fail', 'remove', 'certainty']) -}}
    {{- prevalence._check_choice(
        name, 'zero_positive_bound', zero_positive_bound, ['clopper_pearson', 'max_weight']
    ) -}}
    {{- prevalence._check_by(
        name, by, prevalence._result_columns() + [
            'phase_2_units', 'variance_phase_1', 'variance_phase_2', 'judge_coefficient', 'judge_estimate', 'gain'
        ]
    ) -}}
{%- endmacro %}
