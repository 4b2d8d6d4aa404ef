{#- A SELECT of the learned rates that serve the days of the batch: one row per day, policy and whole root of a score.

Of the sets that are in force on a day, those learned from earlier days alone, it is the one with the latest effective date
and of those the one appended last. A day is drawn after its frame was built and sets are only ever appended for days after the
last one drawn, so a frame that is rebuilt finds the set that its day was drawn by.

Rows by root and not by range, so that units are joined to their rate by equality: the ranges have whole squares as bounds
(`_learned_rates`). Days come from the batch and not from the frame, which would have to be read for it.

Arguments:
    rates: name of a CTE with the columns of `learned_rates` that are used here.
    unit_type: content_day or interaction.

Columns: unit_date, policy_id, score_root (0 to 1,000; -1 for units without a score, whose rate is the overall one),
violation_rate_billionths, learned_relative_risk: the rate relative to the square of the mean root rate, in whole billionths. A
sum of these over policies is the size (squared, per exposure) of the sample with the smallest sum of variances, each relative to
that of the best sample for its policy alone. No row where no set is in force for the policy.
-#}
{% macro _rates_in_force(rates, unit_type) -%}
with

-- dbt cuts it to the day of the batch
_rf_batch_days as (

    select unit_date as calendar_date
    from {{ ref('stg_measured_days') }}

),

_rf_sets as (

    select distinct
        set_number,
        effective_date
    from {{ rates }}

),

_rf_ranked_sets as (

    select
        _rf_batch_days.calendar_date,
        _rf_sets.set_number,
        row_number() over (
            partition by _rf_batch_days.calendar_date order by _rf_sets.effective_date desc, _rf_sets.set_number desc
        ) as _rf_rank
    from _rf_batch_days
    inner join _rf_sets
        on _rf_batch_days.calendar_date >= _rf_sets.effective_date

),

_rf_root_count as (

    select cast(1001 as bigint) as root_count

),

_rf_numbers as (

    {{ prevalence._numbered('_rf_root_count', 'root_count', ['root_count']) | indent(4) }}

),

_rf_roots as (

    select _number - 1 as score_root
    from _rf_numbers

),

_rf_rates as (

    select
        _rf_ranked_sets.calendar_date as unit_date,
        {{ rates }}.policy_id,
        {{ rates }}.bin_number,
        {{ rates }}.score_from_millionths,
        {{ rates }}.score_until_millionths,
        {{ rates }}.violation_rate_billionths,
        {{ rates }}.overall_rate_billionths,
        {{ rates }}.mean_root_rate_billionths
    from {{ rates }}
    inner join _rf_ranked_sets
        on {{ rates }}.set_number = _rf_ranked_sets.set_number and _rf_ranked_sets._rf_rank = 1
    where {{ rates }}.unit_type = '{{ unit_type }}'

),

_rf_root_rates as (

    select
        _rf_rates.unit_date,
        _rf_rates.policy_id,
        _rf_roots.score_root,
        _rf_rates.violation_rate_billionths,
        _rf_rates.mean_root_rate_billionths
    from _rf_rates
    inner join _rf_roots
        on
            _rf_roots.score_root * _rf_roots.score_root
            between _rf_rates.score_from_millionths and _rf_rates.score_until_millionths

    union all

    select
        unit_date,
        policy_id,
        cast(-1 as bigint) as score_root,
        overall_rate_billionths as violation_rate_billionths,
        mean_root_rate_billionths
    from _rf_rates
    where bin_number = 1

)

select
    unit_date,
    policy_id,
    score_root,
    violation_rate_billionths,
    {{ prevalence._relative_risk(
        'violation_rate_billionths', 'cast(mean_root_rate_billionths as double)', scale=1000000000000000000
    ) }} as learned_relative_risk
from _rf_root_rates
{%- endmacro %}

{#- The whole root by which `_rates_in_force` is joined: that of a score in millionths, or -1 where there is none. -#}
{% macro _score_root(score_millionths, is_score_imputed) -%}
    case
        when {{ is_score_imputed }} then cast(-1 as bigint)
        else cast(floor(sqrt(cast({{ score_millionths }} as double))) as bigint)
    end
{%- endmacro %}
