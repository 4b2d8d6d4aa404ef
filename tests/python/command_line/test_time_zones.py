"""Days of other time zones than UTC: over a change of clocks, over a change of zone, and what is refused."""

from __future__ import annotations

import ast
import contextlib
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conftest import in_test_all
from daily_life import FIRST_DAY, INTERACTIONS, Life, day
from dbt.cli.main import dbtRunner

from prevalence.command_line.due_days import choose_days
from prevalence.engines.dbt import BuildError, Dbt
from prevalence.engines.landing import land
from prevalence.engines.settings import Settings

# clocks in Los Angeles go forward in the night to 8 March
CHANGE = date(2026, 3, 10)
ZONES = [{"time_zone": "America/Los_Angeles"}, {"valid_from": str(CHANGE), "time_zone": "Asia/Kolkata"}]
REFUSED = {
    "'Europe/London'": "which is no list",
    "5": "which is no list",
    "['Europe/London']": "has to have time_zone",
    "[{'zone': 'Europe/London'}]": "has to have time_zone",
    "[{'time_zone': 'Europe/London', 'valid_until': '2026-01-01'}]": "nothing else",
    "[{'time_zone': 'Europe/Londn'}]": "Europe/Londn, which nobody knows",
    "[{'time_zone': 'europe/london'}]": "which nobody knows",
    "[{'time_zone': 'Europe/London', 'valid_from': '2026-02-30'}]": "2026-02-30, which is no day",
    "[{'time_zone': 'Europe/London', 'valid_from': '2026-3-1'}]": "which is no day",
    "[{'time_zone': 'Europe/London'}, {'time_zone': 'UTC'}]": "Row 2 of the var time_zones has no valid_from",
    "[{'time_zone': 'Europe/London', 'valid_from': '2026-03-01'}, {'time_zone': 'UTC', 'valid_from': '2026-03-01'}]": (
        "begins on 2026-03-01, which is not after 2026-03-01"
    ),
}


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREVALENCE_DUCKDB_PATH", str(tmp_path / "prevalence.duckdb"))
        environment.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
        environment.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
        yield Life(tmp_path)


def with_zones(zones: list[dict[str, str]]) -> tuple[str, str]:
    return "--vars", str({"time_zones": zones})


def local_day(time: datetime) -> date:
    """The day by Python's own rules: the first zone's until the day of the change begins there."""
    before = time.astimezone(ZoneInfo("America/Los_Angeles")).date()
    return before if before < CHANGE else max(time.astimezone(ZoneInfo("Asia/Kolkata")).date(), CHANGE)


def expected_days(numbers: range) -> dict[int, int]:
    times = [
        datetime(2026, 3, 2, 0, 5, tzinfo=UTC) + timedelta(days=number, minutes=17 * n)
        for number in numbers
        for n in range(INTERACTIONS)
    ]
    return dict(sorted(Counter((local_day(time) - FIRST_DAY).days for time in times).items()))


def test_what_is_no_list_of_zones_is_refused(life: Life) -> None:
    dbt = Dbt(Settings.from_environment(), None, {}, None)
    said: list[str] = []
    runner = dbtRunner(manifest=dbt.manifest(), callbacks=[lambda event: said.append(event.info.msg)])
    for given, words in REFUSED.items():
        said.clear()
        arguments = json.dumps({"given": ast.literal_eval(given)})
        with contextlib.redirect_stdout(io.StringIO()):
            outcome = runner.invoke(["--log-level", "none", "run-operation", "_time_zones", "--args", arguments])
        text = " ".join(" ".join(said).split())
        assert not outcome.success and words in text and "Remedy" in text, (given, text)
    assert dbt.expression("{{ prevalence._day_of('seen_at') }}") == "cast(seen_at as date)"


def test_an_unknown_zone_is_refused_before_logs_are_read(life: Life) -> None:
    life.write(0)
    said = life.run(*with_zones([{"time_zone": "Mars/Olympus"}]), code=2)
    assert "Mars/Olympus, which nobody knows" in said
    assert "land" not in said and not life.path.exists()


def night(life: Life, zones: list[dict[str, str]]) -> str:
    """The steps of a run up to staging, without data tests; what it says of days."""
    settings = Settings.from_environment()
    settings.enter()
    land(settings, life.raw)
    dbt = Dbt(settings, None, {"time_zones": zones}, None)
    dbt.seed()
    said = choose_days(settings, dbt, None, None, {})
    for window in dbt.windows:
        dbt.within(window).run(selector="stage")
    return said


@in_test_all
def test_days_are_local_over_changes_of_clocks_and_of_zone(life: Life) -> None:
    life.write(*range(7))
    night(life, ZONES[:1])
    assert life.days("staging.stg_interactions") == expected_days(range(7))
    before = life.digest("staging.stg_interactions", f"unit_date < date '{day(5)}'")

    # without a date the days that are measured would be other ones
    with pytest.raises(BuildError, match="days of America/Los_Angeles.* give the new zone a valid_from after"):
        night(life, [{"time_zone": "Asia/Kolkata"}])

    # the last day that was landed was an unfinished one in Los Angeles; the next files have the rest of it
    life.write(*range(7, 11))
    night(life, ZONES)
    found = life.days("staging.stg_interactions")
    assert found == expected_days(range(11)) and sum(found.values()) == 11 * INTERACTIONS
    # from midnight in Los Angeles to midnight in Kolkata: half a day
    assert found[8] < INTERACTIONS * 0.6 < found[7]
    assert life.rows("select count(distinct interaction_id) from staging.stg_interactions") == [(11 * INTERACTIONS,)]
    assert life.digest("staging.stg_interactions", f"unit_date < date '{day(5)}'") == before
    assert life.rows("select count(*) from staging.stg_measured_days where not is_staged") == [(0,)]
    assert life.rows("select count(*) from quality.log_row_accounting where unaccounted_rows <> 0") == [(0,)]
    # components follow their interactions
    assert life.days("staging.stg_components") == {number: 2 * rows for number, rows in found.items()}

    # nothing is new or changed; frames come after staging
    assert "(13 not framed)" in night(life, ZONES)
