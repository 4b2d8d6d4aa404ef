"""A standalone Spark cluster on this machine, from the installed PySpark: a master, two workers and a Thrift server.

All of it listens on 127.0.0.1 only, without a password: whoever has an account on this machine can send it SQL. Pids,
ports, command lines and logs lie in PREVALENCE_SPARK_FOLDER/cluster, tables and metastore beside that.

Environment variables, read by `prevalence spark start`:
    PREVALENCE_SPARK_FOLDER           default warehouse/spark
    PREVALENCE_THRIFT_PORT            the Thrift server's port, profiles.yml reads it too; default 10010
    PREVALENCE_SPARK_MASTER_PORT      the master's port; default 7077
    PREVALENCE_SPARK_MASTER_UI_PORT   the master's web page; default 0, which is any free port
    PREVALENCE_SPARK_DRIVER_MEMORY    of the Thrift server, where results are put together; default 2g
    PREVALENCE_SPARK_EXECUTOR_MEMORY  of each of the two executors, where rows are worked on; default 1g
    PREVALENCE_SPARK_WORKER_MEMORY    what each of the two workers may give to executors; default: one executor's
The defaults take about 4 GiB at most for the Java processes and are made for a laptop of two cores.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from prevalence.engines.settings import Settings, UserError, display
from prevalence.engines.spark import processes, session

HOST = "127.0.0.1"
# as in profiles.yml
DEFAULT_THRIFT_PORT = 10010
THRIFT_PORT = "PREVALENCE_THRIFT_PORT"
MASTER_PORT = "PREVALENCE_SPARK_MASTER_PORT"
MASTER_UI_PORT = "PREVALENCE_SPARK_MASTER_UI_PORT"
EXECUTOR_MEMORY = "PREVALENCE_SPARK_EXECUTOR_MEMORY"
WORKER_MEMORY = "PREVALENCE_SPARK_WORKER_MEMORY"

MASTER = "master"
WORKERS = ("worker-1", "worker-2")
SERVER = "thrift-server"
# in the order in which they start
NAMES = (MASTER, *WORKERS, SERVER)

# A command and not a query, so that executors which are at work for somebody do not delay the answer; it fails where
# the functions are not registered.
PROBE = "describe function clopper_pearson_lower"
# A function whose value is known, so that an answer proves the way through executors and their Python.
# 0.4439... is R's qbeta(0.025, 8, 3).
FUNCTION_QUERY = "select clopper_pearson_lower(8, 10, 0.05)"
FUNCTION_ANSWER = 0.4439045376923585

# master and workers only keep books
BOOKKEEPERS_MEMORY = "256m"
BOOKKEEPERS_JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
SECONDS_TO_START = {MASTER: 60, WORKERS[0]: 60, WORKERS[1]: 60, SERVER: 180}
SECONDS_TO_ANSWER = 60
SECONDS_TO_STOP = 15
# of a process that runs already and may be hard at work for somebody: `start` ends one that does not answer by then
SECONDS_TO_PROBE = 30
LOG_LINES = 20


@dataclass(frozen=True)
class Options:
    """What the environment asks for. Ports are numbers of 127.0.0.1; 0 is any free one. Memory as Java spells it."""

    thrift_port: int
    master_port: int
    master_ui_port: int
    driver_memory: str
    executor_memory: str
    worker_memory: str

    @classmethod
    def from_environment(cls) -> Options:
        executor_memory = session.memory(EXECUTOR_MEMORY, "1g")
        options = cls(
            thrift_port=session.whole_number(THRIFT_PORT, DEFAULT_THRIFT_PORT, 1, 65535),
            master_port=session.whole_number(MASTER_PORT, 7077, 1, 65535),
            master_ui_port=session.whole_number(MASTER_UI_PORT, 0, 0, 65535),
            driver_memory=session.memory(session.DRIVER_MEMORY, "2g"),
            executor_memory=executor_memory,
            worker_memory=session.memory(WORKER_MEMORY, executor_memory),
        )
        if _bytes(options.worker_memory) < _bytes(executor_memory):
            # Spark would wait for a bigger worker for ever
            raise UserError(
                f"{WORKER_MEMORY} is {options.worker_memory}, less than the {executor_memory} of {EXECUTOR_MEMORY}: no "
                "worker could start an executor. Remedy: raise the one or lower the other."
            )
        return options


@dataclass(frozen=True)
class Started:
    """One process as it was started. `port` is the one it listens on, `ui_port` the master's page (None elsewhere)."""

    pid: int
    port: int
    command: list[str]
    ui_port: int | None = None


