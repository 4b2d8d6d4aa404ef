"""The days of a log, without those that are there by a wrong clock alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import TypeVar

from prevalence.engines.settings import UserError

MAXIMUM_DAYS = 400
# of a whole calendar the first and last year are left out, so that the day after a day is always one, too
_FIRST_YEAR, _LAST_YEAR = date.min.year + 1, date.max.year - 1
_NAMED_DAYS = 5

Stretch = list[tuple[date, int]]
Value = TypeVar("Value")


@dataclass(frozen=True)
class LoggedDays:
    """The first and last day that are taken, and the days set aside, as the engine writes them, with their rows."""

    first: date
    last: date
    apart: Mapping[str, int]


def logged_days(rows_of_days: Mapping[str, int], wrong_clock_share: float) -> LoggedDays:
    """Judges days by the rows that they hold; a day comes as the text that the engine has for it, as not all are Python's.

    Days that follow each other are one stretch. Only whole stretches at either end are set aside, so a day that adjoins another
    one stays, however few rows it has, and so does every gap between days that are taken. A stretch is set aside

    - when all its days together hold at most `wrong_clock_share` of the rows of a usual day: of the day that holds the middle row
      when days are put in the order of their rows, which days of few rows do not move, however many they are;
    - when it lies more than MAXIMUM_DAYS from the middle row in time, and all that lies so far holds at most that share of all rows.
      Infinity and years that no calendar of ours has are as far.

    Raises UserError when more than that share lies so far: then nobody can tell which clock is the wrong one.
    """
    dated = {day: rows for text, rows in rows_of_days.items() if (day := _day(text)) is not None}
    undated = {text: rows for text, rows in rows_of_days.items() if _day(text) is None}
    days = sorted(dated.items())
    stretches = _stretches(days)

    far, middle = dict(undated), None
    if days:
        middle = _at_half([(rows, day) for day, rows in days])
        far |= {str(day): rows for stretch in stretches if _is_far(stretch, middle) for day, rows in stretch}
    total = sum(rows_of_days.values())
    far_rows = sum(far.values())
    if far_rows > wrong_clock_share * total:
        raise UserError(
            f"{far_rows:,} of {total:,} rows of raw.interactions have a time in occurred_at that lies more than {MAXIMUM_DAYS} "
            f"days from the middle one{f' ({middle})' if middle else ''}: {_named(far)}; too many to be set aside as wrong clocks. "
            "Remedy: mend the times, or name the days to measure with --start-date and --end-date; rows outside them are "
            "quarantined by name."
        )

    usual = _at_half(sorted(((rows, rows) for rows in dated.values()), reverse=True))

    def is_apart(stretch: Stretch) -> bool:
        return str(stretch[0][0]) in far or sum(rows for _, rows in stretch) <= wrong_clock_share * usual

    kept = list(stretches)
    while len(kept) > 1 and is_apart(kept[0]):
        kept.pop(0)
    while len(kept) > 1 and is_apart(kept[-1]):
        kept.pop()
    first, last = kept[0][0][0], kept[-1][-1][0]
    outside = {str(day): rows for day, rows in days if not first <= day <= last}
    return LoggedDays(first, last, outside | undated)


def said_apart(days: LoggedDays) -> str:
    """One sentence about the rows that are set aside."""
    return (
        f"{sum(days.apart.values()):,} rows of raw.interactions are set aside as outside_period, because few rows lie so far "
        f"from the other days ({_named(days.apart)}): wrong clocks, most often. Where these days are to be measured, too, name "
        "them with --start-date and --end-date; the var wrong_clock_share says what few is."
    )


def _day(text: str) -> date | None:
    """None for what is no day between the years of Python's calendar: infinity, BC, far future."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def _stretches(days: Stretch) -> list[Stretch]:
    stretches: list[Stretch] = []
    for day, rows in days:
        if stretches and day - stretches[-1][-1][0] == timedelta(days=1):
            stretches[-1].append((day, rows))
        else:
            stretches.append([(day, rows)])
    return stretches


def _is_far(stretch: Stretch, middle: date) -> bool:
    return (stretch[0][0] - middle).days > MAXIMUM_DAYS or (middle - stretch[-1][0]).days > MAXIMUM_DAYS


def _at_half(weighted: list[tuple[int, Value]]) -> Value:
    """The value of the middle row, of values with their numbers of rows."""
    total = sum(rows for rows, _ in weighted)
    sums = accumulate(rows for rows, _ in weighted)
    return next(value for (_, value), so_far in zip(weighted, sums, strict=True) if 2 * so_far >= total)


def _named(days: Mapping[str, int]) -> str:
    named = [f"{day}: {rows:,} rows" for day, rows in list(days.items())[:_NAMED_DAYS]]
    return ", ".join(named) + (f" and {len(days) - _NAMED_DAYS:,} further days" if len(days) > _NAMED_DAYS else "")
