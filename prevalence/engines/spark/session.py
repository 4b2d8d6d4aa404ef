"""A Spark session in this process, with the Python functions that SQL calls.

Environment variables:
    PREVALENCE_SPARK_FOLDER         tables, metastore and logs; default warehouse/spark
    PREVALENCE_SPARK_CORES          cores of the session; default 2
    PREVALENCE_SPARK_DRIVER_MEMORY  memory of the session's Java process, such as 6g; default 4g
    PREVALENCE_SPARK_LOG_LEVEL      what goes to session.log in that folder: error (default), warn or info
    PREVALENCE_SPARK_SHUFFLE_PARTITIONS  how many parts rows are split into where they change places; default 64
"""

from __future__ import annotations

import atexit
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prevalence.engines.settings import PROJECT, Settings, UserError, display
from prevalence.engines.spark import java, processes

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CORES = "PREVALENCE_SPARK_CORES"
DRIVER_MEMORY = "PREVALENCE_SPARK_DRIVER_MEMORY"
SHUFFLE_PARTITIONS = "PREVALENCE_SPARK_SHUFFLE_PARTITIONS"
# Derby, which keeps the metastore, is for one process at a time
METASTORE_IS_TAKEN = "Another instance of Derby may have already booted the database"
SECONDS_TO_CLOSE = 30
# what the Java of a killed session may take to end
SECONDS_TO_LET_GO = 20.0
# within the scratch folder; Hive lists it whenever a client leaves, and complains when it is not there
HIVE_LOCAL = "hive_local"


def configuration(settings: Settings, scratch: Path | None = None) -> dict[str, str]:
    """What every Spark of this project needs, whether a session or the Thrift server, and why.

    `scratch` is the folder for what it spills; without one it is that of a session in this process.
    """
    folder = settings.spark_folder
    scratch = scratch or scratch_folder(settings)
    return {
        # the engine's clock is UTC, as on DuckDB
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(folder / "tables"),
        # by this key and not by derby.system.home, which makes each Thrift session take 20 seconds to close
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'metastore'};create=true",
        # Derby's log would land in the working directory; quoted, because a folder's name may have a space
        "spark.driver.extraJavaOptions": f'"-Dderby.stream.error.file={folder / "derby.log"}"',
        # what Spark and Hive spill, beside the tables and not on the system's disk
        "spark.local.dir": str(scratch),
        "spark.hadoop.hive.exec.scratchdir": str(scratch / "hive"),
        "spark.hadoop.hive.exec.local.scratchdir": str(scratch / HIVE_LOCAL),
        # one for each client, because a client that leaves removes it
        "spark.hadoop.hive.downloaded.resources.dir": str(scratch / "${hive.session.id}_resources"),
        "spark.hadoop.hive.server2.logging.operation.log.location": str(scratch / "operation_logs"),
        # a killed `create table as` leaves its folder behind; the next run writes it anew
        "spark.sql.legacy.allowNonEmptyLocationInCTAS": "true",
        # inferring what else must be true of a column never ends where views on views compute on computed columns
        "spark.sql.constraintPropagation.enabled": "false",
        # microbatch models replace the partitions that they write, and no others
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        # times in nanoseconds, as data frames hold them, are read as whole numbers (prevalence/engines/spark/spark_warehouse.py)
        "spark.sql.legacy.parquet.nanosAsLong": "true",
        # the most there are: Spark puts small ones together once it knows their sizes, so that many cost little
        "spark.sql.shuffle.partitions": str(whole_number(SHUFFLE_PARTITIONS, default=64, lowest=1, highest=100_000)),
        # a table that goes to every task passes through the driver: it may be as large as a plan's day, not as a day's
        # logs. What is known to be small says so itself (_broadcast)
        "spark.sql.autoBroadcastJoinThreshold": "4m",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # driver and executors are on this machine, and nobody else's business
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }


def scratch_folder(settings: Settings) -> Path:
    """Of a session in this process alone, so that what a killed one left behind can be told from what is in use."""
    return settings.spark_folder / "scratch" / str(os.getpid())


def remove_stale_scratch(settings: Settings) -> None:
    """Remove what killed processes spilled. A number that was given to another process since stays until that ends."""
    folder = settings.spark_folder / "scratch"
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.isdigit() and not processes.is_running(int(path.name)):
            shutil.rmtree(path, ignore_errors=True)


def prepare_environment() -> None:
    """Make the Java, the Spark and the Python that Spark's processes find those of this project's environment.

    Raises UserError where there is no Java or no Spark.
    """
    found = java.require()
    import pyspark

    os.environ["JAVA_HOME"] = str(found.home)
    # another Spark on this machine may be of another version
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["SPARK_CONF_DIR"] = str(Path(__file__).with_name("conf"))
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    # Spark starts Python workers: they must be this interpreter, and find this project
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    path = os.environ.get("PYTHONPATH", "")
    if str(PROJECT) not in path.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(part for part in (str(PROJECT), path) if part)


