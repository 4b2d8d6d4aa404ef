"""Logs come and go day by day: what was measured stays, what is new or changed is worked on, and nothing else is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import in_test_all
from daily_life import INTERACTIONS, POLICY, Life, day

from prevalence.engines.settings import PROJECT

pytestmark = pytest.mark.slow

# what was measured, table by table
MEASURED = (
    *("staging.stg_interactions_classified", "staging.stg_components_classified", "staging.stg_staged_days"),
    *("units.unit_interactions", "units.unit_content_days", "frames.frame_units", "frames.frame_totals"),
    *("draws.draw_units", "draws.draw_unit_exposures", "draws.draw_unit_scores", "draws.draw_records"),
    *("labels.label_items", "estimates.est_prevalence", "marts.prevalence"),
)
DAY_COLUMNS = {
    "staging.stg_interactions_classified": "row_date",
    "staging.stg_components_classified": "row_date",
    "draws.draw_units": "sample_date",
    "draws.draw_unit_exposures": "sample_date",
    "draws.draw_unit_scores": "sample_date",
    "draws.draw_records": "sample_date",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of all lives, so that dbt parses the project once."""
    folder = tmp_path_factory.mktemp("lives")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREVALENCE_DUCKDB_PATH", str(folder / "life" / "prevalence.duckdb"))
        environment.setenv("DBT_TARGET_PATH", str(folder / "target"))
        environment.setenv("DBT_LOG_PATH", str(folder / "logs"))
        yield folder


@pytest.fixture(scope="module")
def published(folder: Path) -> Path:
    """Four days that were measured and published."""
    (folder / "life").mkdir()
    life = Life(folder / "life")
    life.write(0, 1, 2, 3)
    life.run()
    assert life.answer() > 0
    life.run(code=0)
    assert life.rows("select count(*) from marts.prevalence where period_type = 'day'") != [(0,)]
    shutil.copytree(folder / "life", folder / "published")
    return folder / "published"


@pytest.fixture
def life(folder: Path, published: Path) -> Life:
    shutil.rmtree(folder / "life")
    shutil.copytree(published, folder / "life")
    return Life.again(folder / "life")


def measured(life: Life, *numbers: int) -> dict[str, tuple]:
    """What tables hold of days; of the figures, those of the days themselves."""
    found = {}
    for relation in MEASURED:
        column = DAY_COLUMNS.get(relation, "unit_date")
        days = ", ".join(f"date '{day(number)}'" for number in numbers)
        where = f"{column} in ({days})"
        if relation in ("estimates.est_prevalence", "marts.prevalence"):
            where = f"period_type = 'day' and period_start in ({days})"
        found[relation] = life.digest(relation, where)
    return found


def dispositions(life: Life, number: int, source: str = "interactions") -> dict[str, int]:
    (row,) = life.rows(
        "select landed_rows, used_rows, duplicate_rows, quarantined_rows, kept_rows, has_logs from quality.row_accounting"
        f" where source_name = '{source}' and row_day = '{day(number)}'"
    )
    return dict(zip(("landed", "used", "duplicate", "quarantined", "kept", "has_logs"), row, strict=True))


def build(*arguments: str) -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "build", *arguments, "--profiles-dir", str(PROJECT)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout[-3000:]


# the nights in `make test` keep five days of logs
@in_test_all
def test_retention_takes_nothing_away(life: Life) -> None:
    """A day whose files are gone, one in the middle without components, and one of which half the rows are left."""
    before = measured(life, 0, 1, 2, 3)
    life.remove(0)
    life.remove(2, tables=["components"])
    life.write(3, interactions="select * from {table} where interaction_id < 'd3_i4'")
    said = life.run()
    assert "no new or changed day; 4 are measured" in said
    assert "2 days stay as they were measured" in said and f"{day(2)}, {day(3)}" in said
    assert measured(life, 0, 1, 2, 3) == before
    assert life.unaccounted() == []
    assert dispositions(life, 0) == {
        "landed": INTERACTIONS, "used": INTERACTIONS, "duplicate": 0, "quarantined": 0, "kept": 0, "has_logs": False
    }  # fmt: skip
    assert dispositions(life, 1)["has_logs"] and not dispositions(life, 2)["has_logs"]
    assert 0 < dispositions(life, 3)["kept"] < INTERACTIONS and dispositions(life, 3)["used"] == INTERACTIONS
    # without the command, over all days, and from nothing as far as dbt lets it
    for options in ((), ("--full-refresh",)):
        build(
            "--selector", "stage", "--event-time-start", str(day(0)), "--event-time-end", str(day(4)),
            "--exclude-resource-type", "unit_test", *options,
        )  # fmt: skip
        assert measured(life, 0, 1, 2, 3) == before


@in_test_all
def test_next_month_alone(life: Life) -> None:
    """The old files are gone; what was published stays beside what comes."""
    before = measured(life, 0, 1, 2, 3)
    life.remove(0, 1, 2, 3)
    life.write(30, 31)
    said = life.run()
    assert f"2 days: {day(30)} to {day(31)} (2 new)" in said
    assert measured(life, 0, 1, 2, 3) == before
    assert set(life.days("draws.draw_units", "sample_date")) == {0, 1, 2, 3, 30, 31}
    assert life.unaccounted() == []
    life.answer()
    life.run(code=0)
    published = life.rows(
        "select period_start, release_status from marts.prevalence where period_type = 'day' and pivot_name = 'overall'"
        " and estimator = 'expert' order by period_start"
    )
    assert {start for start, _ in published} >= {day(number) for number in (0, 1, 2, 3, 30, 31)}
    assert "withdrawn" not in {status for _, status in published}


