{#- Step 4 of _learned_rates. CTEs _lr_cumulated to _lr_rates, made of _lr_corrected: rates that never fall with the score,
and their floor. -#}
{% macro _learned_rates_monotone(by) -%}
{%- set columns = by | join(', ') -%}
_lr_cumulated as (

    select
        {{ columns }},
        _lr_bin,
        _lr_labels,
        _lr_rate,
        cast(sum(_lr_labels) over (
            partition by {{ columns }} order by _lr_bin rows between unbounded preceding and current row
        ) as bigint) as _lr_labels_so_far,
        cast(sum(_lr_labels * _lr_rate) over (
            partition by {{ columns }} order by _lr_bin rows between unbounded preceding and current row
        ) as bigint) as _lr_rate_so_far
    from _lr_corrected

),

_lr_minima as (

    select
        {{ prevalence._columns_of('_lr_first', by) }},
        _lr_last._lr_bin,
        min(
            cast(
                _lr_last._lr_rate_so_far - _lr_first._lr_rate_so_far + _lr_first._lr_labels * _lr_first._lr_rate as double
            )
            / cast(_lr_last._lr_labels_so_far - _lr_first._lr_labels_so_far + _lr_first._lr_labels as double)
        ) over (
            partition by
                {{ prevalence._columns_of('_lr_first', by) }},
                _lr_first._lr_bin
            order by _lr_last._lr_bin
            rows between current row and unbounded following
        ) as _lr_smallest
    from _lr_cumulated as _lr_first
    inner join _lr_cumulated as _lr_last
        on {{ prevalence._equal_columns(by, '_lr_first', '_lr_last') }} and _lr_first._lr_bin <= _lr_last._lr_bin

),

_lr_monotone as (

    select
        {{ columns }},
        _lr_bin,
        cast(round(max(_lr_smallest)) as bigint) as _lr_rate
    from _lr_minima
    group by {{ columns }}, _lr_bin

),

_lr_rates as (

    select
        {{ prevalence._columns_of('_lr_corrected', by) }},
        _lr_corrected._lr_bin,
        _lr_corrected._lr_bucket,
        _lr_corrected._lr_labels,
        _lr_corrected._lr_weight,
        _lr_corrected._lr_weight_squares,
        _lr_corrected._lr_positives,
        _lr_corrected._lr_power,
        _lr_corrected._lr_overall,
        greatest(
            _lr_monotone._lr_rate,
            cast(round(cast(_lr_corrected._lr_overall as double) / 1000) as bigint),
            cast(1 as bigint)
        ) as _lr_rate
    from _lr_corrected
    inner join _lr_monotone
        on {{ prevalence._equal_columns(by, '_lr_corrected', '_lr_monotone') }} and _lr_corrected._lr_bin = _lr_monotone._lr_bin

)
{%- endmacro %}
