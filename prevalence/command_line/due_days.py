"""The days that a run works on: those that are new or changed, and those that an earlier run has left unfinished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from prevalence.command_line.logged_days import LoggedDays, calendar_day, logged_days, said_apart
from prevalence.engines import warehouse
from prevalence.engines.dbt import Dbt, Window, project_variable
from prevalence.engines.settings import Settings, UserError

# Days in between are built along: a start of dbt takes longer than two days that are as they were.
_BRIDGED_DAYS = 2
_NAMED_DAYS = 5


@dataclass(frozen=True)
class Day:
    """A row of staging.stg_due_days; a day comes as the text that the engine has for it, as not all are Python's."""

    text: str
    rows: int
    log_state: str
    is_staged: bool
    due_reason: str | None


def choose_days(
    settings: Settings, dbt: Dbt, start: date | None, end: date | None, variables: Mapping[str, object]
) -> str:
    """Tell dbt which days to build, and say which and why. Raises UserError where there is nothing to measure at all."""
    if start and end and start >= end:
        raise UserError(
            f"The window from {start} to before {end} has no day. Remedy: give --end-date the day after the last day to measure."
        )
    dbt.run(selector="due_days")
    with warehouse.connect(settings, read_only=True) as connection:
        days = [
            Day(*row)
            for row in connection.rows(
                "select cast(unit_date as string), interaction_rows, log_state, is_staged, due_reason"
                " from staging.stg_due_days order by unit_date"
            )
        ]
    share = variables.get("wrong_clock_share")
    taken = _taken(days, start, end, project_variable("wrong_clock_share") if share is None else float(str(share)))
    lines = [said_apart(taken)] if taken.apart else []
    due = {
        day: found.due_reason
        for found in days
        if found.due_reason and (day := calendar_day(found.text)) in taken.days and _lies_in(day, start, end)
    }
    dbt.windows = tuple(windows(sorted(due)))
    shrunk = [found for found in days if found.log_state == "shrunk"]
    if shrunk:
        named = ", ".join(day.text for day in shrunk[:_NAMED_DAYS])
        rest = f" and {len(shrunk) - _NAMED_DAYS:,} more" if len(shrunk) > _NAMED_DAYS else ""
        lines.append(
            f"{len(shrunk):,} days stay as they were measured, because fewer interactions or components of them are landed than then: "
            f"{named}{rest} (staging.stg_landed_days). Where that is no retention, land their logs whole again."
        )
    return "\n".join([_said(due, days), *(f"     {line}" for line in lines)])


def windows(days: Sequence[date], bridged: int = _BRIDGED_DAYS) -> list[Window]:
    """The days as stretches that hold them all, and no others but up to `bridged` days in between."""
    found: list[Window] = []
    for day in days:
        if found and (day - found[-1].end).days <= bridged:
            found[-1] = Window(found[-1].start, day + timedelta(days=1))
        else:
            found.append(Window(day, day + timedelta(days=1)))
    return found


def _taken(days: Sequence[Day], start: date | None, end: date | None, wrong_clock_share: float) -> LoggedDays:
    """Days in force and those that join them, but for wrong clocks (logged_days.py), unless both ends were given."""
    in_force = {found.text: found.rows for found in days if found.is_staged}
    landed = {
        found.text: found.rows
        for found in days
        if not found.is_staged and _lies_in(calendar_day(found.text), start, end)
    }
    if not landed and not in_force:
        part = (f" from {start} on" if start else "") + (f" before {end}" if end else "")
        raise UserError(
            f"raw.interactions has no row with a time in occurred_at{part}, so there is no day to measure. Remedy: fill "
            "occurred_at in your mapping; logs without times can be given one nominal day (see docs/real-data.md)."
        )
    if start and end:
        named = sorted(day for text in (*landed, *in_force) if (day := calendar_day(text)))
        return LoggedDays(tuple(named), {})
    return logged_days(landed, wrong_clock_share, in_force)


def _lies_in(day: date | None, start: date | None, end: date | None) -> bool:
    """A day of no calendar lies nowhere, so it is in what has no such bound."""
    if day is None:
        return not (start or end)
    return (start is None or day >= start) and (end is None or day < end)


def _said(due: Mapping[date, str | None], days: Sequence[Day]) -> str:
    if not due:
        return f"no new or changed day; {sum(day.is_staged for day in days):,} are measured"
    counts = ", ".join(
        f"{list(due.values()).count(reason):,} {reason}" for reason in dict.fromkeys(due.values())
    ).replace("_", " ")
    stretches = ", ".join(
        f"{window.start}" + (f" to {window.end - timedelta(days=1)}" if window.days > 1 else "")
        for window in windows(sorted(due), bridged=0)
    )
    return f"{len(due):,} days: {stretches} ({counts})"
