"""The days of a log, without those that are there by a wrong clock alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import TypeVar

from prevalence.engines.settings import UserError

# what is as far away from all other days has nothing to do with them
FAR_DAYS = 400
# of a whole calendar the first and last year are left out, so that the day after a day is always one, too
_FIRST_YEAR, _LAST_YEAR = date.min.year + 1, date.max.year - 1
_NAMED_DAYS = 5

Stretch = list[tuple[date, int]]
Value = TypeVar("Value")


@dataclass(frozen=True)
class LoggedDays:
    """The days that are taken, and those set aside, as the engine writes them, with their rows."""

    days: tuple[date, ...]
    apart: Mapping[str, int]

    @property
    def first(self) -> date:
        return self.days[0]

    @property
    def last(self) -> date:
        return self.days[-1]


def logged_days(
    rows_of_days: Mapping[str, int], wrong_clock_share: float, in_force: Mapping[str, int] | None = None
) -> LoggedDays:
    """Judges days by the rows that they hold; a day comes as the text that the engine has for it, as not all are Python's.

    Days that were measured before (`in_force`) stay, and the others are held against them, too: a further day stands beside a month
    that is there already, whether its logs are or not. Days that follow each other are one stretch. Only whole stretches at either end
    are set aside, so a day that adjoins another one stays, however few rows it has, and so does every gap between days that are taken.
    A stretch is set aside

    - when all its days together hold at most `wrong_clock_share` of the rows of a usual day: of the day that holds the middle row
      when days are put in the order of their rows, which days of few rows do not move, however many they are;
    - when more than FAR_DAYS lie between it and those around the middle row in time, and all that lies so far holds at most that share
      of all rows. Infinity and years that no calendar of ours has are as far.

    Raises UserError when more than that share lies so far: then nobody can tell which clock is the wrong one.
    """
    in_force = in_force or {}
    all_rows = {**rows_of_days, **in_force}
    dated = {day: rows for text, rows in all_rows.items() if (day := calendar_day(text)) is not None}
    undated = {text: rows for text, rows in all_rows.items() if calendar_day(text) is None}
    days = sorted(dated.items())
    stretches = _runs(days, 1)
    known = {day for text in in_force if (day := calendar_day(text)) is not None}

    far, middle = dict(undated), None
    if days:
        middle = _at_half([(rows, day) for day, rows in days])
        near = _near(stretches, middle)
        far |= {
            str(day): rows
            for stretch in stretches
            if stretch not in near and not any(day in known for day, _ in stretch)
            for day, rows in stretch
        }
    total = sum(all_rows.values())
    far_rows = sum(far.values())
    if far_rows > wrong_clock_share * total:
        raise UserError(
            f"{far_rows:,} of {total:,} rows of raw.interactions have a time in occurred_at that lies more than {FAR_DAYS} "
            f"days from the middle one{f' ({middle})' if middle else ''}: {_named(far)}; too many to be set aside as wrong clocks. "
            "Remedy: mend the times, or name the days to measure with --start-date and --end-date; rows outside them are "
            "quarantined by name."
        )

    usual = _at_half(sorted(((rows, rows) for rows in dated.values()), reverse=True))

    def is_apart(stretch: Stretch) -> bool:
        if any(day in known for day, _ in stretch):
            return False
        return str(stretch[0][0]) in far or sum(rows for _, rows in stretch) <= wrong_clock_share * usual

    kept = list(stretches)
    while len(kept) > 1 and is_apart(kept[0]):
        kept.pop(0)
    while len(kept) > 1 and is_apart(kept[-1]):
        kept.pop()
    taken = tuple(day for stretch in kept for day, _ in stretch)
    outside = {str(day): rows for day, rows in days if not taken[0] <= day <= taken[-1]}
    return LoggedDays(taken, outside | undated)


def said_apart(days: LoggedDays) -> str:
    """One sentence about the rows that are set aside."""
    return (
        f"{sum(days.apart.values()):,} rows of raw.interactions are set aside as outside_period, because few rows lie so far "
        f"from the other days ({_named(days.apart)}): wrong clocks, most often. Where these days are to be measured, too, name "
        "them with --start-date and --end-date; the var wrong_clock_share says what few is."
    )


def calendar_day(text: str) -> date | None:
    """None for what is no day between the years of Python's calendar: infinity, BC, far future."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def _runs(days: Stretch, reach: int) -> list[Stretch]:
    """Days that follow each other within so many days, as lists."""
    runs: list[Stretch] = []
    for day, rows in days:
        if runs and day - runs[-1][-1][0] <= timedelta(days=reach):
            runs[-1].append((day, rows))
        else:
            runs.append([(day, rows)])
    return runs


def _near(stretches: list[Stretch], middle: date) -> list[Stretch]:
    """The stretches that lead to the middle day without a gap of more than FAR_DAYS."""
    days = [entry for stretch in stretches for entry in stretch]
    (around,) = [run for run in _runs(days, FAR_DAYS) if run[0][0] <= middle <= run[-1][0]]
    return [stretch for stretch in stretches if around[0][0] <= stretch[0][0] <= around[-1][0]]


def _at_half(weighted: list[tuple[int, Value]]) -> Value:
    """The value of the middle row, of values with their numbers of rows."""
    total = sum(rows for rows, _ in weighted)
    sums = accumulate(rows for rows, _ in weighted)
    return next(value for (_, value), so_far in zip(weighted, sums, strict=True) if 2 * so_far >= total)


def _named(days: Mapping[str, int]) -> str:
    named = [f"{day}: {rows:,} rows" for day, rows in list(days.items())[:_NAMED_DAYS]]
    return ", ".join(named) + (f" and {len(days) - _NAMED_DAYS:,} further days" if len(days) > _NAMED_DAYS else "")
