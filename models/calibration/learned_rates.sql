with

draws as (

    select
        plan_id,
        unit_id,
        unit_type,
        unit_key,
        sample_date
    from {{ ref('draw_units') }}

),

unit_labels as (

    select
        plan_id,
        unit_id,
        unit_type,
        policy_id,
        sample_date,
        draws,
        exposure,
        is_audited,
        overall_inclusion_probability,
        expert_is_violating
    from {{ ref('fct_unit_labels') }}

),

unit_scores as (

    select
        plan_id,
        unit_id,
        policy_id,
        score_millionths,
        is_score_imputed
    from {{ ref('draw_unit_scores') }}

),

-- what somebody has changed teaches nothing
broken_seals as (

    select
        plan_id,
        policy_id,
        sample_date
    from {{ ref('broken_seals') }}

),

-- a set serves the days after the last one that any plan has drawn, so no day is drawn by what its own labels taught
last_draws as (

    select {{ prevalence._add_days('max(sample_date)', 1) }} as effective_date
    from draws

),

window_draws as (

    select
        draws.plan_id,
        draws.unit_id,
        draws.unit_type,
        draws.unit_key,
        last_draws.effective_date
    from draws
    cross join last_draws
    where draws.sample_date >= {{ prevalence._add_days('last_draws.effective_date', -var('learning_days')) }}

),

-- a content that was drawn on several days, or by several plans, says once what it is
draw_counts as (

    select
        unit_type,
        unit_key,
        count(*) as draws
    from window_draws
    group by unit_type, unit_key

),

labeled_units as (

    select
        unit_labels.plan_id,
        unit_labels.unit_type,
        unit_labels.policy_id,
        unit_labels.sample_date,
        window_draws.effective_date,
        unit_scores.score_millionths,
        unit_labels.expert_is_violating,
        cast(round(
            1000 * unit_labels.draws * unit_labels.exposure
            / (unit_labels.overall_inclusion_probability * draw_counts.draws)
        ) as bigint) as weight
    from unit_labels
    inner join window_draws
        on
            unit_labels.plan_id = window_draws.plan_id
            and unit_labels.unit_id = window_draws.unit_id
    inner join draw_counts
        on
            window_draws.unit_type = draw_counts.unit_type
            and window_draws.unit_key = draw_counts.unit_key
    inner join unit_scores
        on
            unit_labels.plan_id = unit_scores.plan_id
            and unit_labels.unit_id = unit_scores.unit_id
            and unit_labels.policy_id = unit_scores.policy_id
    left join broken_seals
        on
            unit_labels.plan_id = broken_seals.plan_id
            and unit_labels.sample_date = broken_seals.sample_date
            and (broken_seals.policy_id is null or unit_labels.policy_id = broken_seals.policy_id)
    where
        broken_seals.plan_id is null
        and unit_labels.unit_type in ('content_day', 'interaction')
        and unit_labels.is_audited
        and unit_labels.expert_is_violating is not null
        and unit_labels.overall_inclusion_probability > 0
        -- what the day's mean stands in for says nothing about that score
        and not unit_scores.is_score_imputed

),

plan_totals as (

    select
        plan_id,
        unit_type,
        policy_id,
        count(*) as labels,
        cast(sum(weight) as double) as weight
    from labeled_units
    group by plan_id, unit_type, policy_id

),

-- plans count by the labels that they have, not by the exposure that each of them stands for alone
weighted_units as (

    select
        labeled_units.unit_type,
        labeled_units.policy_id,
        labeled_units.sample_date,
        labeled_units.effective_date,
        labeled_units.score_millionths,
        labeled_units.expert_is_violating,
        greatest(
            cast(round(
                1000 * (cast(plan_totals.labels as double) * cast(labeled_units.weight as double) / plan_totals.weight)
            ) as bigint),
            cast(1 as bigint)
        ) as weight
    from labeled_units
    inner join plan_totals
        on
            labeled_units.plan_id = plan_totals.plan_id
            and labeled_units.unit_type = plan_totals.unit_type
            and labeled_units.policy_id = plan_totals.policy_id

),

group_totals as (

    select
        unit_type,
        policy_id,
        max(effective_date) as effective_date,
        min(sample_date) as learned_from,
        max(sample_date) as learned_until
    from weighted_units
    group by unit_type, policy_id
    having count_if(expert_is_violating) >= {{ var('learning_minimum_positives') }}

),

teaching_units as (

    select
        weighted_units.unit_type,
        weighted_units.policy_id,
        weighted_units.score_millionths,
        weighted_units.weight,
        case when weighted_units.expert_is_violating then weighted_units.weight else cast(0 as bigint) end
            as violating_weight
    from weighted_units
    inner join group_totals
        on
            weighted_units.unit_type = group_totals.unit_type
            and weighted_units.policy_id = group_totals.policy_id

),

rates as (

    {{ prevalence._learned_rates(
        'teaching_units', by=['unit_type', 'policy_id'], score='score_millionths', weight='weight',
        violating_weight='violating_weight'
    ) | indent(4) }}

),

candidate_rates as (

    select
        group_totals.effective_date,
        rates.unit_type,
        rates.policy_id,
        rates.bin_number,
        rates.score_from_millionths,
        rates.score_until_millionths,
        rates.labels,
        rates.positives,
        rates.violation_rate_billionths,
        rates.std_error_billionths,
        rates.overall_rate_billionths,
        rates.mean_root_rate_billionths,
        rates.score_power,
        group_totals.learned_from,
        group_totals.learned_until
    from rates
    inner join group_totals
        on
            rates.unit_type = group_totals.unit_type
            and rates.policy_id = group_totals.policy_id

),

{% set compared = [
    'effective_date', 'unit_type', 'policy_id', 'bin_number', 'score_from_millionths', 'score_until_millionths', 'labels',
    'positives', 'violation_rate_billionths', 'std_error_billionths', 'overall_rate_billionths',
    'mean_root_rate_billionths', 'score_power', 'learned_from', 'learned_until'
] -%}
{% if flags.INTROSPECT and is_incremental() -%}
earlier_sets as (

    select
        set_number,
        {{ compared | join(',\n        ') }}
    from {{ this }}

),

last_sets as (

    select
        coalesce(max(earlier_sets.set_number), 0) as set_number,
        max(
            case when earlier_sets.effective_date = last_draws.effective_date then earlier_sets.set_number end
        ) as same_day_set_number
    from last_draws
    left join earlier_sets
        on earlier_sets.set_number > 0

),

newest_set as (

    select
        earlier_sets.{{ compared | join(',\n        earlier_sets.') }}
    from earlier_sets
    inner join last_sets
        on earlier_sets.set_number = last_sets.same_day_set_number

),

changes as (

    (
        select * from candidate_rates
        except
        select * from newest_set
    )

    union all

    (
        select * from newest_set
        except
        select * from candidate_rates
    )

),

change_count as (

    select count(*) as changed_bins
    from changes

),
{%- else -%}
last_sets as (

    select cast(0 as bigint) as set_number

),

-- nothing was learned before, so all is new
change_count as (

    select cast(1 as bigint) as changed_bins

),
{%- endif %}

final as (

    select
        cast(last_sets.set_number + 1 as bigint) as set_number,
        candidate_rates.{{ compared | join(',\n        candidate_rates.') }}
    from candidate_rates
    cross join last_sets
    cross join change_count
    where change_count.changed_bins > 0

)

select {{ prevalence._in_one_file() }} * from final
