"""Published sets and spoiled logs give the same rows on Spark as on DuckDB, table by table and column by column.

Needs the extra `spark`, Java 17 and, but for the spoiled logs, the data sets, and skips without them. A set takes
minutes on Spark whatever its size, so they wait for `make test-all` (docs/real-data.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import own_logs
import pytest
from conftest import in_test_all
from test_real_data import DATA

from prevalence.command_line import cli
from prevalence.engines import warehouse
from prevalence.engines.dbt import Dbt
from prevalence.engines.settings import PROJECT, Settings
from prevalence.engines.spark import java, session
from prevalence_evidence import parity
from prevalence_evidence.real_data import measure as real_data

MISSING = java.missing()
pytestmark = [pytest.mark.slow, in_test_all, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]

# what no run that has its answers leaves empty
NEVER_EMPTY = (
    "raw.label_events",
    "draws.draw_units",
    "labels.label_items",
    "estimates.est_prevalence",
    "marts.prevalence",
)


@pytest.fixture(scope="module")
def session_folder(tmp_path_factory) -> Iterator[Path]:
    """One for all tests, because a session belongs to one folder and takes ten seconds to start."""
    yield tmp_path_factory.mktemp("session")
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        session.stop_session(running)


@pytest.fixture
def places(tmp_path, session_folder, monkeypatch) -> dict[str, Path]:
    """A folder for each engine."""
    monkeypatch.chdir(PROJECT)
    for variable in ("PREVALENCE_DUCKDB_PATH", "PREVALENCE_SPARK_FOLDER", "PREVALENCE_RAW_FOLDER"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("PREVALENCE_TARGET", "duckdb")
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
    return {"duckdb": tmp_path, "session": session_folder}


def counted(settings: Settings, tables: Sequence[str]) -> dict[str, int]:
    with warehouse.connect(settings, read_only=True) as connection:
        return connection.row_counts(tables)


@pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the data sets are not in {DATA}; PREVALENCE_SHARED says where their folder `data` is"
)
@pytest.mark.parametrize("name", real_data.SETS)
def test_a_published_set_is_the_same_in_every_table(name, places):
    measured = {engine: real_data.measure(name, DATA, work, target=engine) for engine, work in places.items()}
    ours, theirs = (real_data.settings_of(work, engine) for engine, work in places.items())
    assert [row.plan_id for row in measured["session"]] == [row.plan_id for row in measured["duckdb"]] != []
    for left, right in zip(*measured.values(), strict=True):
        assert right.prevalence == pytest.approx(left.prevalence, rel=parity.RELATIVE_TOLERANCE, abs=0)
    assert all(counted(ours, NEVER_EMPTY).values())
    found = parity.compare(ours, theirs, parity.compared_tables(ours))
    assert found.tables > 60
    assert found.differences == ()


def test_what_is_set_aside_is_the_same_row_by_row(places):
    raw = own_logs.write(places["duckdb"] / "raw", **own_logs.spoiled())
    for engine, work in places.items():
        settings = real_data.settings_of(work, engine)
        real_data.start_afresh(settings, work)
        settings.enter()
        assert cli.main(["run", "--target", engine, "--raw-folder", str(raw)]) == 0
    assert_the_same_is_set_aside(*(real_data.settings_of(work, engine) for engine, work in places.items()))


def assert_the_same_is_set_aside(ours: Settings, theirs: Settings) -> None:
    for settings in (ours, theirs):
        settings.enter()
        # the run has stopped at the labels it asks for, before the tables of all that was set aside
        dbt = Dbt(settings, None, {"demo_world": False}, None)
        dbt.run("quarantined_label_events", "quarantined_rows")
    tables = parity.compared_tables(ours)
    present = [relations(settings, tables) for settings in (ours, theirs)]
    assert present[0] == present[1]
    assert {"quality.quarantined_rows", "labels.label_items"} <= present[0] < {table.relation for table in tables}
    with warehouse.connect(ours, read_only=True) as connection:
        reasons = connection.rows("select distinct source_name, quarantine_reason from quality.quarantined_rows")
        late = connection.rows("select count(*) from staging.stg_interactions where is_late")
    assert len(reasons) == 14 and late == [(1,)]
    assert parity.compare(ours, theirs, [table for table in tables if table.relation in present[0]]).differences == ()


def relations(settings: Settings, tables: Sequence[parity.ComparedTable]) -> set[str]:
    """Those of the tables that the warehouse has."""
    with warehouse.connect(settings, read_only=True) as connection:
        schemas = {table.schema for table in tables}
        found = {f"{schema}.{name}" for schema in schemas for name in connection.relations(schema)}
    return found & {table.relation for table in tables}
