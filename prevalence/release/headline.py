"""The published figure that stands for each policy, and the days behind it: what the summary and the chart show."""

from dataclasses import dataclass
from datetime import date

from prevalence.engines.warehouse import Warehouse

# The longest period first; the two-phase estimate before one from experts alone; exposure before interactions
# before the parts and wholes of plans of user-days; the larger sample. Never the narrower interval: a figure that is chosen for how it came out does not hold as often.
_PREFERENCE = """
    case period_type when '28_days' then 0 when 'week' then 1 else 2 end,
    period_start desc,
    case estimator when 'two_phase' then 0 else 1 end,
    case unit_type when 'content_day' then 0 when 'interaction' then 1 else 2 end,
    sampled_units desc,
    plan_id
"""


@dataclass(frozen=True)
class Figure:
    policy_id: str
    title: str
    plan_id: str
    unit_type: str
    estimator: str
    period_type: str
    period_start: date
    prevalence: float | None
    lower: float | None
    upper: float | None
    level: float
    truth: float | None

    @property
    def covers(self) -> bool | None:
        if self.truth is None or self.lower is None:
            return None
        return self.lower <= self.truth <= self.upper


def headlines(connection: Warehouse) -> list[Figure]:
    """One figure per policy, in the order of policy_id."""
    return _figures(
        connection,
        f"""
        select *
        from marts.prevalence
        where pivot_name = 'overall'
        qualify row_number() over (partition by policy_id order by {_PREFERENCE}) = 1
        """,
    )


def days_of(connection: Warehouse, headline: Figure) -> list[Figure]:
    """The daily figures of the same plan, unit type and estimator, in order."""
    return _figures(
        connection,
        f"""
        select *
        from marts.prevalence
        where
            period_type = 'day'
            and pivot_name = 'overall'
            and policy_id = {connection.literal(headline.policy_id)}
            and plan_id = {connection.literal(headline.plan_id)}
            and unit_type = {connection.literal(headline.unit_type)}
            and estimator = {connection.literal(headline.estimator)}
        """,
    )


def _figures(
    connection: Warehouse, rows: str
) -> list[Figure]:
    has_truth = connection.relation_type("truth", "signed_in_prevalence") is not None
    truth = "truth.true_prevalence" if has_truth else "cast(null as double)"
    join_truth = (
        """
        left join staging.stg_sampling_plans as plans on published.plan_id = plans.plan_id
        left join (
            select false as is_signed_in, period_type, period_start, policy_id, unit_type, pivot_name, pivot_value,
                true_prevalence
            from truth.prevalence
            union all
            select true as is_signed_in, period_type, period_start, policy_id, unit_type, pivot_name, pivot_value,
                true_prevalence
            from truth.signed_in_prevalence
        ) as truth
            -- what plans of user-days measure is a part of the traffic
            on coalesce(plans.unit_type = 'user_day', false) = truth.is_signed_in
            and published.period_type = truth.period_type
            and published.period_start = truth.period_start
            and published.policy_id = truth.policy_id
            and published.unit_type = truth.unit_type
            and published.pivot_name = truth.pivot_name
            and published.pivot_value = truth.pivot_value
        """
        if has_truth
        else ""
    )
    brought = "raw.policies"
    if not connection.row_count(brought):
        brought = "reference.policies"
    found = connection.rows(
        f"""
        with published as ({rows})
        select
            published.policy_id,
            coalesce(policies.title, published.policy_id),
            published.plan_id,
            published.unit_type,
            published.estimator,
            published.period_type,
            published.period_start,
            published.prevalence,
            published.interval_lower,
            published.interval_upper,
            published.interval_level,
            {truth}
        from published
        left join {brought} as policies on published.policy_id = policies.policy_id
        {join_truth}
        order by published.policy_id, published.period_start
        """
    )
    return [Figure(*row) for row in found]


def percent(value: float | None, digits: int = 3) -> str:
    return "n/a" if value is None else f"{100 * value:.{digits}f} %"


PERIODS = {"28_days": "28 days", "week": "week", "day": "day"}
EXPOSURES = {
    "content_day": "of views",
    "interaction": "of interactions",
    "component": "of viewed components",
    "session": "of sessions",
    "user_day": "of user-days",
}
