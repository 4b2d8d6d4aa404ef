{#- The last steps of every estimation macro: from moments per domain to figures, interval and status.

Reads the CTE _sv_moments (grain: grouping set and by columns) with _sv_rows, _sv_sampled, _sv_positive, _sv_not_share,
_sv_is_none, _sv_is_all (no row with y > 0, none with y < x), _sv_sum_of_weights, _sv_a2, _sv_a4 (sums of squares and of
fourth powers of the positive rows' w y), _sv_maximum (largest w x), _sv_b (sum w x), _sv_invalid, _sv_estimate,
_sv_variance, _sv_simple_variance, _sv_df, _sv_lonely_psus, _sv_census. The functions of python_udfs turn the sums into
bounds.

`spec` has columns, by, total, interval, level, lonely_psu and zero_positive_bound. `zero_positive_law` is how units are
drawn: with_replacement or poisson. `extra_status` is a reason to give no figure, after no_sampled_units, or a list of
such: its name and its condition; one that `keeps_estimate` withholds the interval alone.
-#}
{% macro _survey_figures(spec, zero_positive_law, extra_columns=[], extra_status=none) -%}
{%- set alpha = 'cast(' ~ (1 - spec.level) ~ ' as double)' -%}
{#- gamma is for events that are rare: shares up to a tenth, and from nine tenths -#}
{%- set kinds = [spec.interval] + (['korn_graubard_positives'] if spec.interval == 'gamma' else []) -%}
{#- a share of which nothing or everything is positive is 0 or 1, whatever its rounding -#}
{%- set degenerate = '_sv_estimate' if spec.total
    else 'case when _sv_is_none then 0 when _sv_is_all then 1 else _sv_estimate end' -%}
{#- what a total, or a ratio that is not a share, gets -#}
{%- set wald = 'wald_z' if spec.interval == 'wald_z' else 'wald_t' -%}
{%- set reasons = [] if extra_status is none else [extra_status] if extra_status is mapping else extra_status -%}
_sv_figures as (

    select
        *,
        sqrt(_sv_variance) as _sv_std_error,
        _sv_a2 * _sv_a2 / nullif(_sv_a4, 0) as _sv_effective_positives,
        {{ 'false' if spec.total else '_sv_not_share = 0' }} as _sv_is_share,
        {{ 'false' if spec.total else '_sv_not_share = 0 and (_sv_is_none or _sv_is_all)' }} as _sv_is_degenerate,
        case
            when _sv_invalid > 0 then 'invalid_rows'
            when _sv_sampled = 0 then 'no_sampled_units'
            {%- for reason in reasons %}
            when {{ reason.condition }} then '{{ reason.name }}'
            {%- endfor %}
            {%- if not spec.total %}
            when _sv_estimate is null then 'zero_denominator'
            {%- endif %}
            {%- if spec.lonely_psu == 'fail' %}
            when _sv_lonely_psus > 0 then 'lonely_psu'
            {%- endif %}
            when _sv_df <= 0 then 'no_degrees_of_freedom'
            {%- if not spec.total %}
            when _sv_not_share = 0 and (_sv_is_none or _sv_is_all) then 'degenerate_proportion'
            {%- endif %}
            when _sv_census = 1 then 'census'
            {%- if spec.interval in prevalence._counted_kinds() %}
            -- nothing varies where all was found in a census or nothing in a sample, and yet some may have been missed
            when _sv_variance = 0 and (_sv_countable = 0 or _sv_open_count = 1) then 'zero_variance'
            {%- else %}
            when _sv_variance = 0 then 'zero_variance'
            {%- endif %}
            else 'ok'
        end as _sv_status
    from _sv_moments

),

_sv_sized as (

    select
        *,
        case
            when _sv_is_share and _sv_estimate > 0 and _sv_estimate < 1
                then _sv_estimate * (1 - _sv_estimate) / nullif(_sv_variance, 0)
        end as _sv_effective_n,
        least(_sv_df, 2 * coalesce(_sv_effective_positives, 0)) as _sv_positives_df,
        {%- if zero_positive_law == 'poisson' %}
        -- the units that violate were all missed with probability at least alpha / 2 only if the sum of their
        -- inclusion probabilities is at most ln(2 / alpha), and the exposure of each is at most the largest w x as often
        least(1, _sv_maximum / nullif(_sv_b, 0) * ln(2 / {{ alpha }})) as _sv_weight_bound
        {%- else %}
        -- (1 - q)^n >= alpha / 2, where q is the probability that a draw meets a violating unit
        least(
            1,
            _sv_sampled * _sv_maximum / nullif(_sv_b, 0)
            * (1 - power({{ alpha }} / 2, cast(1 as double) / nullif(_sv_sampled, 0)))
        ) as _sv_weight_bound
        {%- endif %}
    from _sv_figures

),

_sv_methods as (

    select
        *,
        case
            {%- if spec.interval in prevalence._counted_kinds() %}
            when _sv_status in ('ok', 'degenerate_proportion') and _sv_countable = 1 then '{{ spec.interval }}'
            {%- endif %}
            when _sv_status = 'degenerate_proportion'
                then '{{ 'clopper_pearson' if spec.zero_positive_bound == 'clopper_pearson' else 'max_weight_bound' }}'
            when _sv_status = 'census' then 'census'
            {%- if spec.interval == 'gamma' %}
            when
                _sv_status = 'ok' and _sv_is_share and _sv_effective_n is not null
                and _sv_estimate > 0.1 and _sv_estimate < 0.9
                then 'korn_graubard_positives'
            {%- endif %}
            when _sv_status = 'ok' and _sv_is_share and _sv_effective_n is not null then '{{ spec.interval }}'
            when _sv_status = 'ok' then '{{ wald }}'
        end as _sv_method
    from _sv_sized

),

_sv_bounds as (

    select
        *,
        {%- for side in ['lower', 'upper'] %}
        case
            when _sv_method = 'census' then _sv_estimate
            {%- if not spec.total and spec.interval not in prevalence._counted_kinds() %}
            when _sv_status = 'degenerate_proportion'
                then
                    {% if spec.zero_positive_bound == 'max_weight' -%}
                    {% if side == 'lower' -%}
                    case when _sv_is_none then 0 else 1 - _sv_weight_bound end
                    {%- else -%}
                    case when _sv_is_none then _sv_weight_bound else 1 end
                    {%- endif %}
                    {%- else -%}
                    clopper_pearson_{{ side }}(
                        case when _sv_is_none then cast(0 as double) else cast(_sv_sampled as double) end,
                        cast(_sv_sampled as double),
                        {{ alpha }}
                    )
                    {%- endif %}
            {%- endif %}
            {%- for kind in kinds
                if (not spec.total or kind in prevalence._counted_kinds()) and spec.interval != wald %}
            when _sv_method = '{{ kind }}'
                then
                    {% if kind == 'clopper_pearson' -%}
                    clopper_pearson_{{ side }}(
                        _sv_estimate * cast(_sv_sampled as double), cast(_sv_sampled as double), {{ alpha }}
                    )
                    {%- else -%}
                    {{ prevalence._interval_function(kind) }}_{{ side }}(
                        {{ degenerate if kind in prevalence._counted_kinds() else '_sv_estimate' }},
                        {%- set arguments = prevalence._interval_kinds(['gamma'] + prevalence._counted_kinds())[kind] %}
                        {%- for argument in (arguments[side] if arguments is mapping else arguments) %}
                        cast({{ argument }} as double),
                        {%- endfor %}
                        {{ alpha }}
                    )
                    {%- endif %}
            {%- endfor %}
            when _sv_method = '{{ wald }}'
                then
                    {{ wald }}_{{ side }}(
                        _sv_estimate,
                        {%- for argument in prevalence._interval_kinds()[wald] %}
                        cast({{ argument }} as double),
                        {%- endfor %}
                        {{ alpha }}
                    )
        end as _sv_{{ side }}{{ ',' if not loop.last }}
        {%- endfor %}
    from _sv_methods

),

_sv_final as (

    select
        {%- for column in spec.columns %}
        _sv_by_{{ loop.index }} as {{ column }},
        {%- endfor %}
        {%- set without = ['invalid_rows', 'no_sampled_units'] %}
        {%- for reason in reasons if not reason.keeps_estimate %}
        {%- do without.append(reason.name) %}
        {%- endfor %}
        {%- set given = "_sv_status not in ('" ~ without | join("', '") ~ "')" %}
        case
            when _sv_is_degenerate and {{ given }} and _sv_estimate is not null
                then case when _sv_is_none then cast(0 as double) else cast(1 as double) end
            when {{ given }} then _sv_estimate
        end as estimate,
        {%- for name, expression in [('variance', '_sv_variance'), ('std_error', '_sv_std_error')] %}
        case
            when _sv_is_degenerate and {{ given }} and _sv_variance is not null then cast(0 as double)
            when {{ given }} then {{ expression }}
        end as {{ name }},
        {%- endfor %}
        case when {{ given }} then cast(_sv_df as double) end as degrees_of_freedom,
        cast(_sv_sampled as bigint) as sampled_units,
        cast(_sv_positive as bigint) as positive_units,
        cast(_sv_rows - _sv_sampled as bigint) as unlabeled_units,
        case when {{ given }} then _sv_sum_of_weights end as sum_of_weights,
        case when {{ given }} then _sv_effective_n end as effective_n,
        case when {{ given }} and not _sv_is_degenerate then _sv_variance / nullif(_sv_simple_variance, 0) end
            as design_effect,
        _sv_lower as interval_lower,
        _sv_upper as interval_upper,
        _sv_method as interval_method,
        cast({{ spec.level }} as double) as interval_level,
        cast(_sv_lonely_psus as bigint) as lonely_psus,
        cast(_sv_invalid as bigint) as invalid_rows,
        {{ prevalence._sv_grouping_set(spec.by) }} as grouping_set,
        _sv_status as status
        {%- for column in extra_columns %},
        {{ column.expression }} as {{ column.name }}
        {%- endfor %}
    from _sv_bounds
    {%- if [] not in spec.by %}
    where _sv_set > 0
    {%- endif %}

)

select * from _sv_final
{%- endmacro %}
