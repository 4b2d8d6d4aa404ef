"""The published figure that stands for each policy, and the days behind it: what the summary and the chart show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from prevalence.engines.terminal import plain
from prevalence.engines.warehouse_interface import Warehouse

# Plan, unit type, policy, period type and first day, which an overall figure is told apart by; columns in this order.
Key = tuple[str, str, str, str, date]
_COLUMNS = """
    plan_id, unit_type, policy_id, period_type, period_start, estimator, prevalence, interval_lower, interval_upper,
    interval_level, policy_version, days_measured, days_expected, interval_caution, presentation_reason
"""
# A chart of more days than these has no room for a mark on each.
NEWEST_DAYS = 92
# What fits above a panel of the chart.
LONGEST_TITLE = 48
# True values of overall figures, where somebody knows them, as who made a demo world does.
Truths = Mapping[Key, float]


@dataclass(frozen=True)
class Figure:
    title: str
    period_title: str
    plan_id: str
    unit_type: str
    policy_id: str
    period_type: str
    period_start: date
    estimator: str
    prevalence: float | None
    lower: float | None
    upper: float | None
    level: float
    policy_version: str
    # None in what was released before days were counted
    days_measured: int | None
    days_expected: int
    # why the interval is to be read with care, and why the figure is null or to be reviewed; None: nothing is to be said
    caution: str | None
    reason: str | None
    truth: float | None

    @property
    def period(self) -> str:
        """The period in words, and how much of it the figure is of where that is not all."""
        whole = self.days_measured is None or self.days_measured >= self.days_expected
        part = "" if whole else f" ({self.days_measured} of {self.days_expected} days)"
        return f"{self.period_title}{part}"

    @property
    def remarks(self) -> list[str]:
        """What a reader must know beside the figure, in the words of the mart."""
        return [word.replace("_", " ") for word in (self.reason, self.caution) if word]

    @property
    def covers(self) -> bool | None:
        if self.truth is None or self.lower is None:
            return None
        return self.lower <= self.truth <= self.upper


def headlines(connection: Warehouse, truths: Truths) -> list[Figure]:
    """One figure per policy, in the order of policy_id."""
    rows = connection.rows(
        f"select policy_title, period_title, {_COLUMNS} from marts.headline_prevalence order by policy_id"
    )
    return [Figure(_title(title), period, *row, truths.get(tuple(row[:5]))) for title, period, *row in rows]


def _title(title: str) -> str:
    """A title as a line of its own: people write what they like into it."""
    shown = plain(title)
    return shown if len(shown) <= LONGEST_TITLE else f"{shown[: LONGEST_TITLE - 1]}…"


def days_of(connection: Warehouse, headline: Figure, truths: Truths) -> list[Figure]:
    """The daily figures of the same plan, unit type, version of the policy and estimator, in order: the newest of them."""
    same = " and ".join(
        f"{column} = {connection.literal(getattr(headline, column))}"
        for column in ("plan_id", "unit_type", "policy_id", "policy_version", "estimator")
    )
    rows = connection.rows(
        f"select {_COLUMNS} from marts.prevalence_v2 where period_type = 'day' and pivot_name = 'overall' and {same}"
        f" order by period_start desc limit {NEWEST_DAYS}"
    )
    return [Figure(headline.title, "day", *row, truths.get(tuple(row[:5]))) for row in reversed(rows)]


def percent(value: float | None, digits: int = 3) -> str:
    return "n/a" if value is None else f"{100 * value:.{digits}f} %"


EXPOSURES = {
    "content_day": "of views",
    "interaction": "of interactions",
    "component": "of viewed components",
    "session": "of sessions",
    "user_day": "of user-days",
}
