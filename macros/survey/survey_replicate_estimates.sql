{#- Estimates with the variance that replicate weights carry: jackknife, balanced repeated replication, Fay, bootstraps.

Each replicate weight gives an estimate of its own; the variance is scale * sum of r_k (theta_k - centre)^2. All sums are
taken in one scan: two per replicate and domain. The degrees of freedom are the rank of the matrix of weights in the
domain, less one, as in R's survey; the rank is that of the distinct patterns weight_k / weight, of which a sample has
about as many as PSUs.

Arguments, columns, statuses and null rules: macros/_macros.yml.

Usage:
    {{ prevalence.survey_replicate_estimates(
        relation=ref('labels_with_replicates'), y='is_violating', replicate_weights=['rw_1', 'rw_2', 'rw_3', 'rw_4'],
        scale=0.25, by=[[], ['country']]
    ) }}
-#}
{% macro survey_replicate_estimates(
    relation,
    y,
    x='1.0',
    weight='design_weight',
    replicate_weights=none,
    scale=none,
    rscales=none,
    mse=false,
    degrees_of_freedom=none,
    by=[[]],
    total=false,
    interval='korn_graubard',
    level=0.95,
    zero_positive_bound='clopper_pearson'
) -%}
{{ prevalence._check_survey_replicate_estimates(
    y, x, weight, replicate_weights, scale, rscales, mse, degrees_of_freedom, by, total, interval, level,
    zero_positive_bound
) -}}
{%- set columns = prevalence._by_columns(by) -%}
{%- set domain = ['_sv_set'] + prevalence._sv_keys(columns) -%}
{%- set replicates = range(1, replicate_weights | length + 1) | list -%}
{%- set scales = rscales if rscales is not none else [1] * (replicate_weights | length) -%}
{#- a replicate with scale 0 enters neither the centre nor the variance -#}
{%- set used = [] -%}
{%- for number in replicates if scales[number - 1] > 0 -%}
    {%- do used.append(number) -%}
{%- endfor -%}
{%- set counts = ['labeled', 'positive', 'below', 'not_share', 'invalid'] -%}
{%- set sums = ['w', 'a', 'b', 'wyy', 'wyx', 'wxx', 'a2', 'a4'] -%}
with

_sv_source as (

    select
        {%- for column in columns %}
        {{ column }} as _sv_value_{{ loop.index }},
        {%- endfor %}
        {%- for expression in replicate_weights %}
        cast(({{ expression }}) as double) as _sv_r{{ loop.index }},
        {%- endfor %}
        cast(({{ y }}) as double) as _sv_y,
        cast(({{ x }}) as double) as _sv_x,
        cast(({{ weight }}) as double) as _sv_w
    from {{ relation }}

),

_sv_values as (

    -- a row without y is outside the domain of labeled units: it is counted, and adds to no sum
    select
        {%- for column in columns %}
        _sv_value_{{ loop.index }},
        {%- endfor %}
        {%- for number in used %}
        _sv_r{{ number }} * _sv_y as _sv_a_{{ number }},
        {%- if not total %}
        case when _sv_y is not null then _sv_r{{ number }} * _sv_x end as _sv_b_{{ number }},
        {%- endif %}
        {%- endfor %}
        {%- if degrees_of_freedom is none %}
        {%- set factors = [] %}
        {%- for number in replicates %}
        {%- do factors.append('round(_sv_r' ~ number ~ ' / nullif(_sv_w, 0), 6)') %}
        {%- endfor %}
        {{ prevalence._array(factors) | trim }} as _sv_pattern,
        {%- endif %}
        _sv_w * _sv_y as _sv_a,
        case when _sv_y is not null then _sv_w * _sv_x end as _sv_b,
        case when _sv_y is not null then _sv_w end as _sv_w,
        _sv_w * _sv_y * _sv_y as _sv_wyy,
        _sv_w * _sv_y * _sv_x as _sv_wyx,
        case when _sv_y is not null then _sv_w * _sv_x * _sv_x end as _sv_wxx,
        case when _sv_y > 0 then power(_sv_w * _sv_y, 2) end as _sv_a2,
        case when _sv_y > 0 then power(_sv_w * _sv_y, 4) end as _sv_a4,
        case when _sv_y is not null then 1 else 0 end as _sv_labeled,
        case when _sv_y > 0 then 1 else 0 end as _sv_positive,
        case when _sv_y < _sv_x then 1 else 0 end as _sv_below,
        case when _sv_y < 0 or _sv_y > _sv_x then 1 else 0 end as _sv_not_share,
        case
            when
                {{ prevalence._is_finite('_sv_w') }}
                and _sv_w > 0
                and {{ prevalence._is_finite('_sv_x') }}
                and (_sv_y is null or {{ prevalence._is_finite('_sv_y') }})
                {%- for number in replicates %}
                and {{ prevalence._is_finite('_sv_r' ~ number) | trim }}
                {%- endfor %}
                then 0
            else 1
        end as _sv_invalid
    from _sv_source

),

{{ prevalence._sv_members('_sv_values', by, columns) }}

_sv_domains as (

    select
        {{ domain | join(',\n        ') }},
        count(*) as _sv_rows,
        {%- for name in counts + sums %}
        sum(_sv_{{ name }}) as _sv_{{ name }},
        {%- endfor %}
        {%- if degrees_of_freedom is none %}
        matrix_rank(1, array_agg(distinct _sv_pattern) filter (where _sv_labeled = 1)) - 1 as _sv_df,
        {%- endif %}
        {%- for number in used %}
        {% if total -%}
        sum(_sv_a_{{ number }})
        {%- else -%}
        sum(_sv_a_{{ number }}) / nullif(sum(_sv_b_{{ number }}), 0)
        {%- endif %} as _sv_estimate_{{ number }},
        {%- endfor %}
        max(_sv_b) as _sv_maximum
    from _sv_members
    group by {{ domain | join(', ') }}

),

_sv_centres as (

    select
        *,
        {{ '_sv_a' if total else '_sv_a / nullif(_sv_b, 0)' }} as _sv_estimate,
        {%- if not mse %}
        (
            {%- for number in used %}
            {{ '+ ' if not loop.first }}_sv_estimate_{{ number }}
            {%- endfor %}
        ) / {{ used | length }} as _sv_centre,
        {%- endif %}
        {%- if total %}
        _sv_wyy as _sv_spread_scale,
        _sv_wyy - _sv_a * _sv_a / nullif(_sv_w, 0) as _sv_spread
        {%- else %}
        _sv_wyy + power(_sv_a / nullif(_sv_b, 0), 2) * _sv_wxx as _sv_spread_scale,
        _sv_wyy - 2 * _sv_a / nullif(_sv_b, 0) * _sv_wyx + power(_sv_a / nullif(_sv_b, 0), 2) * _sv_wxx as _sv_spread
        {%- endif %}
    from _sv_domains

),

_sv_replicated as (

    -- null as soon as one replicate has no estimate: without it the others would promise too much
    select
        *,
        cast({{ scale }} as double) * (
            {%- for number in used %}
            {{ '+ ' if not loop.first }}{{ scales[number - 1] }}
            * power(_sv_estimate_{{ number }} - {{ '_sv_estimate' if mse else '_sv_centre' }}, 2)
            {%- endfor %}
        ) as _sv_replicate_variance,
        cast({{ scale }} as double) * (
            {%- for number in used %}
            {{ '+ ' if not loop.first }}{{ scales[number - 1] }} * power(_sv_estimate_{{ number }}, 2)
            {%- endfor %}
        ) as _sv_replicate_scale
    from _sv_centres

),

_sv_moments as (

    -- the names that the last steps, shared by all estimators, work on
    select
        {{ domain | join(',\n        ') }},
        _sv_rows,
        _sv_labeled as _sv_sampled,
        _sv_positive,
        _sv_not_share,
        _sv_positive = 0 as _sv_is_none,
        _sv_below = 0 as _sv_is_all,
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
        case when _sv_spread > 1e-12 * _sv_spread_scale then _sv_spread end
        * _sv_w / nullif(_sv_labeled - 1, 0){{ '' if total else ' / nullif(_sv_b * _sv_b, 0)' }} as _sv_simple_variance,
        {{ '_sv_df' if degrees_of_freedom is none else 'cast(' ~ degrees_of_freedom ~ ' as double) as _sv_df' }},
        cast(0 as bigint) as _sv_lonely_psus,
        0 as _sv_census
    from _sv_replicated

),

{{ prevalence._survey_figures(
    by=by,
    total=total,
    interval=interval,
    level=level,
    lonely_psu='remove',
    zero_positive_bound=zero_positive_bound,
    zero_positive_law='with_replacement',
    extra_status={
        'name': 'undefined_replicates', 'condition': '_sv_estimate is not null and _sv_variance is null', 'keeps_estimate': true
    }
) }}
{%- endmacro %}

{% macro _check_survey_replicate_estimates(
    y, x, weight, replicate_weights, scale, rscales, mse, degrees_of_freedom, by, total, interval, level,
    zero_positive_bound
) -%}
    {%- set name = 'survey_replicate_estimates' -%}
    {{- prevalence._check_expression(name, 'y', y, required=true) -}}
    {{- prevalence._check_expression(name, 'x', x, required=true) -}}
    {{- prevalence._check_expression(name, 'weight', weight, required=true) -}}
    {%- if replicate_weights is string or replicate_weights is mapping or replicate_weights is not sequence
        or replicate_weights | length < 2 -%}
        {{ prevalence._refuse(
            name, "replicate_weights must be a list of two or more SQL expressions, such as ['rw_1', 'rw_2']; received '"
            ~ replicate_weights ~ "'"
        ) }}
    {%- endif -%}
    {%- for expression in replicate_weights -%}
        {{- prevalence._check_expression(name, 'replicate_weights', expression, required=true) -}}
    {%- endfor -%}
    {%- if scale is not number or scale is boolean or not 0 < scale -%}
        {{ prevalence._refuse(
            name, "scale must be a positive number, such as 1 / R for BRR of R replicates; received '" ~ scale ~ "'"
        ) }}
    {%- endif -%}
    {%- if rscales is not none -%}
        {%- if rscales is string or rscales is mapping or rscales is not sequence
            or rscales | length != replicate_weights | length -%}
            {{ prevalence._refuse(
                name, "rscales must be a list of " ~ replicate_weights | length ~ " numbers, one for each of "
                ~ "replicate_weights; received '" ~ rscales ~ "'"
            ) }}
        {%- endif -%}
        {%- for value in rscales -%}
            {%- if value is not number or value is boolean or not 0 <= value -%}
                {{ prevalence._refuse(name, "rscales must hold numbers of 0 or more; received '" ~ value ~ "'") }}
            {%- endif -%}
        {%- endfor -%}
        {%- if rscales | max <= 0 -%}
            {{ prevalence._refuse(name, "rscales must hold a number above 0; received '" ~ rscales ~ "'") }}
        {%- endif -%}
    {%- endif -%}
    {%- if degrees_of_freedom is not none
        and (degrees_of_freedom is not number or degrees_of_freedom is boolean or not 0 < degrees_of_freedom) -%}
        {{ prevalence._refuse(
            name, "degrees_of_freedom must be a positive number, or none for the rank of the weights less one; received '"
            ~ degrees_of_freedom ~ "'"
        ) }}
    {%- endif -%}
    {{- prevalence._check_boolean(name, 'mse', mse) -}}
    {{- prevalence._check_boolean(name, 'total', total) -}}
    {{- prevalence._check_choice(name, 'interval', interval, prevalence._interval_kinds().keys() | list) -}}
    {{- prevalence._check_level(name, level) -}}
    {{- prevalence._check_choice(
        name, 'zero_positive_bound', zero_positive_bound, ['clopper_pearson', 'max_weight']
    ) -}}
    {{- prevalence._check_by(name, by, prevalence._result_columns()) -}}
{%- endmacro %}
