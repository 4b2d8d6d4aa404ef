"""The demo world on Spark: the tables of DuckDB, whichever process is killed in the middle.

Needs the extra `spark` and Java 17, and skips with a sentence without them. Whole runs take five minutes each, so they wait for
`make test-all`; what they are made of is compared in test_spark_plans, test_warehouse_on_spark and test_spark_cluster.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import in_test_all
from test_killed_run import kill_within

from prevalence.engines.settings import PROJECT, Settings
from prevalence.engines.spark import java, session
from prevalence_evidence import parity

pytestmark = [
    pytest.mark.slow,
    in_test_all,
    pytest.mark.skipif(java.missing() is not None, reason=str(java.missing())),
]

# as many contents as the demo's plans need
DEMO = [
    *("demo", "--interactions", "1500", "--users", "150", "--contents", "3000"),
    *("--start-date", "2026-10-05", "--end-date", "2026-10-06"),
]
TIMEOUT = 900
# as in test_killed_run: early in a step, and not at the same moment in each
SECONDS_INTO_STEP = 4.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all runs of this module keep their warehouses, so that dbt parses the project once for each target."""
    folder = tmp_path_factory.mktemp("spark_runs")
    finish(folder, "duckdb")
    return folder


def environment(folder: Path, target: str, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PREVALENCE_TARGET": target,
        "PREVALENCE_DUCKDB_PATH": str(folder / "prevalence.duckdb"),
        "PREVALENCE_SPARK_FOLDER": str(folder / target),
        "DBT_TARGET_PATH": str(folder / f"dbt_{target}"),
        "DBT_LOG_PATH": str(folder / f"logs_{target}"),
        "PREVALENCE_SPARK_DRIVER_MEMORY": "2g",
        # the world is small
        "PREVALENCE_SPARK_SHUFFLE_PARTITIONS": "2",
        **more,
    }


def start(folder: Path, target: str, *arguments: str, **more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "prevalence.command_line.cli", *(arguments or DEMO)],
        cwd=PROJECT,
        env=environment(folder, target, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(folder: Path, target: str, *arguments: str, **more: str) -> str:
    with start(folder, target, *arguments, **more) as run:
        output = run.communicate(timeout=TIMEOUT)[0].decode()
    assert run.returncode == 0, output
    return output


def differences_from_duckdb(
    folder: Path, target: str, monkeypatch: pytest.MonkeyPatch, **more: str
) -> parity.Comparison:
    for name, value in environment(folder, target, **more).items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_environment()
    settings.enter()
    duckdb = replace(settings, engine="duckdb")
    try:
        return parity.compare(duckdb, settings, parity.compared_tables(duckdb))
    finally:
        from pyspark.sql import SparkSession

        running = SparkSession.getActiveSession()
        if running is not None:
            session.stop_session(running)


def test_a_session_run_ends_in_the_tables_of_duckdb(folder, monkeypatch):
    """And does so after it was killed."""
    killed = start(folder, "session")
    kill_within(killed, "draw, items, assignments", SECONDS_INTO_STEP)
    finish(folder, "session")
    found = differences_from_duckdb(folder, "session", monkeypatch)
    assert found.differences == ()
    assert found.tables > 80 and found.rows > 50_000


@pytest.fixture
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """A cluster on ports of its own; what it says goes to the test's output."""
    with socket.socket() as first, socket.socket() as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        ports = [probe.getsockname()[1] for probe in (first, second)]
    more = {"PREVALENCE_THRIFT_PORT": str(ports[0]), "PREVALENCE_SPARK_MASTER_PORT": str(ports[1])}
    try:
        finish(folder, "thrift", "spark", "start", **more)
        yield more
    finally:
        finish(folder, "thrift", "spark", "stop", **more)


def process_of(folder: Path, name: str, more: dict[str, str]) -> int:
    with start(folder, "thrift", "spark", "status", **more) as run:
        said = run.communicate(timeout=TIMEOUT)[0].decode()
    return int(re.search(rf"^{name}\s+pid (\d+)", said, re.MULTILINE).group(1))


def test_a_worker_and_the_server_are_killed_and_the_next_run_has_the_tables_of_duckdb(folder, cluster, monkeypatch):
    victims = {name: process_of(folder, name, cluster) for name in ("worker-1", "thrift-server")}
    run = start(folder, "thrift", **cluster)
    said = wait_for(run, "demo world")
    os.kill(victims["worker-1"], signal.SIGKILL)
    # one worker is enough to go on with
    said += wait_for(run, "units and frames", said)
    os.kill(victims["thrift-server"], signal.SIGKILL)
    said += run.communicate(timeout=TIMEOUT)[0].decode()
    assert run.returncode == 2, said
    assert "prevalence spark start" in said or "goes on from there" in said, said
    finish(folder, "thrift", "spark", "start", **cluster)
    finish(folder, "thrift", **cluster)
    found = differences_from_duckdb(folder, "thrift", monkeypatch, **cluster)
    assert found.differences == ()


def wait_for(run: subprocess.Popen, title: str, said: str = "") -> str:
    """Read the run's output until it says that the step begins; returns what was read."""
    read = ""
    while title not in said + read:
        chunk = os.read(run.stdout.fileno(), 4096)
        assert chunk, f"the run ended before step '{title}': {said}{read}"
        read += chunk.decode()
    return read
