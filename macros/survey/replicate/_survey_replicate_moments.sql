{#- CTEs _sv_domains to _sv_moments, made of _sv_members: sums and estimate of each replicate in each domain, and their
spread, in the names that _survey_figures works on.

`spec`: _survey_replicate_spec.sql
-#}
{% macro _survey_replicate_moments(spec) -%}
_sv_domains as (

    select
        {{ spec.domain | join(',\n        ') }},
        count(*) as _sv_rows,
        {%- for name in spec.counts + spec.sums %}
        sum(_sv_{{ name }}) as _sv_{{ name }},
        {%- endfor %}
        {%- if spec.degrees_of_freedom is none %}
        matrix_rank(1, array_agg(distinct _sv_pattern) filter (where _sv_labeled = 1)) - 1 as _sv_df,
        {%- endif %}
        {%- for number in spec.used %}
        {% if spec.total -%}
        sum(_sv_a_{{ number }})
        {%- else -%}
        sum(_sv_a_{{ number }}) / nullif(sum(_sv_b_{{ number }}), 0)
        {%- endif %} as _sv_estimate_{{ number }},
        {%- endfor %}
        max(_sv_b) as _sv_maximum
    from _sv_members
    group by {{ spec.domain | join(', ') }}

),

_sv_centres as (

    select
        *,
        {{ '_sv_a' if spec.total else '_sv_a / nullif(_sv_b, 0)' }} as _sv_estimate,
        {%- if not spec.mse %}
        (
            {%- for number in spec.used %}
            {{ '+ ' if not loop.first }}_sv_estimate_{{ number }}
            {%- endfor %}
        ) / {{ spec.used | length }} as _sv_centre,
        {%- endif %}
        {{ prevalence._sv_spread_columns(spec.total, '_sv_a / nullif(_sv_b, 0)', weights='_sv_w') }}
    from _sv_domains

),

_sv_replicated as (

    -- null as soon as one replicate has no estimate: without it the others would promise too much
    select
        *,
        cast({{ spec.scale }} as double) * (
            {%- for number in spec.used %}
            {{ '+ ' if not loop.first }}{{ spec.scales[number - 1] }}
            * power(_sv_estimate_{{ number }} - {{ '_sv_estimate' if spec.mse else '_sv_centre' }}, 2)
            {%- endfor %}
        ) as _sv_replicate_variance,
        cast({{ spec.scale }} as double) * (
            {%- for number in spec.used %}
            {{ '+ ' if not loop.first }}{{ spec.scales[number - 1] }} * power(_sv_estimate_{{ number }}, 2)
            {%- endfor %}
        ) as _sv_replicate_scale
    from _sv_centres

),

_sv_moments as (

    -- the names that the last steps, shared by all estimators, work on
    select
        {{ spec.domain | join(',\n        ') }},
        _sv_rows,
        _sv_labeled as _sv_sampled,
        _sv_positive,
        _sv_not_share,
        {{- prevalence._sv_extremes() }}
        _sv_w as _sv_sum_of_weights,
        _sv_a2,
        _sv_a4,
        _sv_maximum,
        _sv_b,
        _sv_invalid,
        _sv_estimate,
        -- replicates that differ by less than 1e-12 differ by rounding
        case
            when _sv_replicate_variance <= 1e-24 * _sv_replicate_scale then 0
            else _sv_replicate_variance
        end as _sv_variance,
        {{ prevalence._sv_simple_variance('_sv_labeled', '_sv_w', none if spec.total else '_sv_b') }},
        {%- if spec.degrees_of_freedom is none %}
        _sv_df,
        {%- else %}
        cast({{ spec.degrees_of_freedom }} as double) as _sv_df,
        {%- endif %}
        cast(0 as bigint) as _sv_lonely_psus,
        0 as _sv_census
    from _sv_replicated

),
{%- endmacro %}
