-- Published figures of the warehouses `nights` and `undisturbed`, one row for each key that either of them has: `what` it says, and whether
-- both say the same. Plans that draw by scores are compared up to the first day that either of them drew by learned rates.
create or replace temp table compared_figures as
with drawn_by_scores as (
    select distinct plan_id
    from nights.draws.draw_plans
    where design <> 'simple_random' and defence_share is distinct from 1
),

learned_from as (
    select min(effective_date) as effective_date
    from (
        select effective_date from nights.calibration.learned_rates
        union all
        select effective_date from undisturbed.calibration.learned_rates
    )
),

figures as (
    select 'nights' as warehouse, * from nights.marts.prevalence_v2
    union all
    select 'undisturbed' as warehouse, * from undisturbed.marts.prevalence_v2
),

comparable_figures as (
    select figures.*
    from figures
    cross join learned_from
    left join drawn_by_scores
        on figures.plan_id = drawn_by_scores.plan_id
    where
        figures.release_status <> 'withdrawn'
        and (drawn_by_scores.plan_id is null or coalesce(figures.period_end < learned_from.effective_date, true))
),

lefthand as (
    select * from comparable_figures where warehouse = 'nights'
),

righthand as (
    select * from comparable_figures where warehouse = 'undisturbed'
)

select
    concat_ws(
        ', ',
        plan_id, policy_id, policy_version, period_type, period_start, unit_type, pivot_name, pivot_value, estimator
    )
    || ': '
    || coalesce(
        lefthand.prevalence || ' [' || lefthand.interval_lower || ', ' || lefthand.interval_upper || '] of '
        || lefthand.sampled_units || ' units on ' || lefthand.days_measured || ' days', 'nothing'
    )
    || ', undisturbed '
    || coalesce(
        righthand.prevalence || ' [' || righthand.interval_lower || ', ' || righthand.interval_upper || '] of '
        || righthand.sampled_units || ' units on ' || righthand.days_measured || ' days', 'nothing'
    ) as what,
    coalesce(
        lefthand.warehouse is not null
        and righthand.warehouse is not null
        and lefthand.sampled_units is not distinct from righthand.sampled_units
        and lefthand.positive_units is not distinct from righthand.positive_units
        and lefthand.days_measured = righthand.days_measured
        and lefthand.days_expected = righthand.days_expected
        and lefthand.period_end = righthand.period_end
        and coalesce(abs(lefthand.prevalence - righthand.prevalence) < 1e-9, lefthand.prevalence is null and righthand.prevalence is null)
        and coalesce(abs(lefthand.std_error - righthand.std_error) < 1e-9, lefthand.std_error is null and righthand.std_error is null)
        and coalesce(
            abs(lefthand.interval_lower - righthand.interval_lower) < 1e-9,
            lefthand.interval_lower is null and righthand.interval_lower is null
        )
        and coalesce(
            abs(lefthand.interval_upper - righthand.interval_upper) < 1e-9,
            lefthand.interval_upper is null and righthand.interval_upper is null
        ),
        false
    ) as is_equal
from lefthand
full outer join righthand
    using (plan_id, policy_id, policy_version, period_type, period_start, unit_type, pivot_name, pivot_value, estimator)
order by what;
