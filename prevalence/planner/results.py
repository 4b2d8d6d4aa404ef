"""What `prevalence plan` is asked, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from prevalence.planner.planned_designs import Design
from prevalence.planner.plans import Frame, Plan


@dataclass(frozen=True)
class Request:
    unit_type: str = "content_day"
    budgets: tuple[int, ...] = ()
    policies: tuple[str, ...] = ()
    day: date | None = None
    days: int = 1
    target: float | None = None
    # share of exposure by policy; the policy '' stands for all that are not named
    expected_prevalence: Mapping[str, float] = field(default_factory=dict)
    sensitivity: float | None = None
    false_positive_rate: float | None = None


@dataclass(frozen=True)
class Trade:
    """The same expert labels of one policy beside more and fewer judged units."""

    policy: str
    design: Design
    experts: float  # a day
    rows: list[tuple[float, float | None, object]]
    prevalence: float

    def error(self, row: tuple[float, float | None, object]) -> float | None:
        return None if row[2] is None else row[2].relative_error

    @property
    def best(self) -> tuple[float, float | None, object]:
        return min((row for row in self.rows if row[2] is not None), key=lambda row: row[2].relative_error)

    @property
    def worse(self) -> tuple[float, float | None, object] | None:
        """The most judged units that make the estimate worse than fewer do."""
        later = [row for row in self.rows if row[0] > self.best[0] and row[2] is not None]
        return later[-1] if later and later[-1][2].relative_error > 1.005 * self.best[2].relative_error else None


@dataclass(frozen=True)
class Result:
    request: Request
    day: date
    frame: Frame
    plans: tuple[Plan, ...]
    current: tuple[Plan, ...]  # as they stand, at their own budget and audit
    recommended: Plan
    for_target: Plan | None
    trade: Trade | None
    curve: Trade | None  # the same on a fine grid, for the chart
    has_learned_judge: bool
    unscored: tuple[str, ...]
