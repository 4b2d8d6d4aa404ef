"""A plain `dbt build` beside the command line: every unit test and data test passes, and no row of any table changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from prevalence.engines.settings import PROJECT
from prevalence_evidence.nights.contents import STILL_TO_DO, differences

pytestmark = pytest.mark.slow

START, END = "2026-10-05", "2026-10-08"


def run(folder: Path, *command: str) -> str:
    environment = {
        **os.environ,
        "PREVALENCE_DUCKDB_PATH": str(folder / "prevalence.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    outcome = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert outcome.returncode == 0, outcome.stdout[-4000:] + outcome.stderr[-2000:]
    return outcome.stdout


COVERED = """
    select unit_type, count(*), count_if(true_prevalence between interval_lower and interval_upper), sum(sampled_units)
    from marts.prevalence
    inner join truth.signed_in_prevalence
        using (period_type, period_start, policy_id, unit_type, pivot_name, pivot_value)
    where plan_id = 'user_days_nested' and period_type <> 'week' and pivot_name = 'overall'
    group by unit_type
"""


def check_user_days(database: Path) -> None:
    """One sample gives all four prevalences, of three days and of all together; of 16 intervals each, 14 hold."""
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = {unit_type: counts for unit_type, *counts in connection.execute(COVERED).fetchall()}
    assert rows.keys() == {"component", "interaction", "session", "user_day"}
    for unit_type, (intervals, covered, sampled) in rows.items():
        assert intervals == 16 and covered >= 14 and sampled > 0, unit_type


def test_a_plain_build_passes_every_test_and_changes_no_row(tmp_path: Path) -> None:
    run(
        tmp_path, "prevalence.command_line.cli", "demo", "--interactions", "4000", "--users", "400", "--contents", "6000",
        "--start-date", START, "--end-date", END,
    )  # fmt: skip
    check_user_days(tmp_path / "prevalence.duckdb")
    shutil.copy(tmp_path / "prevalence.duckdb", tmp_path / "before.duckdb")
    said = run(
        tmp_path, "dbt.cli.main", "build", "--event-time-start", START, "--event-time-end", END,
    )  # fmt: skip
    assert "ERROR=0" in said and "WARN=0" in said
    assert "unit test" in said
    assert differences(tmp_path / "before.duckdb", tmp_path / "prevalence.duckdb", STILL_TO_DO) == []