def memory(variable: str, default: str) -> str:
    """An amount as Java spells it, such as 512m or 2g."""
    value = os.environ.get(variable) or default
    if not re.fullmatch(r"[1-9]\d*[mg]", value.lower()):
        raise UserError(f"{variable} is {value!r}, which is not an amount of memory. Remedy: a number with m or g: 2g.")
    return value.lower()


def whole_number(variable: str, default: int, lowest: int, highest: int) -> int:
    value = os.environ.get(variable) or str(default)
    if not value.isdecimal() or not lowest <= int(value) <= highest:
        raise UserError(f"{variable} is {value!r}. Remedy: a whole number from {lowest} to {highest}.")
    return int(value)


def refuse_held_metastore(settings: Settings, patience_seconds: float = SECONDS_TO_LET_GO) -> None:
    """Raise UserError when another process has the metastore open, before a minute goes into a Spark without one.

    Derby locks this file while it has the database open, and the system unlocks it when the process is killed. The Java
    of a session whose Python was killed notices after a moment, so that the next run has to wait for it.
    """
    deadline = time.monotonic() + patience_seconds
    while _is_metastore_held(settings):
        if time.monotonic() >= deadline:
            raise UserError(_metastore_is_held(settings))
        time.sleep(0.5)


def _is_metastore_held(settings: Settings) -> bool:
    try:
        lock = (settings.spark_folder / "metastore" / "dbex.lck").open("r+")
    except OSError:  # not there yet; or not ours to open, and then Derby says so
        return False
    with lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _metastore_is_held(settings: Settings) -> str:
    return (
        f"Another process holds Spark's metastore in {display(settings.spark_folder)}, and it is for one process at a "
        "time: a session (`prevalence dbt --target session`, a notebook) or the Thrift server of a cluster. Remedy: "
        "end the other one (`prevalence spark stop` for a cluster) and run the command again, or set "
        "PREVALENCE_SPARK_FOLDER to another folder."
    )


def start_session(settings: Settings) -> SparkSession:
    """The session that dbt's method `session` finds; call it before dbt starts. It ends with this process.

    Where this process has a session already, it is that one.

    Raises UserError where Spark cannot run, does not start, or another process holds the metastore.
    """
    cores = whole_number(CORES, default=2, lowest=1, highest=1024)
    options = {**configuration(settings), "spark.driver.memory": memory(DRIVER_MEMORY, "4g")}
    prepare_environment()
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    from python_udfs.spark import register

    if SparkContext._active_spark_context is not None:
        spark = SparkSession.builder.getOrCreate()
        register(spark)
        return spark
    refuse_held_metastore(settings)
    log = settings.spark_folder / "session.log"
    settings.spark_folder.mkdir(parents=True, exist_ok=True)
    remove_stale_scratch(settings)
    (scratch_folder(settings) / HIVE_LOCAL).mkdir(parents=True, exist_ok=True)
    builder = SparkSession.builder.appName("prevalence").master(f"local[{cores}]").enableHiveSupport()
    for key, value in options.items():
        builder = builder.config(key, value)
    try:
        with _java_speaks_to(log):
            spark = builder.getOrCreate()
        atexit.register(stop_session, spark)
        # the metastore opens with the first question: better here than within a model
        spark.sql("show databases").collect()
    except (PySparkException, OSError) as error:
        raise UserError(explain(settings, log, str(error))) from error
    register(spark)
    return spark


def stop_session(spark: SparkSession) -> None:
    """Stop the session and wait for its Java process: until that has ended, nobody else can open the metastore."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is None:
        return
    spark.stop()
    process = getattr(gateway, "proc", None)
    gateway.shutdown()
    SparkContext._gateway = SparkContext._jvm = None
    if process is None:
        return
    process.stdin.close()
    try:
        process.wait(SECONDS_TO_CLOSE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def explain(settings: Settings, log: Path, message: str) -> str:
    """The sentence for a Spark that did not start, from its exception and its log."""
    said = log.read_text(errors="replace") if log.exists() else ""
    if METASTORE_IS_TAKEN in message or METASTORE_IS_TAKEN in said:
        return _metastore_is_held(settings)
    if re.search(r"Could not reserve enough space|OutOfMemoryError|insufficient memory", message + said):
        return (
            f"Spark did not get the memory that it asked for. Remedy: lower {DRIVER_MEMORY}, or close other programs. "
            f"The whole log: {display(log)}"
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()][-5:] or message.strip().splitlines()[:5]
    return "\n".join(
        [f"Spark did not start. Remedy: what it said last may tell, or its whole log {display(log)}:", *lines]
    )


@contextmanager
def _java_speaks_to(log: Path) -> Iterator[None]:
    """A Java process that starts within inherits the log for its stderr, and so do its Python workers.

    It writes there for as long as it lives: warnings of Java's own, which no setting of Spark's keeps from the screen.
    """
    sys.stderr.flush()
    screen = os.dup(2)
    try:
        with log.open("wb") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(screen, 2)
        os.close(screen)
