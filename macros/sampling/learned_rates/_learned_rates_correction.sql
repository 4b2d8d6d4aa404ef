{#- Step 3 of _learned_rates. CTEs _lr_foreseen to _lr_corrected, made of _lr_curves and _lr_totals: the curve corrected in
ten groups of bins, and in each bin, where many positives were found. -#}
{% macro _learned_rates_correction(by) -%}
{%- set columns = by | join(', ') -%}
-- what the curve foresees of each label, in millionths of a positive
_lr_foreseen as (

    select
        {{ prevalence._columns_of('_lr_curves', by) }},
        _lr_curves._lr_bin,
        _lr_curves._lr_bucket,
        _lr_curves._lr_labels,
        _lr_curves._lr_weight,
        _lr_curves._lr_weight_squares,
        _lr_curves._lr_positives,
        _lr_curves._lr_positive,
        _lr_curves._lr_power,
        _lr_totals._lr_information,
        cast(_lr_totals._lr_all_positive as double) as _lr_all_positive,
        cast(round(
            (
                cast(_lr_totals._lr_all_labels as double)
                * (cast(_lr_totals._lr_all_violating as double) / cast(_lr_totals._lr_all_weight as double))
                + cast(0.5 as double)
            ) / (cast(_lr_totals._lr_all_labels as double) + 1) * 1000000000
        ) as bigint) as _lr_overall,
        cast(_lr_totals._lr_all_positive as double) * (
            cast(_lr_curves._lr_curve as double)
            / cast(
                sum(_lr_curves._lr_labels * _lr_curves._lr_curve) over (
                    partition by {{ prevalence._columns_of('_lr_curves', by) }}
                ) as double
            )
        ) as _lr_per_label
    from _lr_curves
    inner join _lr_totals
        on {{ prevalence._equal_columns(by, '_lr_curves', '_lr_totals') }}

),

_lr_expected as (

    select
        *,
        cast(round(cast(_lr_labels as double) * _lr_per_label) as bigint) as _lr_expected
    from _lr_foreseen

),

_lr_grouped as (

    select
        *,
        floor(
            10 * cast(
                sum(_lr_expected) over (
                    partition by {{ columns }} order by _lr_bin rows between unbounded preceding and current row
                ) - _lr_expected as double
            ) / greatest(cast(sum(_lr_expected) over (partition by {{ columns }}) as double), cast(1 as double))
        ) as _lr_tenth
    from _lr_expected

),

_lr_tenths as (

    select
        *,
        (
            cast(sum(_lr_positive) over (partition by {{ columns }}, _lr_tenth) as double) * _lr_information + 20
        ) / (
            cast(sum(_lr_expected) over (partition by {{ columns }}, _lr_tenth) as double) * _lr_information + 20
        ) as _lr_of_tenth
    from _lr_grouped

),

_lr_corrected as (

    select
        *,
        case
            when _lr_all_positive = 0 then _lr_overall
            else
                cast(round(least(
                    1000 * (
                        _lr_per_label * (
                            (cast(_lr_positive as double) * _lr_information + 20 * _lr_of_tenth)
                            / (cast(_lr_expected as double) * _lr_information + 20)
                        )
                    ),
                    cast(1000000000 as double)
                )) as bigint)
        end as _lr_rate
    from _lr_tenths

),
{%- endmacro %}
