-- A figure as it was released last and before that, and what changed between them; a release that did not change it has
-- no row. `--vars` name the figure: policy_id, plan_id, unit_type, period_type, period_start; and the releases:
-- release_number (the later one, else the last) and earlier_release_number (else the one before it).
--
-- A figure is the share of violating units among the labeled ones, times what a violating unit weighs (weight x
-- exposure, on average) over what a labeled one does. The first moves with the labels, the second with which units
-- carry them, and the logarithms of both add up to that of the figure. Weights and exposures of drawn units are stored
-- and never change: where the second moves, other units were answered for or are now said to violate.
with

figures as (

    select *
    from {{ ref('release_ledger') }}
    where
        pivot_name = 'overall'
        and policy_id = '{{ var("policy_id", "self_harm") }}'
        and plan_id = '{{ var("plan_id", "content_days_mixture") }}'
        and unit_type = '{{ var("unit_type", "content_day") }}'
        and period_type = '{{ var("period_type", "28_days") }}'
        and period_start = cast('{{ var("period_start", var("demo_world_start_date")) }}' as date)

),

weighed_figures as (

    select
        *,
        cast(positive_units as double) / nullif(cast(sampled_units as double), 0) as violating_share,
        prevalence * cast(sampled_units as double) / nullif(cast(positive_units as double), 0) as relative_weight
    from figures

),

later as (

    select *
    from weighed_figures
    {% if var('release_number', none) is not none -%}
    where release_number <= {{ var('release_number') }}
    {% endif -%}
    qualify row_number() over (order by release_number desc, label_protocol_id asc) = 1

),

earlier as (

    select weighed_figures.*
    from weighed_figures
    inner join later
        on weighed_figures.release_number < later.release_number
    {% if var('earlier_release_number', none) is not none -%}
    where weighed_figures.release_number <= {{ var('earlier_release_number') }}
    {% endif -%}
    qualify
        row_number() over (order by weighed_figures.release_number desc, weighed_figures.label_protocol_id asc) = 1

)

select
    earlier.release_id as earlier_release_id,
    later.release_id as later_release_id,
    later.release_status,
    case
        when later.release_status = 'withdrawn' then 'withdrawn'
        when later.row_fingerprint = earlier.row_fingerprint then 'nothing'
        when later.label_protocol_id <> earlier.label_protocol_id then 'policy or protocol of the labels'
        when later.sampled_units <> earlier.sampled_units then 'units that are labeled'
        when later.positive_units <> earlier.positive_units then 'labels of the same units'
        when later.prevalence <> earlier.prevalence then 'which of the units violate'
        else 'the interval alone'
    end as what_changed,
    earlier.prevalence as earlier_prevalence,
    later.prevalence as later_prevalence,
    later.prevalence - earlier.prevalence as change,
    -- the two parts of the relative change, which add up to it: 0.1 is about a tenth more
    ln(later.prevalence / nullif(earlier.prevalence, 0)) as log_change,
    ln(later.violating_share / nullif(earlier.violating_share, 0)) as log_change_of_violating_share,
    ln(later.relative_weight / nullif(earlier.relative_weight, 0)) as log_change_of_relative_weight,
    -- a change within both intervals is as much as chance makes of two independent samples; the same sample moves less
    later.prevalence between earlier.interval_lower and earlier.interval_upper as is_within_earlier_interval,
    earlier.sampled_units as earlier_sampled_units,
    later.sampled_units as later_sampled_units,
    earlier.positive_units as earlier_positive_units,
    later.positive_units as later_positive_units,
    earlier.effective_n as earlier_effective_n,
    later.effective_n as later_effective_n,
    earlier.interval_lower as earlier_interval_lower,
    earlier.interval_upper as earlier_interval_upper,
    later.interval_lower as later_interval_lower,
    later.interval_upper as later_interval_upper
from later
cross join earlier
