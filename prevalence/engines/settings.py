"""Where things lie, and the one kind of error that a person is meant to read."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# The outputs of profiles.yml: what a user changes to move to another engine.
TARGETS = ("duckdb", "session", "thrift")


class UserError(Exception):
    """What is wrong, in sentences that end with the remedy. Printed without a stack trace; the command exits with 2."""


@dataclass(frozen=True)
class Settings:
    """The paths of one run. Environment variables are the only configuration besides the command's own options."""

    warehouse: Path
    target: Path
    logs: Path
    # the output of profiles.yml, one of TARGETS; not to be mixed up with dbt's target folder above
    engine: str
    # what Spark keeps: tables, metastore, logs of the cluster
    spark_folder: Path

    @classmethod
    def from_environment(cls) -> "Settings":
        def path(variable: str, default: Path) -> Path:
            value = os.environ.get(variable)
            return Path(value).expanduser().resolve() if value else default

        engine = os.environ.get("PREVALENCE_TARGET", TARGETS[0])
        if engine not in TARGETS:
            raise UserError(
                f"PREVALENCE_TARGET is {engine!r}, which is not a target of profiles.yml. Remedy: one of "
                f"{', '.join(TARGETS)}."
            )
        return cls(
            warehouse=path("PREVALENCE_DUCKDB_PATH", PROJECT / "warehouse" / "prevalence.duckdb"),
            target=path("DBT_TARGET_PATH", PROJECT / "target"),
            logs=path("DBT_LOG_PATH", PROJECT / "logs"),
            engine=engine,
            spark_folder=path("PREVALENCE_SPARK_FOLDER", PROJECT / "warehouse" / "spark"),
        )

    @property
    def dbt_log(self) -> Path:
        return self.logs / "dbt.log"

    @property
    def thrift_address(self) -> tuple[str, int]:
        """Host and port of the Thrift server, as in profiles.yml."""
        port = os.environ.get("PREVALENCE_THRIFT_PORT") or "10010"
        if not port.isdecimal():
            raise UserError(f"PREVALENCE_THRIFT_PORT is {port!r}, which is not a port. Remedy: a whole number: 10010.")
        return os.environ.get("PREVALENCE_THRIFT_HOST") or "127.0.0.1", int(port)

    @property
    def place(self) -> str:
        """Where the warehouse is, to be read after the words `the warehouse`."""
        if self.engine == "thrift":
            host, port = self.thrift_address
            return f"behind the Thrift server {host}:{port}"
        return display(self.warehouse) if self.engine == "duckdb" else f"in {display(self.spark_folder)}"

    def _beside_tables(self, ending: str) -> Path:
        if self.engine == "duckdb":
            return self.warehouse.with_name(self.warehouse.stem + ending)
        return self.spark_folder.with_name(self.spark_folder.name + ending)

    @property
    def chart(self) -> Path:
        return self._beside_tables(".svg")

    @property
    def plan_chart(self) -> Path:
        return self._beside_tables("_plan.svg")

    @property
    def run_lock(self) -> Path:
        """Says which run works on the warehouse (run_lock.py)."""
        return self._beside_tables(".run.lock")

    @property
    def published_copies(self) -> Path:
        """Folder of the Parquet copies of what is published (prevalence/release/copies.py)."""
        return self._beside_tables("_published")

    @property
    def data_docs(self) -> Path:
        return self._beside_tables("_data_docs")

    def beside(self, name: str) -> "Settings":
        """The settings of another warehouse next to this one."""
        if self.engine == "thrift":
            raise UserError(
                f"The Thrift server keeps one warehouse, and this needs another beside it ({name}). Remedy: --target "
                "session or duckdb."
            )
        return replace(
            self,
            warehouse=self.warehouse.with_name(f"{name}{self.warehouse.suffix}"),
            spark_folder=self.spark_folder.with_name(f"{self.spark_folder.name}_{name}"),
        )

    def enter(self) -> None:
        """Make the process look as if it had been started in the project with absolute paths in the environment."""
        try:
            self.chart.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            variable = "PREVALENCE_DUCKDB_PATH" if self.engine == "duckdb" else "PREVALENCE_SPARK_FOLDER"
            raise UserError(
                f"The folder {display(self.chart.parent)} of the warehouse cannot be made ({error.strerror}). Remedy: set "
                f"{variable} to a place that this account may write to."
            ) from error
        os.environ["PREVALENCE_DUCKDB_PATH"] = str(self.warehouse)
        os.environ["PREVALENCE_TARGET"] = self.engine
        os.environ["PREVALENCE_SPARK_FOLDER"] = str(self.spark_folder)
        os.environ["DBT_TARGET_PATH"] = str(self.target)
        os.environ["DBT_LOG_PATH"] = str(self.logs)
        os.environ["DBT_PROFILES_DIR"] = str(PROJECT)
        os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        os.chdir(PROJECT)


# How long to wait for another process that holds the warehouse's file.
WAIT, DEFAULT_WAIT = "PREVALENCE_WAIT_SECONDS", 30


def wait_seconds() -> float:
    value = os.environ.get(WAIT) or str(DEFAULT_WAIT)
    try:
        seconds = float(value)
        if not 0 <= seconds < float("inf"):
            raise ValueError(value)
    except ValueError as error:
        raise UserError(f"{WAIT} is {value!r}. Remedy: a number of seconds, 0 for none, such as 600.") from error
    return seconds


def display(path: Path) -> str:
    """The path as a person in the project's folder would type it."""
    try:
        return str(path.relative_to(PROJECT))
    except ValueError:
        return str(path)