@dataclass
class State:
    """What one command leaves for the next. None of it is taken for true unless a process agrees."""

    options: Options | None = None
    started: dict[str, Started] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> State:
        """The file's state; an empty one when there is no file, or none that can be read (a disk that was full)."""
        try:
            content = json.loads(path.read_text())
            return cls(
                Options(**content["options"]),
                {name: Started(**started) for name, started in content["started"].items() if name in NAMES},
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def write(self, path: Path) -> None:
        """At once or not at all, so that a killed command leaves a file that can be read."""
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=2) + "\n")
        new.replace(path)


class Cluster:
    """The cluster of one PREVALENCE_SPARK_FOLDER."""

    def __init__(self, settings: Settings, say: Callable[[str], None] = print) -> None:
        self.settings = settings
        self.say = say
        self.folder = settings.spark_folder / "cluster"
        # what server and executors spill
        self.scratch = self.folder / "scratch"
        self.state_path = self.folder / "state.json"
        self.state = State.read(self.state_path)

    # what is asked of it

    def start(self) -> None:
        """Start whatever is not running; returns when queries and functions are answered.

        Raises UserError when something does not start; what this call had started is stopped again.
        """
        options = Options.from_environment()
        session.prepare_environment()
        with self._alone():
            self._refuse_other_options(options)
            begun = time.monotonic()
            self._clear_what_cannot_stay()
            wanted = [name for name in NAMES if not self._pid(name)]
            if not wanted:
                self.say(f"Spark is running already: Thrift server on {HOST}:{self.state.started[SERVER].port}")
                return
            self._refuse_taken_ports(options, wanted)
            if SERVER in wanted:
                session.refuse_held_metastore(self.settings)
            self.state.options = options
            try:
                # the others register with the master; they take their seconds side by side
                for names in ([MASTER], NAMES[1:]):
                    launched = time.monotonic()
                    fresh = {name: self._launch(name, options) for name in names if name in wanted}
                    for name, process in fresh.items():
                        self._await(name, process, launched)
                self._await_function(may_be_busy=SERVER not in wanted)
            except BaseException:
                self._end(wanted)
                raise
            self.say(f"Spark answers on {HOST}:{options.thrift_port} after {time.monotonic() - begun:.0f} s")

    def stop(self) -> None:
        """Stop everything of this cluster, whether it is in the state or not."""
        if not self.folder.exists():
            self.say("Spark is not running")
            return
        with self._alone():
            begun = time.monotonic()
            found = bool(self._all_pids())
            self._end(NAMES)
            self.state_path.unlink(missing_ok=True)
            self.say(f"Spark has stopped after {time.monotonic() - begun:.0f} s" if found else "Spark is not running")

    def status(self) -> bool:
        """Say how each process does; True when all is well."""
        is_well = True
        workers = self._workers_of_master()
        for name in NAMES:
            pid = self._pid(name)
            started = self.state.started.get(name)
            condition = self._condition(name, pid, workers)
            is_well = is_well and condition == "up"
            memory = processes.resident_bytes(processes.with_descendants([pid] if pid else [])) / 2**20
            self.say(
                f"{name:<14} pid {pid or '-':<8} port {started.port if started else '-':<6} "
                f"{f'{memory:.0f} MiB' if pid else '-':>9}  {condition}"
            )
        if not is_well:
            self.say("Remedy: `prevalence spark start` starts what is missing; `prevalence spark logs` may say why.")
        return is_well

    def logs(self, name: str | None, lines: int) -> None:
        """Say where the logs lie, and the end of each."""
        for each in [name] if name else NAMES:
            path = self.log(each)
            self.say(f"==> {each}: {display(path)}")
            for line in _tail(path, lines):
                self.say(line)
            if each in WORKERS:
                executors = sorted(self._work_folder(each).glob("*/*/stderr"), key=lambda file: file.stat().st_mtime)
                for file in executors[-1:]:
                    self.say(f"==> {each}, its latest executor: {display(file)}")
                    for line in _tail(file, lines):
                        self.say(line)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    # which processes are there

    def _settings_file(self, name: str) -> Path:
        """The file of the process's settings. Its path in a command line is how a process is known to be ours."""
        return self.folder / (f"{name}.json" if name == SERVER else f"{name}.properties")

    def _is(self, name: str, process: psutil.Process) -> bool:
        path = re.escape(str(self._settings_file(name)))
        return re.search(rf"(^|[\s=]){path}(\s|$)", processes.command_of(process)) is not None

    def _pid(self, name: str) -> int | None:
        """The process, if it runs. The number alone proves nothing: after a reboot it is somebody else's."""
        started = self.state.started.get(name)
        if started is None or not processes.is_running(started.pid):
            return None
        try:
            return started.pid if self._is(name, psutil.Process(started.pid)) else None
        except psutil.NoSuchProcess:
            return None

    def _all_pids(self, names: tuple[str, ...] | list[str] = NAMES) -> dict[int, str]:
        """Every process of this cluster, also those that a killed command had started without writing it down."""
        return {process.pid: name for process in psutil.process_iter() for name in names if self._is(name, process)}

    def _condition(self, name: str, pid: int | None, workers: set[int] | None) -> str:
        if pid is None:
            return "down"
        if name == MASTER:
            return "up" if workers is not None else "does not answer"
        if name in WORKERS:
            return "up" if self.state.started[name].port in (workers or ()) else "not known to the master"
        return "up" if self._ask(PROBE, SECONDS_TO_PROBE) is not None else "does not answer"

    def _workers_of_master(self) -> set[int] | None:
        """Ports of the workers that the master counts as alive; None when it does not answer."""
        started = self.state.started.get(MASTER)
        if started is None:
            return None
        # no proxy: the master is on this machine
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://{HOST}:{started.ui_port}/json/", timeout=SECONDS_TO_PROBE) as page:
                content = json.load(page)
        except (OSError, ValueError):
            return None
        return {worker["port"] for worker in content["workers"] if worker["state"] == "ALIVE"}

    def _ask(self, query: str, seconds: float) -> object:
        """The first column of the first row; None when the server does not answer in time, or refuses."""
        try:
            return ask(self.state.started[SERVER].port, query, seconds)
        except _client_errors():
            return None

    # starting

    def _refuse_other_options(self, options: Options) -> None:
        running = self.state.options
        if running is None or running == options or not any(self._pid(name) for name in NAMES):
            return
        pairs = zip(asdict(running).items(), asdict(options).values(), strict=True)
        others = [f"{name.replace('_', ' ')} {old} and not {new}" for (name, old), new in pairs if old != new]
        raise UserError(
            f"Spark is running with {', '.join(others)}. Remedy: `prevalence spark stop` first, or give the "
            "environment variables that it was started with."
        )

    def _clear_what_cannot_stay(self) -> None:
        """End processes that nobody knows, and those that run but do not answer or have lost their master."""
        known = {self._pid(name) for name in NAMES}
        lost = [pid for pid in self._all_pids() if pid not in known]
        # a process's launcher and its child share the path: those that belong to a known one stay
        kept = {process.pid for process in processes.with_descendants(pid for pid in known if pid)}
        lost = [pid for pid in lost if pid not in kept]
        if lost:
            self.say(f"stopping {len(lost)} process(es) that an interrupted command left behind")
            processes.end(lost, SECONDS_TO_STOP)
        workers = self._workers_of_master()
        for name in NAMES:
            pid = self._pid(name)
            condition = self._condition(name, pid, workers)
            if name == MASTER and condition != "up":
                # workers and server belong to the master that they registered with
                if any(self._pid(other) for other in NAMES):
                    self.say(f"{name} is {condition}: starting the whole cluster again")
                self._end(NAMES)
                return
            if pid is not None and condition != "up":
                self.say(f"{name} {condition}: starting it again")
                self._end([name])
            elif pid is None and name in self.state.started:
                self.say(f"{name} is down: starting it again")

    def _refuse_taken_ports(self, options: Options, wanted: list[str]) -> None:
        ports = {
            MASTER: [(MASTER_PORT, options.master_port), (MASTER_UI_PORT, options.master_ui_port)],
            SERVER: [(THRIFT_PORT, options.thrift_port)],
        }
        seen: dict[int, str] = {}
        for variable, port in (pair for pairs in ports.values() for pair in pairs if pair[1]):
            if port in seen:
                raise UserError(f"{seen[port]} and {variable} are both {port}. Remedy: two different numbers.")
            seen[port] = variable
        for variable, port in (pair for name in wanted for pair in ports.get(name, [])):
            if port and is_taken(port):
                raise UserError(
                    f"Port {port} of {HOST}, which {variable} names, is taken by another program; nothing was started. "
                    f"Remedy: stop that, or set {variable} to a free port."
                )

    def _launch(self, name: str, options: Options) -> subprocess.Popen:
        ui_port = None
        if name == MASTER:
            port, ui_port = options.master_port, options.master_ui_port or free_port()
        else:
            port = options.thrift_port if name == SERVER else free_port()
        command = self._command(name, options, port, ui_port)
        log = self.log(name)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        (self.scratch / session.HIVE_LOCAL).mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            # a session of its own: the terminal that closes, or Ctrl-C in it, is none of its business
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment(name),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.state.started[name] = Started(process.pid, port, command, ui_port)
        self.state.write(self.state_path)
        self.say(f"{name:<14} pid {process.pid:<8} port {port:<6} starting ...")
        return process

    def _await(self, name: str, process: subprocess.Popen, launched: float) -> None:
        deadline = launched + SECONDS_TO_START[name]
        while not self._is_ready(name):
            if process.poll() is not None:
                raise self._failure(name, f"ended with exit code {process.returncode}")
            if time.monotonic() > deadline:
                raise self._failure(name, f"was not ready after {SECONDS_TO_START[name]} s")
            time.sleep(0.3)
        self.say(f"{name:<14} ready after {time.monotonic() - launched:.0f} s")

    def _is_ready(self, name: str) -> bool:
        if name == SERVER:
            return is_taken(self.state.started[SERVER].port) and self._ask("select 1", SECONDS_TO_ANSWER) == 1
        workers = self._workers_of_master()
        return workers is not None if name == MASTER else self.state.started[name].port in (workers or ())

    def _await_function(self, may_be_busy: bool) -> None:
        answer = self._ask(FUNCTION_QUERY, SECONDS_TO_ANSWER)
        if answer is None and may_be_busy:
            self.say(f"the Thrift server is at work: no executor was free for a question within {SECONDS_TO_ANSWER} s")
            return
        if answer is None:
            raise self._failure(SERVER, f"answers, but did not call a Python function within {SECONDS_TO_ANSWER} s")
        if not isinstance(answer, float) or abs(answer - FUNCTION_ANSWER) > 1e-12:
            raise self._failure(SERVER, f"gave {answer} for {FUNCTION_QUERY}, which is {FUNCTION_ANSWER}")

    def _command(self, name: str, options: Options, port: int, ui_port: int | None) -> list[str]:
        file = self._settings_file(name)
        master = f"spark://{HOST}:{options.master_port}"
        if name == SERVER:
            file.write_text(json.dumps(self._server_settings(options, master), indent=2) + "\n")
            return [sys.executable, "-m", "prevalence.engines.spark.thrift_server", "--settings-file", str(file)]
        # a taken port is an error and not a reason to try the next one, because others rely on the number
        lines = ["spark.port.maxRetries 0", "spark.worker.cleanup.enabled true", "spark.master.rest.enabled false"]
        file.write_text("\n".join(lines) + "\n")
        program = str(Path(os.environ["SPARK_HOME"]) / "bin" / "spark-class")
        where = ["--host", HOST, "--port", str(port), "--webui-port", str(ui_port or 0), "--properties-file", str(file)]
        if name == MASTER:
            return [program, "org.apache.spark.deploy.master.Master", *where]
        size = ["--cores", "1", "--memory", options.worker_memory, "--work-dir", str(self._work_folder(name))]
        return [program, "org.apache.spark.deploy.worker.Worker", *where, *size, master]

    def _server_settings(self, options: Options, master: str) -> dict[str, str]:
        common = session.configuration(self.settings, self.scratch)
        java_options = common["spark.driver.extraJavaOptions"]
        return {
            **common,
            # the server's Java process is to be told too: should it outlive its Python, it holds the metastore
            "spark.driver.extraJavaOptions": f'{java_options} "-Dprevalence.settings={self._settings_file(SERVER)}"',
            "spark.master": master,
            "spark.driver.memory": options.driver_memory,
            "spark.executor.memory": options.executor_memory,
            "spark.executor.cores": "1",
            # the functions are registered for one session, so all clients share it
            "spark.sql.hive.thriftServer.singleSession": "true",
            "spark.hadoop.hive.server2.thrift.bind.host": HOST,
            "spark.hadoop.hive.server2.thrift.port": str(options.thrift_port),
        }

    def _environment(self, name: str) -> dict[str, str]:
        environment = {
            **os.environ,
            "PREVALENCE_SPARK_FOLDER": str(self.settings.spark_folder),
            "SPARK_DAEMON_MEMORY": BOOKKEEPERS_MEMORY,
            "SPARK_DAEMON_JAVA_OPTS": BOOKKEEPERS_JAVA,
            "SPARK_LOCAL_DIRS": str(self.scratch),
        }
        if name != SERVER:
            environment.setdefault("PREVALENCE_SPARK_LOG_LEVEL", "info")
        # options of somebody's other Spark
        for variable in ("SPARK_MASTER_OPTS", "SPARK_WORKER_OPTS", "PYSPARK_SUBMIT_ARGS"):
            environment.pop(variable, None)
        return environment

    def _work_folder(self, name: str) -> Path:
        return self.folder / name

    def _failure(self, name: str, what: str) -> UserError:
        log = self.log(name)
        text = log.read_text(errors="replace") if log.exists() else ""
        if name == SERVER and session.METASTORE_IS_TAKEN in text:
            return UserError(session.explain(self.settings, log, text))
        tail = "\n".join(f"  {line}" for line in _tail(log, LOG_LINES))
        return UserError(
            f"Spark did not start, and what had been started for it is stopped again: {name} {what}. Remedy: see the "
            f"end of its log {display(log)}:\n{tail}"
        )

    # stopping

    def _end(self, names: tuple[str, ...] | list[str]) -> None:
        """End these processes and what they started, the last to start first, and forget them."""
        for name in reversed(NAMES):
            if name not in names:
                continue
            processes.end(self._all_pids([name]), SECONDS_TO_STOP)
            self.state.started.pop(name, None)
            self.state.write(self.state_path)
        if not self._all_pids():
            shutil.rmtree(self.scratch, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One command at a time changes the cluster; the state is read anew, as another may have changed it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"The cluster's folder {display(self.folder)} cannot be made: {error.strerror}. Remedy: set "
                "PREVALENCE_SPARK_FOLDER to a folder that this account may write to."
            ) from error
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    "Another `prevalence spark start` or `stop` is at work on this cluster. Remedy: wait for it to end."
                ) from None
            self.state = State.read(self.state_path)
            yield


