"""What became of each day, plan and policy: published, waiting, withheld or held back, and why. SQL has decided; this prints it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings
from prevalence.engines.terminal import is_terminal, show_table
from prevalence.engines.warehouse_interface import Warehouse

HEADERS = ("plan", "policy", "published", "to publish", "waiting", "withheld", "held back")
TEXTS = ("plan", "policy")
# a plan that cannot work is held back on every day: a list of plans says it, and days are counted
SHOWN_NAMES = 4


@dataclass(frozen=True)
class Reason:
    """Why parts are not published: one row per state and reason, and what is wrong where that differs by plan."""

    state: str
    reason: str
    expected: str
    remedy: str
    plans: tuple[str, ...]
    policies: tuple[str, ...]
    parts: int
    days: int
    first_day: date
    last_day: date
    observed: float | None
    open_answers: int
    needed_answers: int
    first_deadline: date | None

    @property
    def text(self) -> str:
        days = f"{self.first_day}" if self.days == 1 else f"{self.days} days, {self.first_day} to {self.last_day}"
        where = [f"plan {_names(self.plans)}"]
        if self.policies != ("all",):
            where.append(f"policy {_names(self.policies)}")
        found = "" if self.observed is None else f", found {self.observed:g}"
        answers = ""
        if self.open_answers and self.state != "held":
            answers = f" {self.open_answers:,} of {self.needed_answers:,} answers are open"
            if self.state == "waiting" and self.first_deadline is not None:
                answers += f"; the first deadline is {self.first_deadline}"
            answers += "."
        title = {"held": "held back", "waiting": "waiting"}.get(self.state, self.state)
        return (
            f"{title} by {self.reason}{found}: {days}; {'; '.join(where)}. Expected: {self.expected}.{answers} "
            f"Remedy: {self.remedy}"
        )


@dataclass(frozen=True)
class Parts:
    """All parts, counted."""

    # plan, policy, days published, measured and not yet published, waiting, withheld, held back
    rows: tuple[tuple[str, str, int, int, int, int, int], ...]
    reasons: tuple[Reason, ...]

    def days(self, state: str) -> int:
        return sum(reason.parts for reason in self.reasons if reason.state == state)

    @property
    def published(self) -> int:
        return sum(row[2] for row in self.rows)

    @property
    def to_publish(self) -> int:
        return sum(row[3] for row in self.rows)


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:SHOWN_NAMES])
    return shown + (f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else "")


def read_parts(connection: Warehouse) -> Parts | None:
    """Every part as the warehouse holds it; None before the first run has come so far."""
    if not connection.relation_type("quality", "part_states"):
        return None
    rows = connection.rows(
        """
        select
            plan_id, policy_id,
            count(case when is_published then 1 end),
            count(case when state = 'measured' and not is_published then 1 end),
            count(case when state = 'waiting' then 1 end),
            count(case when state = 'withheld' then 1 end),
            count(case when state = 'held' then 1 end)
        from quality.part_states
        group by plan_id, policy_id
        order by plan_id, policy_id
        """
    )
    reasons = connection.rows(
        """
        select state, reason, expected, remedy, plan_id, policy_id, count(*), min(sample_date), max(sample_date), min(observed),
            sum(open_answers), sum(needed_answers), min(deadline_date)
        from quality.part_states
        where state <> 'measured'
        group by state, reason, expected, remedy, plan_id, policy_id
        order by state, reason, expected, plan_id, policy_id
        """
    )
    days = dict(
        ((state, reason, expected), count)
        for state, reason, expected, count in connection.rows(
            "select state, reason, expected, count(distinct sample_date) from quality.part_states "
            "where state <> 'measured' group by state, reason, expected"
        )
    )
    return Parts(tuple(rows), tuple(_grouped(reasons, days)))


def _grouped(rows: Iterable[tuple], days: dict[tuple, int]) -> Iterable[Reason]:
    groups: dict[tuple, list[tuple]] = {}
    for row in rows:
        groups.setdefault(tuple(row[:4]), []).append(row)
    for (state, reason, expected, remedy), members in groups.items():
        observed = [row[9] for row in members if row[9] is not None]
        deadlines = [row[12] for row in members if row[12] is not None]
        yield Reason(
            state=state,
            reason=reason,
            expected=expected,
            remedy=remedy,
            plans=tuple(dict.fromkeys(row[4] for row in members)),
            policies=tuple(dict.fromkeys(row[5] for row in members)),
            parts=sum(row[6] for row in members),
            days=days[state, reason, expected],
            first_day=min(row[7] for row in members),
            last_day=max(row[8] for row in members),
            observed=min(observed) if observed else None,
            open_answers=int(sum(row[10] or 0 for row in members)),
            needed_answers=int(sum(row[11] or 0 for row in members)),
            first_deadline=min(deadlines) if deadlines else None,
        )


def last_release(settings: Settings) -> int:
    """The number of the last release; 0 before the first."""
    if not warehouse.exists(settings):
        return 0
    with warehouse.connect(settings, read_only=True) as connection:
        if not connection.relation_type("releases", "release_ledger"):
            return 0
        ((number,),) = connection.rows("select coalesce(max(release_number), 0) from releases.release_ledger")
        return int(number)


def print_parts(settings: Settings) -> Parts | None:
    """The table of parts and what to do about those that are not published; returns them."""
    with warehouse.connect(settings, read_only=True) as connection:
        parts = read_parts(connection)
    if parts is None:
        print("Nothing has been measured in this warehouse yet.")
        return None
    rows = [(plan, policy, *(f"{count}" if count else "-" for count in counts)) for plan, policy, *counts in parts.rows]
    print("\ndays by plan and policy:")
    if is_terminal():
        show_table(HEADERS, rows, TEXTS)
    else:
        widths = (
            [max(len(header), *(len(row[place]) for row in rows), 1) for place, header in enumerate(HEADERS)]
            if rows
            else []
        )
        for row in (HEADERS, *rows) if rows else ():
            cells = [
                cell.ljust(width) if header in TEXTS else cell.rjust(width)
                for cell, width, header in zip(row, widths, HEADERS)
            ]
            print("  " + "  ".join(cells).rstrip())
    for reason in parts.reasons:
        print(f"  {reason.text}")
    return parts
