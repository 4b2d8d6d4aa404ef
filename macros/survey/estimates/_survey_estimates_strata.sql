{#- CTEs _sv_strata and _sv_designs, made of PSUs, or of _sv_members where there are none: sums and moments per domain
and stratum, and beside them the stratum's design and the domain's ratio.

`spec`: _survey_estimates_spec.sql
-#}
{% macro _survey_estimates_strata(spec) -%}
_sv_strata as (

    -- `rows` of this step are PSUs; without PSUs they are the sampled units themselves
    select
        {{ spec.domain | join(',\n        ') }},
        _sv_stratum,
        cast(count(*) as double) as _sv_psus,
        cast(count(_sv_b) as double) as _sv_domain_psus,
        {%- if spec.with_maximum %}
        {%- set heaviest = '_sv_missable' if spec.with_probability and not spec.psus_have_probabilities else '_sv_b' %}
        max({{ heaviest }}) as _sv_b_maximum,
        {%- endif %}
        {%- if spec.with_positives %}
        -- what is found together counts once: over the PSUs, where there are any
        sum(case when _sv_a > 0 then power(_sv_a, 2) end) as _sv_a2,
        sum(case when _sv_a > 0 then power(_sv_a, 4) end) as _sv_a4,
        {%- endif %}
        {%- if spec.with_counted %}
        {{- prevalence._survey_estimates_counted_sums(spec) }}
        {%- endif %}
        {{ prevalence._sv_carried_sums(spec.carried, spec.psu is none) }}
        {%- if spec.population_psus is not none %}
        min(_sv_population_psus) as _sv_population_minimum,
        max({{ '_sv_population_psus' if spec.psu is none else '_sv_population_psus_maximum' }})
            as _sv_population_maximum,
        {%- endif %}
        {%- if spec.psus_have_probabilities %}
        sum(case when _sv_f - _sv_f_minimum > 1e-9 then _sv_rows else 0 end) as _sv_probability_invalid_rows,
        {%- endif %}
        {%- if spec.with_pairs %}
        sum(_sv_missing_pairs) as _sv_missing_pairs,
        {%- endif %}
        {%- if spec.population_squared_probabilities is not none %}
        min(_sv_population_squares) as _sv_population_squares,
        max({{ '_sv_population_squares' if spec.psu is none else '_sv_population_squares_maximum' }})
            as _sv_population_squares_maximum,
        {%- endif %}
        {%- if spec.design == 'pps_without_replacement' %}
        {%- if spec.variance_method == 'deville' %}
        sum(_sv_f * _sv_f) as _sv_ff,
        {%- endif %}
        {%- if spec.with_squares %}
        {%- for name, left, right in spec.pairs %}
        sum(_sv_{{ left }} * _sv_{{ right }}) as _sv_s{{ name }},
        {%- endfor %}
        {%- endif %}
        sum(_sv_f) as _sv_f,
        sum(case when _sv_b is not null then _sv_f end) as _sv_domain_f,
        sum(_sv_f * _sv_a) as _sv_fa,
        sum(_sv_f * _sv_b) as _sv_fb,
        {%- endif %}
        {%- if spec.with_probability %}
        max(_sv_f) as _sv_f_maximum,
        {%- for name, left, right in spec.pairs %}
        {% if spec.is_coordinated -%}
        sum(_sv_q{{ name }})
        {%- else -%}
        sum({{ '_sv_square_factor' if spec.with_pairs else '_sv_f' }} * _sv_{{ left }} * _sv_{{ right }})
        {%- endif %} as _sv_f{{ name }},
        {%- endfor %}
        {%- else %}
        {%- for name, left, right in spec.pairs %}
        {{ prevalence._sv_moment(left, right) }} as _sv_m{{ name }},
        {%- endfor %}
        {%- endif %}
        {%- if spec.ssu is not none %}
        sum(_sv_ssu_invalid_rows) as _sv_ssu_invalid_rows,
        min(_sv_ssu_census) as _sv_ssu_census,
        max(_sv_ssu_lonely) as _sv_ssu_lonely,
        {%- for name, left, right in spec.pairs %}
        sum(_sv_ssu_q{{ name }}) as _sv_ssu_q{{ name }},
        {%- endfor %}
        {%- endif %}
        sum(_sv_a) as _sv_a,
        sum(_sv_b) as _sv_b
    from {{ '_sv_members' if spec.psu is none
        else '_sv_two_stage_psus' if spec.ssu is not none else '_sv_paired_psus' if spec.with_pairs else '_sv_psus' }}
    group by {{ (spec.domain + ['_sv_stratum']) | join(', ') }}

),

{%- if spec.with_pairs %}

_sv_paired_strata as (

    select
        _sv_strata.*,
        _sv_pair_sums._sv_paa,
        _sv_pair_sums._sv_pab,
        _sv_pair_sums._sv_pbb
    from _sv_strata
    left join _sv_pair_sums
        on
            _sv_strata._sv_stratum = _sv_pair_sums._sv_stratum
            and {{ prevalence._sv_same(spec.domain, '_sv_strata', '_sv_pair_sums') }}

),
{%- endif %}

_sv_designs as (

    -- the stratum's design is the whole sample's, never the domain's: the row of the stratum without any domain
    select
        *,
        {{ prevalence._sv_of_design('max', '_sv_psus') }} as _sv_n,
        {%- if spec.population_psus is not none %}
        {{ prevalence._sv_of_design('max', '_sv_population_maximum') }} as _sv_population,
        {{ prevalence._sv_of_design('min', '_sv_population_minimum') }} as _sv_population_least,
        {%- endif %}
        {%- if spec.with_probability %}
        {{ prevalence._sv_of_design('max', '_sv_f_maximum') }} as _sv_f_most,
        {%- endif %}
        {%- if spec.design == 'pps_without_replacement' %}
        {{ prevalence._sv_of_design('max', '_sv_f') }} as _sv_f_design,
        {%- endif %}
        {%- if spec.variance_method == 'deville' %}
        {{ prevalence._sv_of_design('max', '_sv_ff') }} as _sv_ff_design,
        {%- endif %}
        {%- if spec.population_squared_probabilities is not none %}
        {{ prevalence._sv_of_design('max', '_sv_population_squares') }} as _sv_squares_design,
        {{ prevalence._sv_of_design('max', '_sv_population_squares_maximum') }} as _sv_squares_design_maximum,
        {%- endif %}
        {%- if spec.with_pairs %}
        {{ prevalence._sv_of_design('max', '_sv_missing_pairs') }} as _sv_incomplete_pairs,
        {%- endif %}
        {% if spec.total -%}
        cast(0 as double)
        {%- else -%}
        sum(_sv_a) over (partition by {{ spec.domain | join(', ') }})
        / nullif(sum(_sv_b) over (partition by {{ spec.domain | join(', ') }}), 0)
        {%- endif %} as _sv_ratio
    from {{ '_sv_paired_strata' if spec.with_pairs else '_sv_strata' }}

),
{%- endmacro %}