def ask(port: int, query: str, seconds: float) -> object:
    """First column of the first row of the query's answer from the Thrift server at that port of this machine.

    Raises OSError or TException when the server cannot be reached or does not answer in time, and PyHive's errors when
    it refuses the query.
    """
    import thrift_sasl
    from pyhive import hive
    from pyhive.hive import get_installed_sasl
    from thrift.transport.TSocket import TSocket

    stream = TSocket(HOST, port)
    stream.setTimeout(seconds * 1000)
    # as hive.connect does it for auth NONE, which has no way to set a time limit
    transport = thrift_sasl.TSaslClientTransport(
        lambda: get_installed_sasl(host=HOST, sasl_auth="PLAIN", service=None, username="prevalence", password="x"),
        "PLAIN",
        stream,
    )
    try:
        connection = hive.connect(username="prevalence", thrift_transport=transport)
        cursor = connection.cursor()
        cursor.execute(query)
        return cursor.fetchone()[0]
    finally:
        # not connection.close(), which would wait once more for a server that does not answer
        transport.close()


def _client_errors() -> tuple[type[Exception], ...]:
    """What `ask` raises when the server is not there, hangs up or refuses."""
    from pyhive.exc import Error
    from thrift.Thrift import TException

    return OSError, EOFError, TException, Error


def is_taken(port: int) -> bool:
    """Whether somebody listens at this port of 127.0.0.1, or nobody else may."""
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket() as probe:
        # what a server that ended a moment ago has left does not count
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _bytes(memory: str) -> int:
    return int(memory[:-1]) * {"m": 2**20, "g": 2**30}[memory[-1]]


def _tail(path: Path, lines: int) -> list[str]:
    if not path.exists():
        return ["(there is no log yet)"]
    return path.read_text(errors="replace").splitlines()[-lines:] if lines else []
