"""What a gate consists of: the small tables it looks at and the checks it makes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass


class GateError(Exception):
    """A gate could not be run. The message says in one sentence what is wrong and what to do."""


@dataclass(frozen=True)
class Table:
    """A small table that a gate looks at.

    keys: the columns that name a row in messages. where: SQL condition on the rows that belong to this joint.
    schema None: the table is not in the warehouse; the runner makes it (see runner._upstream_gates).
    """

    name: str
    keys: tuple[str, ...]
    schema: str | None = "quality"
    where: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True)
class Check:
    """One check: a column of a table stays within the limits that the seed gate_limits gives for it.

    column None: the number of rows of the table is what the limits are about. expected: what a good warehouse looks
    like, in words. remedy: what to do when it does not. may_be_null: a null means that the check does not apply to the
    row; otherwise a null fails.
    """

    name: str
    table: str
    column: str | None
    expected: str
    remedy: str
    may_be_null: bool = False


@dataclass(frozen=True)
class Limit:
    """A row of the seed gate_limits. None: no limit on that side."""

    gate_name: str
    check_name: str
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
        below = self.lower - value if self.lower is not None else -math.inf
        above = value - self.upper if self.upper is not None else -math.inf
        return max(0.0, below, above)


@dataclass(frozen=True)
class Gate:
    """One joint of the pipeline. The subject of a gate is the content of its tables."""

    name: str
    tables: tuple[Table, ...]
    checks: tuple[Check, ...]

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)
