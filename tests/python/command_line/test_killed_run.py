"""A finished run that is built with dbt alone, killed and repeated, or given late rows: the same tables, draws that stay drawn."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

from prevalence.engines.settings import PROJECT
from prevalence_evidence.nights.contents import STILL_TO_DO, differences

pytestmark = pytest.mark.slow

START, END = "2026-10-05", "2026-10-08"
# as many contents as the demo's plans need
DEMO = [
    *("demo", "--interactions", "4000", "--users", "400", "--contents", "6000"),
    *("--start-date", START, "--end-date", END),
]
# The run is killed within each of these steps, one run after the other: while raw tables are written, while days are
# replaced, and while a draw that is for ever is appended.
KILLED_STEPS = ("demo world", "staging", "draw, items, assignments")
SEED = 20261005
TIMEOUT = 900
# what is still to be done when a run begins, and the results of gates that looked at it: a repeated run finds nothing
LAST_RUN = (*STILL_TO_DO, "quality.gate_results")

COVERED = """
    select unit_type, count(*), count_if(true_prevalence between interval_lower and interval_upper), sum(sampled_units)
    from marts.prevalence
    inner join truth.signed_in_prevalence
        using (period_type, period_start, policy_id, unit_type, pivot_name, pivot_value)
    where plan_id = 'user_days_nested' and period_type <> 'week' and pivot_name = 'overall'
    group by unit_type
"""


def start(folder: Path, *arguments: str, module: str = "prevalence.command_line.cli") -> subprocess.Popen:
    environment = {
        **os.environ,
        "PREVALENCE_DUCKDB_PATH": str(folder / "prevalence.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(folder: Path, *arguments: str, module: str = "prevalence.command_line.cli", exit_code: int = 0) -> str:
    with start(folder, *arguments, module=module) as run:
        output = run.communicate(timeout=TIMEOUT)[0].decode()
    assert run.returncode == exit_code, output
    return output


def kill_within(run: subprocess.Popen, title: str, delay: float) -> str:
    """Kill the process `delay` seconds after it has said that the step begins; returns what it had said."""
    said = ""
    while not re.search(re.escape(title), said):
        chunk = os.read(run.stdout.fileno(), 4096)
        assert chunk, f"the run ended before step '{title}': {said}"
        said += chunk.decode()
    time.sleep(delay)
    assert run.poll() is None, f"the run ended within {delay:.1f} s of step '{title}': {said}"
    run.send_signal(signal.SIGKILL)
    run.wait(timeout=TIMEOUT)
    run.stdout.close()
    return said


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The folder of an undisturbed run. All runs share it, so that dbt parses the project once."""
    folder = tmp_path_factory.mktemp("runs")
    finish(folder, *DEMO)
    shutil.copy(folder / "prevalence.duckdb", folder / "undisturbed.duckdb")
    return folder


@pytest.fixture
def folder(finished) -> Path:
    """The same folder with the warehouse as the undisturbed run left it."""
    shutil.copy(finished / "undisturbed.duckdb", finished / "prevalence.duckdb")
    (finished / "prevalence.duckdb.wal").unlink(missing_ok=True)
    return finished


def changes(folder: Path) -> list[str]:
    return differences(folder / "undisturbed.duckdb", folder / "prevalence.duckdb", LAST_RUN)


def test_one_sample_of_user_days_gives_all_four_prevalences(folder):
    """Of three days and of all together; of 16 intervals of each unit type, 14 hold."""
    with duckdb.connect(str(folder / "prevalence.duckdb"), read_only=True) as connection:
        rows = {unit_type: counts for unit_type, *counts in connection.execute(COVERED).fetchall()}
    assert rows.keys() == {"component", "interaction", "session", "user_day"}
    for unit_type, (intervals, covered, sampled) in rows.items():
        assert intervals == 16 and covered >= 14 and sampled > 0, unit_type


def test_a_plain_build_passes_every_test_and_changes_no_row(folder):
    window = ("--event-time-start", START, "--event-time-end", END)
    said = finish(folder, "build", *window, module="dbt.cli.main")
    assert "ERROR=0" in said and "WARN=0" in said
    assert "unit test" in said
    assert changes(folder) == []
    # what would leave the marts without rows until the next run
    said = finish(folder, "run", "--empty", "--select", "stg_policies", module="dbt.cli.main", exit_code=2)
    assert "--empty builds each table" in said and "Nothing was built. Remedy: " in said
    assert changes(folder) == []


def test_killed_and_repeated_runs_end_in_the_same_tables(folder):
    (folder / "prevalence.duckdb").unlink()
    randomness = random.Random(SEED)
    for title in KILLED_STEPS:
        kill_within(start(folder, *DEMO), title, randomness.uniform(0.05, 0.6))
    finish(folder, *DEMO)
    assert changes(folder) == []


def test_late_rows_change_units_and_frames_but_no_draw(folder):
    late = 60
    with duckdb.connect(str(folder / "prevalence.duckdb")) as connection:
        connection.execute(
            f"""
            insert into raw.interactions by name
            select * replace (
                'late_' || interaction_id as interaction_id,
                timestamp '2026-10-06 09:00:00' as occurred_at,
                timestamp '2026-10-09 09:00:00' as received_at
            )
            from raw.interactions
            where interaction_id in (select interaction_id from staging.stg_interactions)
            qualify row_number() over (partition by interaction_id order by occurred_at) = 1
            order by interaction_id
            limit {late}
            """
        )
        connection.execute(
            """
            insert into raw.components by name
            select * replace ('late_' || interaction_id as interaction_id)
            from raw.components
            where 'late_' || interaction_id in (select interaction_id from raw.interactions)
            """
        )
    finish(folder, *DEMO)
    changed = {line.split(":")[0] for line in changes(folder)}
    assert {"units.unit_interactions", "units.unit_content_days", "frames.frame_units"} <= changed
    assert not changed & {"draws.draw_units", "draws.draw_audits", "raw.label_events", "labels.label_items"}
    with duckdb.connect(str(folder / "prevalence.duckdb"), read_only=True) as connection:
        assert connection.execute(
            "select count(*) from staging.stg_interactions_classified where row_disposition = 'late'"
            " and interaction_id like 'late_%'"
        ).fetchone() == (late,)
        gaps = connection.execute(
            "select sample_date, uncovered_exposure from quality.frame_coverage"
            " where plan_id = 'interactions_holdout' and uncovered_exposure <> 0"
        ).fetchall()
    assert gaps == [(date(2026, 10, 6), late)]
