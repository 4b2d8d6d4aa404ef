{#- CTEs _sv_item_margins to _sv_errors, made of _sv_label_shares, _sv_labels, _sv_sums and _sv_margins: standard errors
of Krippendorff's alpha and Fleiss' kappa, with items as a simple random sample of many.

With N answers on paired items, S the sum of the labels' squared counts and D the sum over items of the disagreement
within, alpha = 1 - (N - 1) D / (N^2 - S). An item of m answers and disagreement d moves it by its derivative,

    - (N - 1) d / (N^2 - S) - D m / (N^2 - S) + (N - 1) D (2 N m - 2 s) / (N^2 - S)^2,

where s is the sum over its answers of how often their label is given at all. Fleiss' kappa (A - C) / (1 - C) with mean
agreement A and C the sum of the labels' squared shares is moved by a / (1 - C) - (1 - A) 2 c / (1 - C)^2, over items, where c
is the mean over the item's answers of their label's share. A standard error is the root of the sum over items of the
squared differences of these from their mean.

`spec`: _rater_agreement_spec.sql
-#}
{% macro _rater_agreement_errors(spec) -%}
_sv_item_margins as (

    select
        {{ prevalence._columns_of('_sv_label_shares', spec.domain + ['_sv_item']) }},
        max(_sv_label_shares._sv_size) as _sv_size,
        max(_sv_label_shares._sv_most) as _sv_most,
        sum(
            _sv_label_shares._sv_count * (_sv_label_shares._sv_size - _sv_label_shares._sv_count)
            / (_sv_label_shares._sv_size - 1)
        ) as _sv_disagreement,
        sum(_sv_label_shares._sv_count * _sv_labels._sv_paired) as _sv_paired_given,
        sum(_sv_label_shares._sv_count * _sv_labels._sv_complete) as _sv_complete_given
    from _sv_label_shares
    inner join _sv_labels
        on
            {{ prevalence._sv_same(spec.domain, '_sv_label_shares', '_sv_labels') }}
            and _sv_label_shares._sv_label = _sv_labels._sv_label
    where _sv_label_shares._sv_size > 1
    group by {{ prevalence._columns_of('_sv_label_shares', spec.domain + ['_sv_item']) }}

),

_sv_item_derivatives as (

    select
        {{ prevalence._columns_of('_sv_item_margins', spec.domain) }},
        (
            (_sv_margins._sv_all_paired - 1) * (
                2 * _sv_sums._sv_observed
                * (_sv_margins._sv_all_paired * _sv_item_margins._sv_size - _sv_item_margins._sv_paired_given)
                / nullif(power(_sv_margins._sv_all_paired, 2) - _sv_margins._sv_paired_squares, 0)
                - _sv_item_margins._sv_disagreement
            )
            - _sv_sums._sv_observed * _sv_item_margins._sv_size
        ) / nullif(power(_sv_margins._sv_all_paired, 2) - _sv_margins._sv_paired_squares, 0) as _sv_nominal,
        case
            when _sv_item_margins._sv_size = _sv_item_margins._sv_most
                then
                    (1 - _sv_item_margins._sv_disagreement / _sv_item_margins._sv_size)
                    / nullif(1 - _sv_margins._sv_complete_squares / power(_sv_margins._sv_complete, 2), 0)
                    - 2 * (1 - _sv_sums._sv_complete_agreement / _sv_sums._sv_complete_items)
                    * _sv_item_margins._sv_complete_given / (_sv_item_margins._sv_size * _sv_margins._sv_complete)
                    / nullif(
                        power(1 - _sv_margins._sv_complete_squares / power(_sv_margins._sv_complete, 2), 2), 0
                    )
        end as _sv_fleiss
    from _sv_item_margins
    inner join _sv_margins
        on {{ prevalence._sv_same(spec.domain, '_sv_item_margins', '_sv_margins') }}
    inner join _sv_sums
        on {{ prevalence._sv_same(spec.domain, '_sv_item_margins', '_sv_sums') }}

),

_sv_errors as (

    select
        {{ spec.domain | join(',\n        ') }},
        case when count(_sv_nominal) > 1 then sqrt(count(_sv_nominal) * var_samp(_sv_nominal)) end
            as _sv_nominal_std_error,
        case when count(_sv_fleiss) > 1 then sqrt(var_samp(_sv_fleiss) / count(_sv_fleiss)) end as _sv_fleiss_std_error
    from _sv_item_derivatives
    group by {{ spec.group_by }}

),
{%- endmacro %}
