{#- CTEs _sv_domains, _sv_spreads and _sv_moments, made of _sv_terms: strata added up to domains, in the names that
_survey_figures works on.

`spec`: _survey_estimates_spec.sql
-#}
{% macro _survey_estimates_moments(spec) -%}
_sv_domains as (

    select
        {{ spec.domain | join(',\n        ') }},
        {{ prevalence._sv_carried_sums(spec.carried, false) }}
        {%- if spec.with_maximum %}
        greatest(
            max(_sv_b_maximum),
            {{ 'max(_sv_frame_maximum)' if 'frame_maximum' in spec.carried else 'cast(0 as double)' }}
        ) as _sv_maximum,
        {%- endif %}
        {%- if spec.with_positives %}
        sum(_sv_a2) as _sv_a2,
        sum(_sv_a4) as _sv_a4,
        {%- endif %}
        {%- if spec.with_counted %}
        {{- prevalence._sv_counted_sums() }}
        {%- endif %}
        sum(_sv_a) as _sv_a,
        sum(_sv_b) as _sv_b,
        {%- if spec.with_stratum_check %}
        sum(_sv_population_invalid_rows) as _sv_population_invalid_rows,
        {%- endif %}
        {%- if spec.ssu is not none %}
        sum(_sv_ssu_invalid_rows) as _sv_ssu_invalid_rows,
        {%- endif %}
        {%- if spec.psus_have_probabilities %}
        sum(_sv_probability_invalid_rows) as _sv_probability_invalid_rows,
        {%- endif %}
        sum(_sv_domain_psus) as _sv_domain_psus,
        sum(_sv_in_domain) as _sv_domain_strata,
        sum(_sv_lonely * _sv_in_domain) as _sv_lonely_psus,
        {%- if spec.ssu is not none %}
        sum(_sv_ssu_lonely * _sv_in_domain) as _sv_lonely_ssus,
        min(case when _sv_in_domain = 1 then _sv_census * _sv_ssu_census end) as _sv_census,
        {%- else %}
        cast(0 as bigint) as _sv_lonely_ssus,
        min(case when _sv_in_domain = 1 then _sv_census end) as _sv_census,
        {%- endif %}
        sum(case when _sv_in_domain = 1 then _sv_term end)
        {%- if spec.ssu is not none %}
        + sum(case when _sv_in_domain = 1 then _sv_ssu_term end)
        {%- endif %} as _sv_terms
    from {{ '_sv_counted_terms' if spec.with_counted else '_sv_terms' }}
    group by {{ spec.domain | join(', ') }}

),

_sv_spreads as (

    {%- set sum_w = '_sv_w' if 'w' in spec.carried else '_sv_b' %}
    select
        *,
        {%- set wyx, wxx = ('_sv_a', '_sv_b') if spec.unit_x else ('_sv_wyx', '_sv_wxx') %}
        {{ prevalence._sv_spread_columns(spec.total, '_sv_a / nullif(_sv_b, 0)', sum_w, wyx, wxx) }},
        {{ prevalence._sv_terms_under_rule(
            spec.lonely_psu, '_sv_terms', '_sv_domain_strata',
            '_sv_lonely_psus' if spec.lonely_psu == 'average' else '_sv_lonely_psus + _sv_lonely_ssus'
        ) }} as _sv_all_terms
    from _sv_domains

),

_sv_moments as (

    -- the names that the last steps, shared by all estimators, work on
    select
        {{ spec.domain | join(',\n        ') }},
        _sv_rows,
        _sv_labeled as _sv_sampled,
        _sv_positive,
        {%- if spec.total %}
        1 as _sv_not_share,
        false as _sv_is_none,
        false as _sv_is_all,
        {%- else %}
        case when _sv_shortfall = 2 then 1 else 0 end as _sv_not_share,
        _sv_positive = 0 as _sv_is_none,
        coalesce(_sv_shortfall, 0) = 0 as _sv_is_all,
        {%- endif %}
        {{ sum_w }} as _sv_sum_of_weights,
        {{ '_sv_a2' if spec.with_positives else 'cast(null as double) as _sv_a2' }},
        {{ '_sv_a4' if spec.with_positives else 'cast(null as double) as _sv_a4' }},
        {{ '_sv_maximum' if spec.with_maximum else 'cast(null as double) as _sv_maximum' }},
        _sv_b,
        {%- if spec.with_missed %}
        _sv_certain / nullif(_sv_b, 0) as _sv_certain_share,
        {% if 'missed' in spec.carried -%}
        coalesce(_sv_missed / nullif(_sv_with_missed, 0), _sv_maximum)
        {%- else -%}
        _sv_maximum
        {%- endif %} / nullif(_sv_b, 0) as _sv_missed_share,
        {%- endif %}
        {%- if spec.with_counted %}
        {{ prevalence._sv_counted_columns(
            spec.total, '_sv_b', counted='_sv_found',
            missed='_sv_missed / nullif(_sv_with_missed, 0)' if 'missed' in spec.carried else none,
            frame_maximum='_sv_frame_maximum' if 'frame_maximum' in spec.carried else none,
            grows=spec.interval == 'counted_growing'
        ) }}
        {{ 'cast(_sv_domain_psus - _sv_domain_strata as double)'
            if spec.psu is not none and not spec.is_coordinated else "cast('infinity' as double)" }} as _sv_event_df,
        case when _sv_shortfall < {{ 3 if spec.total else 2 }} then 1 else 0 end as _sv_countable,
        {%- endif %}
        least(
            _sv_rows,
            _sv_invalid
            {%- if spec.with_stratum_check %} + _sv_population_invalid_rows{% endif %}
            {%- if spec.ssu is not none %} + _sv_ssu_invalid_rows{% endif %}
            {%- if spec.psus_have_probabilities %} + _sv_probability_invalid_rows{% endif %}
        ) as _sv_invalid,
        {{ '_sv_a' if spec.total else '_sv_a / nullif(_sv_b, 0)' }} as _sv_estimate,
        {{ 'case when _sv_all_terms >= 0 then _sv_all_terms end' if spec.may_be_negative else '_sv_all_terms' }}
        {{- '' if spec.total else ' / nullif(_sv_b * _sv_b, 0)' }} as _sv_variance,
        {%- if spec.may_be_negative %}
        case when _sv_all_terms < 0 then 1 else 0 end as _sv_is_negative,
        {%- endif %}
        {{ prevalence._sv_simple_variance('_sv_labeled', sum_w, none if spec.total else '_sv_b') }},
        _sv_domain_psus - _sv_domain_strata as _sv_df,
        _sv_lonely_psus + _sv_lonely_ssus as _sv_lonely_psus,
        _sv_census
    from _sv_spreads

),
{%- endmacro %}
