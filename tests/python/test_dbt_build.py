"""A plain `dbt build` beside the command line: every unit test and data test passes, and no row of any table changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from warehouse_contents import differences

from workflow.settings import PROJECT

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


def test_a_plain_build_passes_every_test_and_changes_no_row(tmp_path: Path) -> None:
    run(
        tmp_path, "workflow.cli", "demo", "--interactions", "4000", "--users", "400", "--start-date", START,
        "--end-date", END,
    )  # fmt: skip
    shutil.copy(tmp_path / "prevalence.duckdb", tmp_path / "before.duckdb")
    said = run(
        tmp_path, "dbt.cli.main", "build", "--event-time-start", START, "--event-time-end", END,
        "--vars", f"{{period_start_date: '{START}', period_end_date: '{END}'}}",
    )  # fmt: skip
    assert "ERROR=0" in said and "WARN=0" in said
    assert "unit test" in said
    assert differences(tmp_path / "before.duckdb", tmp_path / "prevalence.duckdb") == []
