"""Who holds the warehouse is named and waited for, two runs at once are refused, and what is published is readable meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from prevalence.engines import warehouse
from prevalence.engines.run_lock import working_alone
from prevalence.engines.settings import Settings, UserError
from prevalence.release.copies import COPIED, write_copies


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = replace(Settings.from_environment(), warehouse=tmp_path / "logs.duckdb", engine="duckdb")
    with duckdb.connect(str(made.warehouse)) as connection:
        connection.execute("create schema marts")
        for name in COPIED:
            connection.execute(f"create table marts.{name} as select 'rel_1' as release_id, 0.25 as prevalence")
    return made


@contextmanager
def process(code: str, *arguments: str | Path) -> Iterator[subprocess.Popen]:
    """Another process, once it has said something."""
    running = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None and running.stdout.readline()
        yield running
    finally:
        running.kill()
        running.wait()


READER = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
time.sleep(float(sys.argv[2]))
"""
RUN = """
import sys, time
from dataclasses import replace
from pathlib import Path
from prevalence.engines.run_lock import working_alone
from prevalence.engines.settings import Settings
with working_alone(replace(Settings.from_environment(), warehouse=Path(sys.argv[1]), engine="duckdb")):
    print("working", flush=True)
    time.sleep(60)
"""


def test_a_reader_is_waited_for(settings, monkeypatch, capsys):
    monkeypatch.setenv("PREVALENCE_WAIT_SECONDS", "20")
    with process(READER, settings.warehouse, 1) as reader, warehouse.connect(settings) as connection:
        assert connection.rows("select prevalence from marts.prevalence")
        said = capsys.readouterr().err
    assert f"waiting up to 20 s for process {reader.pid}" in said and "logs.duckdb" in said


@pytest.mark.parametrize("ready", [False, True])
def test_a_reader_that_stays_is_named(settings, monkeypatch, ready):
    monkeypatch.setenv("PREVALENCE_WAIT_SECONDS", "0.3")
    with process(READER, settings.warehouse, 60) as reader:
        began = time.monotonic()
        with pytest.raises(
            UserError, match=f"Another process holds the warehouse .*: process {reader.pid} .*Remedy"
        ) as refused:
            if ready:
                warehouse.make_ready(settings)  # before dbt starts
            else:
                with warehouse.connect(settings):
                    pass
        assert time.monotonic() - began < 10
    assert "PREVALENCE_WAIT_SECONDS=600" in str(refused.value) and "logs_published" in str(refused.value)


@pytest.mark.parametrize("value", ["soon", "-1", "inf", "nan"])
def test_a_time_to_wait_is_a_number_of_seconds(settings, monkeypatch, value):
    monkeypatch.setenv("PREVALENCE_WAIT_SECONDS", value)
    with pytest.raises(UserError, match="PREVALENCE_WAIT_SECONDS is .*Remedy"), warehouse.connect(settings):
        pass


def test_two_runs_at_once_are_refused(settings):
    with process(RUN, settings.warehouse) as run:
        with pytest.raises(UserError, match=f"Another run works on the warehouse .*process {run.pid} .*Remedy"):
            with working_alone(settings):
                pass
        # another warehouse is another matter
        with working_alone(replace(settings, warehouse=settings.warehouse.with_name("others.duckdb"))):
            pass


def test_what_a_killed_run_leaves_locks_nobody_out(settings):
    with process(RUN, settings.warehouse) as run:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        assert str(run.pid) in settings.run_lock.read_text(), "it had no time to clean up"
        with working_alone(settings), working_alone(settings):
            assert f"process {os.getpid()}" in settings.run_lock.read_text()
    assert settings.run_lock.read_text() == ""


def test_a_command_that_works_says_who_does_already(settings):
    with process(RUN, settings.warehouse) as run:
        environment = {**os.environ, "PREVALENCE_DUCKDB_PATH": str(settings.warehouse)}
        command = [sys.executable, "-c", "import sys; from prevalence.command_line.cli import main; sys.exit(main())"]
        refused = subprocess.run([*command, "run"], env=environment, capture_output=True, text=True, check=False)
        assert refused.returncode == 2 and f"process {run.pid}" in refused.stderr + refused.stdout


def test_copies_are_readable_while_the_warehouse_is_written_and_replaced_whole(settings):
    assert str(settings.published_copies.name) in write_copies(settings)
    copy = settings.published_copies / "prevalence_v2.parquet"
    with duckdb.connect(str(settings.warehouse)) as writer:
        writer.execute("update marts.prevalence_v2 set release_id = 'rel_2'")
        assert duckdb.sql(f"select release_id, prevalence from '{copy}'").fetchall() == [("rel_1", 0.25)]
    with copy.open("rb") as reader:
        write_copies(settings)
        assert reader.read()[:4] == b"PAR1", "who has the older one open reads on in it"
    assert duckdb.sql(f"select release_id from '{copy}'").fetchall() == [("rel_2",)]
    assert sorted(path.name for path in settings.published_copies.iterdir()) == sorted(
        f"{name}.parquet" for name in COPIED
    )


def test_copying_that_was_killed_leaves_the_older_copy(settings, monkeypatch):
    write_copies(settings)
    with duckdb.connect(str(settings.warehouse)) as writer:
        writer.execute("update marts.prevalence set release_id = 'rel_2'")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_copies(settings)
    copy = settings.published_copies / "prevalence.parquet"
    assert duckdb.sql(f"select release_id from '{copy}'").fetchall() == [("rel_1",)]
    monkeypatch.undo()
    write_copies(settings)
    assert duckdb.sql(f"select release_id from '{copy}'").fetchall() == [("rel_2",)]


def test_tables_of_spark_are_parquet_themselves(settings):
    assert "Parquet" in write_copies(replace(settings, engine="session"))
    assert not settings.published_copies.exists()
