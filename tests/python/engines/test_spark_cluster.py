"""The Spark cluster's life: started, killed in parts, started again, stopped. Skips where there is no Java."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from prevalence.command_line.cli import main
from prevalence.engines.settings import PROJECT, Settings, UserError
from prevalence.engines.spark import cluster, java, processes, session
from prevalence.engines.spark.dbt_command import target_of

REASON = java.missing()
OPTIONS = cluster.Options(10010, 7077, 0, "2g", "1g", "1g")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    # a folder whose name has a space: Java's options are split at spaces
    monkeypatch.setenv("PREVALENCE_SPARK_FOLDER", str(tmp_path / "spark folder"))
    monkeypatch.setenv("PREVALENCE_DUCKDB_PATH", str(tmp_path / "prevalence.duckdb"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
    # what preparing an environment for Spark changes is put back
    for variable in ("JAVA_HOME", "SPARK_HOME", "SPARK_CONF_DIR", "SPARK_LOCAL_IP", "PYTHONPATH", "PYSPARK_PYTHON"):
        monkeypatch.setenv(variable, os.environ.get(variable, ""))
    monkeypatch.setenv("PYSPARK_DRIVER_PYTHON", os.environ.get("PYSPARK_DRIVER_PYTHON", ""))
    return Settings.from_environment()


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def fake_java(home: Path, version: str) -> Path:
    properties = f"    java.home = {home}\n    java.specification.version = {version}"
    program(home / "bin" / "java", f"/bin/cat >&2 <<END\n{properties}\nEND")
    return home


def test_no_java_is_a_sentence_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(java, "_missing_packages", lambda: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Spark needs Java 17 or newer, and there is none" in java.missing()
    with pytest.raises(UserError, match=r"works without it\. Remedy: install a Java 17 or 21"):
        java.require()
    # macOS: a `java` that only says that there is none
    program(tmp_path / "java", "echo 'Unable to locate a Java Runtime.' >&2; exit 1")
    assert "there is none" in java.missing()


def test_an_old_java_is_named_and_a_newer_one_beside_it_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(java, "_missing_packages", lambda: None)
    old, new = fake_java(tmp_path / "jdk8", "1.8"), fake_java(tmp_path / "jdk21", "21")
    monkeypatch.setenv("JAVA_HOME", str(old))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert f"the one in {old} is Java 8" in java.missing()
    monkeypatch.setenv("PATH", str(new / "bin"))
    assert java.missing() is None
    assert java.require() == java.Java(new, 21)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(java, "_is_installed", lambda module: module == "pyspark")
    with pytest.raises(UserError, match=r"dbt-spark, PyHive are not installed\..*Remedy: pip install"):
        java.require()


def test_commands_print_the_sentence_and_exit_with_2(settings, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(java, "missing", lambda: "There is no Java.")
    for command in (["spark", "start"], ["dbt", "run", "--target", "session"]):
        assert main(command) == 2
        assert capsys.readouterr().err.strip() == "There is no Java."
    monkeypatch.setenv("PREVALENCE_TARGET", "duck")
    assert main(["where"]) == 2
    assert "PREVALENCE_TARGET is 'duck'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        ([], "duckdb"),
        (["run", "--target", "session", "--select", "x"], "session"),
        (["run", "--target=thrift"], "thrift"),
        (["-t", "session", "build"], "session"),
        (["run", "--target-path", "session"], "duckdb"),
        (["run", "--vars", "{target: session}"], "duckdb"),
        (["run", "--target"], "duckdb"),
    ],
)
def test_the_target_of_dbts_arguments(arguments, target, monkeypatch):
    monkeypatch.delenv("DBT_TARGET", raising=False)
    assert target_of(arguments, "duckdb") == target
    monkeypatch.setenv("DBT_TARGET", "thrift")
    assert target_of(arguments, "duckdb") == ("thrift" if target == "duckdb" else target)


def test_state_comes_back_as_it_was_written_and_damage_is_no_state(tmp_path):
    path = tmp_path / "state.json"
    assert cluster.State.read(path) == cluster.State()
    state = cluster.State(OPTIONS, {cluster.MASTER: cluster.Started(12, 7077, ["spark-class", "Master"], 8080)})
    state.write(path)
    assert cluster.State.read(path) == state
    whole = path.read_text()
    for damaged in ("", whole[: len(whole) // 2], "[]", "null", '{"options": {}, "started": {}}'):
        path.write_text(damaged)
        assert cluster.State.read(path) == cluster.State()


def test_a_number_that_is_another_process_now_is_not_ours(settings):
    """As after a reboot: the state names this very process as the master."""
    one = cluster.Cluster(settings)
    one.folder.mkdir(parents=True)
    one.state = cluster.State(OPTIONS, {cluster.MASTER: cluster.Started(os.getpid(), 7077, ["spark-class"], 8080)})
    one.state.write(one.state_path)
    said: list[str] = []
    assert not cluster.Cluster(settings, said.append).status()
    assert len(said) == 5 and all("down" in line for line in said[:4])
    cluster.Cluster(settings, said.append).stop()
    assert said[-1] == "Spark is not running"


def test_stop_ends_what_the_state_does_not_know_and_nothing_else(settings):
    one = cluster.Cluster(settings, lambda line: None)
    one.folder.mkdir(parents=True)
    sleep = [sys.executable, "-c", "import sys, time; time.sleep(60)"]
    forgotten = subprocess.Popen([*sleep, str(one._settings_file(cluster.WORKERS[0]))])
    # the file of a cluster in another folder, whose path ends or begins as ours does
    others = [
        subprocess.Popen([*sleep, f"/other{one._settings_file(cluster.MASTER)}"]),
        subprocess.Popen([*sleep, f"{one._settings_file(cluster.MASTER)}.old"]),
    ]
    try:
        deadline = time.monotonic() + 10
        while not one._all_pids() and time.monotonic() < deadline:
            time.sleep(0.05)
        one.stop()
        assert forgotten.wait(timeout=10) == -signal.SIGTERM
        assert [process.poll() for process in others] == [None, None]
    finally:
        for process in (forgotten, *others):
            process.kill()
            process.wait()


def test_a_taken_port_is_named_before_anything_starts(settings, monkeypatch):
    monkeypatch.setattr(session, "prepare_environment", lambda: None)
    with socket.socket() as taken:
        taken.bind((cluster.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cluster.is_taken(port)
        monkeypatch.setenv(cluster.THRIFT_PORT, str(port))
        monkeypatch.setenv(cluster.MASTER_PORT, str(cluster.free_port()))
        one = cluster.Cluster(settings)
        with pytest.raises(UserError, match=rf"Port {port} .*PREVALENCE_THRIFT_PORT.*nothing was started. Remedy"):
            one.start()
        assert not one.state.started and not one.log(cluster.MASTER).exists()
    assert not cluster.is_taken(port)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (cluster.THRIFT_PORT, "spark", "whole number from 1 to 65535"),
        (cluster.MASTER_PORT, "70000", "whole number from 1 to 65535"),
        (cluster.MASTER_PORT, "10010", "are both 10010"),
        (cluster.EXECUTOR_MEMORY, "plenty", "not an amount of memory"),
        (cluster.WORKER_MEMORY, "512m", "no worker could start an executor"),
    ],
)
def test_an_environment_that_cannot_work_is_refused(settings, monkeypatch, variable, value, sentence):
    monkeypatch.setattr(session, "prepare_environment", lambda: None)
    monkeypatch.delenv(cluster.THRIFT_PORT, raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=sentence):
        cluster.Cluster(settings).start()


def test_a_metastore_that_another_process_holds_is_told_and_a_killed_ones_is_not(settings):
    session.refuse_held_metastore(settings)
    lock = settings.spark_folder / "metastore" / "dbex.lck"
    lock.parent.mkdir(parents=True)
    lock.touch()
    # as Java's FileLock does it
    hold = (
        "import fcntl, sys, time; lock = open(sys.argv[1], 'r+'); fcntl.lockf(lock, fcntl.LOCK_EX); "
        "print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", hold, str(lock)], stdout=subprocess.PIPE) as holder:
        try:
            holder.stdout.readline()
            with pytest.raises(UserError, match="Another process holds Spark's metastore.*Remedy: end the other one"):
                session.refuse_held_metastore(settings, patience_seconds=0)
        finally:
            holder.kill()
    session.refuse_held_metastore(settings)


def test_one_command_at_a_time(settings):
    one, other = cluster.Cluster(settings), cluster.Cluster(settings)
    with one._alone(), pytest.raises(UserError, match="Another `prevalence spark start` or `stop` is at work"):
        other.stop()


def test_processes_know_their_memory_and_descendants():
    own = psutil.Process()
    family = processes.with_descendants([os.getppid()])
    assert own in family and processes.resident_bytes([own]) > 2**20 and "python" in processes.command_of(own)
    assert processes.is_running(own.pid)


def test_a_process_that_has_ended_and_waits_for_its_parent_does_not_run():
    ended = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    ended.stdout.read()
    deadline = time.monotonic() + 10
    while processes.is_running(ended.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes.is_running(ended.pid) and processes.with_descendants([ended.pid]) == set()
    ended.wait()


@pytest.mark.slow
@pytest.mark.skipif(REASON is not None, reason=REASON or "")
def test_a_cluster_starts_survives_what_is_killed_and_stops(settings, monkeypatch):
    for variable in (cluster.THRIFT_PORT, cluster.MASTER_PORT):
        monkeypatch.setenv(variable, str(cluster.free_port()))
    monkeypatch.setenv(session.DRIVER_MEMORY, "512m")
    monkeypatch.setenv(cluster.EXECUTOR_MEMORY, "512m")
    said: list[str] = []
    one = cluster.Cluster(settings, said.append)

    def function_answers() -> None:
        answer = cluster.ask(one.state.started[cluster.SERVER].port, cluster.FUNCTION_QUERY, 60)
        assert answer == pytest.approx(cluster.FUNCTION_ANSWER, abs=1e-12)

    def kill(name: str) -> int:
        pid = one.state.started[name].pid
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        said.clear()
        assert not one.status()
        assert [line.split()[0] for line in said[:4] if line.endswith("down")] == [name]
        return pid

    try:
        one.start()
        function_answers()
        everything = processes.with_descendants(one._all_pids())
        assert len(everything) >= 7  # master, two workers with an executor each, the server and its Java process
        said.clear()
        assert one.status()
        one.start()
        assert said[-1].startswith("Spark is running already")

        pid = kill(cluster.WORKERS[0])
        kept = {name: started for name, started in one.state.started.items() if name != cluster.WORKERS[0]}
        one.start()
        assert one.state.started[cluster.WORKERS[0]].pid != pid
        assert {name: one.state.started[name] for name in kept} == kept
        function_answers()

        ask = cluster.ask
        assert ask(one.state.started[cluster.SERVER].port, "select count(*) from values (1), (2)", 60) == 2
        pid = kill(cluster.SERVER)
        # what the killed server has left of its metastore must not be in the next one's way
        one.start()
        assert one.state.started[cluster.SERVER].pid != pid
        function_answers()
        everything |= processes.with_descendants(one._all_pids())
    finally:
        one.stop()
    assert not [processes.command_of(process) for process in everything if processes.is_running(process.pid)]
    assert not one._all_pids()
    said.clear()
    one.stop()
    assert said == ["Spark is not running"]
    assert not [name for name in ("metastore_db", "derby.log", "spark-warehouse", "artifacts") if Path(name).exists()]
