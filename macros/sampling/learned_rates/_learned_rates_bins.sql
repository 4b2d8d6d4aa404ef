{#- Step 1 of _learned_rates. CTEs _lr_buckets to _lr_shares, made of the relation: bins of the score, with their labels
and what of these violates. -#}
{% macro _learned_rates_bins(relation, by, score, weight, violating_weight) -%}
{%- set columns = by | join(', ') -%}
_lr_buckets as (

    select
        {{ columns }},
        cast(floor(sqrt(cast({{ score }} as double))) as bigint) as _lr_bucket,
        count(*) as _lr_labels,
        cast(sum({{ score }}) as bigint) as _lr_score,
        cast(sum({{ weight }}) as bigint) as _lr_weight,
        cast(sum({{ weight }} * {{ weight }}) as bigint) as _lr_weight_squares,
        cast(sum({{ violating_weight }}) as bigint) as _lr_violating,
        cast(sum({{ violating_weight }} * {{ violating_weight }}) as bigint) as _lr_violating_squares,
        cast(sum(case when {{ violating_weight }} > 0 then 1 else 0 end) as bigint) as _lr_positives
    from {{ relation }}
    group by {{ columns }}, cast(floor(sqrt(cast({{ score }} as double))) as bigint)

),

_lr_places as (

    select
        *,
        floor(
            100 * cast(
                sum(_lr_labels) over (
                    partition by {{ columns }} order by _lr_bucket
                    rows between unbounded preceding and current row
                ) - _lr_labels as double
            ) / cast(sum(_lr_labels) over (partition by {{ columns }}) as double)
        ) as _lr_hundredth
    from _lr_buckets

),

_lr_bins as (

    select
        {{ columns }},
        row_number() over (partition by {{ columns }} order by min(_lr_bucket)) as _lr_bin,
        min(_lr_bucket) as _lr_bucket,
        cast(sum(_lr_labels) as bigint) as _lr_labels,
        cast(sum(_lr_score) as bigint) as _lr_score,
        cast(sum(_lr_weight) as bigint) as _lr_weight,
        cast(sum(_lr_weight_squares) as bigint) as _lr_weight_squares,
        cast(sum(_lr_violating) as bigint) as _lr_violating,
        cast(sum(_lr_violating_squares) as bigint) as _lr_violating_squares,
        cast(sum(_lr_positives) as bigint) as _lr_positives
    from _lr_places
    group by {{ columns }}, _lr_hundredth

),

-- positives and the squares of their weights in millionths of a label
_lr_shares as (

    select
        *,
        cast(round(
            1000000 * cast(_lr_labels as double) * (cast(_lr_violating as double) / cast(_lr_weight as double))
        ) as bigint) as _lr_positive,
        cast(round(
            1000000 * cast(_lr_violating_squares as double)
            * (
                (cast(_lr_labels as double) / cast(_lr_weight as double))
                * (cast(_lr_labels as double) / cast(_lr_weight as double))
            )
        ) as bigint) as _lr_square,
        greatest(cast(_lr_score as double) / cast(_lr_labels as double), cast(0.5 as double)) as _lr_mean_score
    from _lr_bins

),
{%- endmacro %}
