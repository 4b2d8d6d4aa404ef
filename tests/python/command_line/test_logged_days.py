"""Which days of a log are measured: every real one, however small, and none that a wrong clock alone has made."""

from datetime import date, timedelta

import pytest

from prevalence.command_line.due_days import windows
from prevalence.command_line.logged_days import logged_days, said_apart
from prevalence.engines.dbt import project_variable
from prevalence.engines.settings import UserError

SHARE = project_variable("wrong_clock_share")
FIRST = date(2026, 10, 5)


def days_with(*rows: int) -> dict[str, int]:
    """Days from the first one on; 0 leaves a day out."""
    return {str(FIRST + timedelta(days=day)): count for day, count in enumerate(rows) if count}


@pytest.mark.parametrize(
    "rows",
    [
        (1,),
        (500,),
        (3, 1, 2, 1),
        (1, 1, 0, 0, 1),
        (100, 0, 90, 0, 0, 0, 110),
        (100, 0, 30),
        (2, 100, 100, 3),
        (1, 1, 1, 10_000),
        (10_000, 1, 1, 1),
        (5, 5, 5, 0, 5, 5, 0, 0, 4),
        (100,) * 900,
        (100, 1, 0, 0, 2, 100),
    ],
    ids=str,
)
def test_days_of_ordinary_logs_are_all_taken(rows):
    days = logged_days(days_with(*rows), SHARE)
    assert (days.first, days.last) == (FIRST, FIRST + timedelta(days=len(rows) - 1))
    assert not days.apart


@pytest.mark.parametrize(
    "wrong",
    [
        {"2026-10-18": 1},
        {"2026-10-10": 2, "2026-10-11": 3},
        {"1970-01-01": 20},
        {"1970-01-01": 40, "9999-12-31": 9},
        {"infinity": 5, "-infinity": 1},
        {"0044-03-15 (BC)": 1, "-0043-03-15": 1, "+294247-01-10": 1, "0001-01-01": 1},
        {str(date(2027, 1, 1) + timedelta(days=2 * day)): 1 for day in range(50)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
@pytest.mark.parametrize("rows", [(100, 100, 90, 10), (100, 80, 0, 100)])
def test_days_of_wrong_clocks_are_set_aside_with_their_rows(rows, wrong):
    days = logged_days(days_with(*rows) | wrong, SHARE)
    assert (days.first, days.last) == (FIRST, FIRST + timedelta(days=3))
    assert dict(days.apart) == wrong
    assert f"{sum(wrong.values())} rows" in said_apart(days) and next(iter(sorted(wrong))) in said_apart(days)


@pytest.mark.parametrize(
    "landed, taken",
    [
        # the next day, the next month, older days, a day in a hole: beside days whose logs are gone
        ({"2026-10-09": 100}, ["2026-10-09"]),
        ({"2026-11-20": 90, "2026-11-21": 100}, ["2026-11-20", "2026-11-21"]),
        ({"2026-09-01": 100}, ["2026-09-01"]),
        ({"2026-10-07": 1}, ["2026-10-07"]),
        # a part of a day next to the last one is of that day; the same part further on may be a wrong clock, until there is more of it
        ({"2026-10-09": 2}, ["2026-10-09"]),
        ({"2026-10-12": 20}, []),
        ({"2026-10-12": 30}, ["2026-10-12"]),
        ({"2026-10-09": 100, "9999-12-31": 3}, ["2026-10-09"]),
        ({"2028-10-09": 40}, []),
    ],
    ids=str,
)
def test_further_days_are_held_against_the_days_in_force(landed, taken):
    in_force = {"2026-10-05": 100, "2026-10-06": 90, "2026-10-08": 100}
    days = logged_days(landed, SHARE, in_force)
    assert {str(day) for day in days.days} == {*in_force, *taken}
    assert set(days.apart) == landed.keys() - set(taken)


def test_what_is_in_force_is_never_set_aside():
    in_force = {"2024-01-01": 1, **days_with(100, 100)}
    assert not logged_days({}, SHARE, in_force).apart
    assert str(logged_days({}, SHARE, in_force).first) == "2024-01-01"


def test_days_to_build_are_few_stretches():
    days = [FIRST + timedelta(days=number) for number in (0, 1, 4, 8, 9, 20)]
    assert [(window.start, window.days) for window in windows(days)] == [
        (FIRST, 5),
        (FIRST + timedelta(days=8), 2),
        (FIRST + timedelta(days=20), 1),
    ]
    assert windows([]) == []


def test_one_row_of_eight():
    days = logged_days({**days_with(3, 4), "9999-12-31": 1}, SHARE)
    assert (days.first, days.last) == (FIRST, FIRST + timedelta(days=1))


@pytest.mark.parametrize("clock", ["1970-01-01", "9999-12-31", "infinity", "0044-03-15 (BC)"])
def test_many_rows_far_away_are_no_matter_of_a_clock(clock):
    with pytest.raises(UserError, match="more than 400 days.*--start-date") as error:
        logged_days({**days_with(100, 100), clock: 90}, SHARE)
    assert clock in str(error.value) and "90 of 290 rows" in str(error.value)


def test_a_log_of_nothing_but_infinity_is_named():
    with pytest.raises(UserError, match="8 of 8 rows.*the middle one: infinity: 8 rows"):
        logged_days({"infinity": 8}, SHARE)
