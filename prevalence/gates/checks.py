"""What a gate consists of: the small tables it looks at and the checks it makes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

# The joints, from the logs to what is published. The first three look at tables alone, the last at the others, too.
GATES = ("raw_to_staging", "before_draw", "labels_to_estimates", "before_publication")
SEVERITIES = ("blocking", "warning")
# How a limit that blocks is stored where it holds back a part alone: the rest goes on.
HOLDING = "holding"
# What a check may hold back, and what the keys of its table must name for it: a day, a plan, a policy. `draw`: every draw that is
# still to be made.
HELD_PARTS = {
    "day": {"day"},
    "plan": {"plan_id"},
    "plan_day": {"plan_id", "day"},
    "policy": {"policy_id"},
    "plan_policy": {"plan_id", "policy_id"},
    "plan_policy_day": {"plan_id", "policy_id", "day"},
    "draw": set(),
}
DAYS = {"row_date", "unit_date", "sample_date"}
# One row per earlier gate. It is not in the warehouse: the runner makes it (see runner._upstream_gates).
UPSTREAM_GATES = "upstream_gates"


class GateError(Exception):
    """A gate could not be run. The message says in one sentence what is wrong and what to do."""


@dataclass(frozen=True)
class Table:
    """A small table that a gate looks at: a row of the seed gate_tables. keys: the columns that name a row in messages."""

    name: str
    keys: tuple[str, ...]

    @property
    def full_name(self) -> str:
        return self.name if self.name == UPSTREAM_GATES else f"quality.{self.name}"

    def names(self, part: str) -> bool:
        """Whether a row of the table says which part it is about. `draw` is for what has no day: the day holds itself."""
        known = {"day" if key in DAYS else key for key in self.keys}
        return HELD_PARTS[part] <= known


@dataclass(frozen=True)
class Limit:
    """Within what a value has to stay. None: no limit on that side."""

    severity: str
    lower: float | None
    upper: float | None

    @property
    def text(self) -> str:
        if self.lower is None:
            return f"at most {self.upper:g}"
        if self.upper is None:
            return f"at least {self.lower:g}"
        if self.lower == self.upper:
            return f"exactly {self.upper:g}"
        return f"{self.lower:g} to {self.upper:g}"

    def distance(self, value: float) -> float:
        """How far a value lies outside the limits; 0 within them."""
        return max(0.0, -self.margin(value))

    def margin(self, value: float) -> float:
        """How far a value lies from the nearest limit; negative outside."""
        below = value - self.lower if self.lower is not None else math.inf
        above = self.upper - value if self.upper is not None else math.inf
        return min(below, above)


@dataclass(frozen=True)
class Check:
    """One check: a column of a table stays within its limits. A row of the seed gate_checks, which describes its columns.

    column None: the number of rows of the table is what the limits are about. holds: the part that a value beyond the limits that
    block holds back; None, everything. place: where the row stands.
    """

    name: str
    table: str
    column: str | None
    may_be_null: bool
    expected: str
    remedy: str
    limits: tuple[Limit, ...]
    holds: str | None
    place: str

    def severity(self, limit: Limit) -> str:
        """As results are stored: a limit that blocks is `holding` where it holds back a part."""
        return HOLDING if self.holds and limit.severity == "blocking" else limit.severity


@dataclass(frozen=True)
class Gate:
    """One joint of the pipeline. The subject of a gate is the content of its tables, in their order."""

    name: str
    tables: tuple[Table, ...]
    checks: tuple[Check, ...]