@in_test_all
def test_a_change_a_repetition_and_scores_of_every_day(life: Life) -> None:
    """One row of a drawn day changes in place, a new day brings events of a day whose logs are gone, scores come daily."""
    before = measured(life, 0, 2, 3)
    draws = life.digest("draws.draw_units")
    life.remove(0)
    life.write(1, interactions="select * replace (if(interaction_id = 'd1_i5', 'FR', country) as country) from {table}")
    repeated = "('d0_i3', 'd0_i4', 'd0_i5')"
    life.write(
        4,
        interactions="""
            select * from {table}
            union all
            select * replace ('d0_i' || substr(interaction_id, 5) as interaction_id)
            from {table} where interaction_id in ('d4_i3', 'd4_i4', 'd4_i5')
        """,
    )
    # a new time each day; in the end one score in five is another one
    life.put(
        "risk_scores",
        f"""
        select 'c' || n as content_id, '{POLICY}' as policy_id, 'v1' as model_version,
            if(d > 3 and n % 5 = 0, 0.5, (n % 20) / 20.0::double) as score,
            timestamp '{day(-1)} 00:00:00' + to_days(cast(d as integer)) as scored_at
        from range(60) as contents (n) cross join range(6) as days (d)
        """,
    )
    said = life.run()
    assert f"2 days: {day(1)}, {day(4)} (1 changed, 1 new)" in said
    assert measured(life, 0, 2, 3) == before
    assert life.rows("select country from staging.stg_interactions where interaction_id = 'd1_i5'") == [("FR",)]
    assert life.digest("draws.draw_units", f"sample_date < date '{day(4)}'") == draws
    assert dispositions(life, 4)["duplicate"] == 3
    assert life.rows(
        f"select count(*), min(unit_date) from staging.stg_interactions where interaction_id in {repeated}"
    ) == [(3, day(0))]
    assert life.unaccounted() == []
    scores = dict(life.rows("select row_disposition, count(*) from staging.stg_risk_scores_classified group by all"))
    assert scores == {"used": 60 + 12 - 3, "duplicate": 360 - 69}
    # what was exported again is no copy that a gate minds
    assert life.rows("select duplicate_share from quality.log_source_profiles where source_name = 'risk_scores'") == [
        (0,)
    ]
    # the score that counts on a day is the newest of its end
    scores_of = "select distinct score_millionths from frames.frame_content_scores where content_id = 'c5' and unit_date = date '{}'"
    assert life.rows(scores_of.format(day(1))) == [(250000,)] and life.rows(scores_of.format(day(4))) == [(500000,)]


@in_test_all
def test_an_unfinished_day_waits(life: Life) -> None:
    """It is left out by its end, then taken in and held, then drawn when the rest of it has come."""
    before = measured(life, 0, 1, 2, 3)
    life.write(4)
    life.write(
        5,
        interactions="select * from {table} where cast(substr(interaction_id, 5) as integer) < 28",
        components="select * from {table} where cast(substr(interaction_id, 5) as integer) < 28",
    )
    said = life.run("--start-date", str(day(3)), "--end-date", str(day(5)))
    assert f"1 days: {day(4)} (1 new)" in said
    assert set(life.days("units.unit_interactions")) == {0, 1, 2, 3, 4}
    outside = life.rows(
        "select count(*) from staging.stg_interactions_unplaced where quarantine_reason = 'outside_period'"
    )
    assert outside != [(0,)] and life.unaccounted() == []
    life.run()
    assert life.rows(
        f"select is_complete, incomplete_reason from staging.stg_measured_days where unit_date = date '{day(5)}'"
    ) == [(False, "few_rows")]
    assert set(life.days("draws.draw_units", "sample_date")) == {0, 1, 2, 3, 4}
    life.write(5)
    said = life.run()
    assert f"1 days: {day(5)} (1 changed)" in said
    assert set(life.days("draws.draw_units", "sample_date")) == {0, 1, 2, 3, 4, 5}
    assert measured(life, 0, 1, 2, 3) == before


@in_test_all
def test_older_days_a_gap_and_wrong_clocks(life: Life) -> None:
    """Days before the first and after a gap come at once, with clocks of no day; the gap is filled in later."""
    before = measured(life, 0, 1, 2, 3)
    life.write(-2, -1)
    clocks = ("9999-12-31", "infinity", "0044-03-15 (BC)", str(day(22)))
    life.write(
        11,
        interactions="select * from {table}"
        + "".join(
            f" union all select * replace ('clock_{number}' as interaction_id, timestamp '{clock}' as occurred_at)"
            " from {table} where interaction_id = 'd11_i1'"
            for number, clock in enumerate(clocks)
        ),
    )
    said = life.run()
    assert f"3 days: {day(-2)} to {day(-1)}, {day(11)} (3 new)" in said
    assert f"{len(clocks)} rows of raw.interactions are set aside" in said and "9999-12-31" in said
    assert set(life.days("units.unit_interactions")) == {-2, -1, 0, 1, 2, 3, 11}
    assert {-2, -1, 11} <= set(life.days("draws.draw_units", "sample_date"))
    assert life.unaccounted() == []
    life.remove(0)
    life.write(5, 6, 7)
    said = life.run()
    assert f"3 days: {day(5)} to {day(7)} (3 new)" in said
    assert {5, 6, 7} <= set(life.days("draws.draw_units", "sample_date"))
    assert measured(life, 0, 1, 2, 3) == before
    assert life.unaccounted() == []
