"""Runs SELECTs that call the package's macros through dbt, in a small project that installs this one.

On DuckDB, which every test has; and on Spark from the same texts, where the extra `spark` and Java are there
(test_estimation_on_spark.py).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult

from workflow.settings import Settings
from workflow.spark.session import start_session, stop_session

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PREVALENCE_SHARED", ROOT.parent / "shared"))

PROJECT = """
name: macro_calls
version: 0.1.0
config-version: 2
profile: macro_calls
flags: {send_anonymous_usage_stats: false, require_generic_test_arguments_property: true}
models:
  macro_calls: {+materialized: table}
  prevalence: {+enabled: false}
seeds:
  prevalence: {+enabled: false}
"""

PROFILE = """
macro_calls:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: "{path}"
      threads: 2
      module_paths: ["{root}"]
      plugins: [{{module: python_udfs.duckdb_plugin}}]
      # as in the project's own profile: sums in one order, the same last digit in each run
      settings: {{threads: 1}}
"""
# compiling for Spark asks no server
SPARK_OUTPUT = "    spark: {type: spark, method: thrift, host: localhost, schema: main, threads: 1}\n"

# between the calls of one model: DuckDB runs them as one query, Spark each as its own
BETWEEN_CALLS = "\nunion all -- the next call\n"

# how a call of an estimation macro begins, and the first CTE after its moments (macros/estimation/_survey_figures.sql)
CTES = "with\n\n"
FIGURES = "\n_sv_figures as ("


def union_of_calls(calls: Mapping[str, str]) -> str:
    """One model of many calls (name -> SQL), told apart by the column `call_id`: a model each would take dbt longer."""
    return BETWEEN_CALLS.join(
        f"select '{call_id}' as call_id, called.* from (\n{text}\n) as called" for call_id, text in calls.items()
    )


class DbtCalls:
    """One dbt project in a temporary folder; `run` builds models in it and returns their rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "calls.duckdb"
        (folder / "models").mkdir()
        (folder / "dbt_project.yml").write_text(PROJECT)
        (folder / "packages.yml").write_text(f"packages:\n  - local: {ROOT}\n")
        (folder / "profiles.yml").write_text(PROFILE.format(path=self.database, root=ROOT))
        self.output = ""
        self._dbt("deps")

    def _invoke(self, *arguments: str) -> dbtRunnerResult:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        folder = str(self.folder)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            result = dbtRunner().invoke(
                [*arguments, "--project-dir", folder, "--profiles-dir", folder, "--log-path", folder, "--quiet"]
            )
        DuckDBConnectionManager.close_all_connections()
        self.output = output.getvalue()
        return result

    def _dbt(self, *arguments: str) -> None:
        result = self._invoke(*arguments)
        if not result.success:
            raise RuntimeError(f"dbt {' '.join(arguments)}: {result.exception or ''}\n{self.output}")

    def _write(self, models: Mapping[str, str]) -> None:
        for path in (self.folder / "models").iterdir():
            path.unlink()
        for name, text in models.items():
            (self.folder / "models" / f"{name}.sql").write_text(text)

    def run(self, models: Mapping[str, str], tables: Mapping[str, str] | None = None) -> dict[str, pd.DataFrame]:
        """Create `tables` (name -> SELECT), build `models` (name -> SQL with Jinja) at once, return each one's rows."""
        with duckdb.connect(str(self.database)) as connection:
            for name, select in (tables or {}).items():
                connection.execute(f"create or replace table {name} as {select}")
        self._write(models)
        self._dbt("run")
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return {name: connection.execute(f"select * from {name}").df() for name in models}

    def refusals(self, models: Mapping[str, str]) -> dict[str, str]:
        """The sentence with which compiling each of `models` (name -> SQL with Jinja) is refused, '' where it is not.

        Parsing stops at the first refusal, so each model is hidden from the parser behind `execute`.
        """
        self._write({name: f"select 1 as one\n{{% if execute %}}{text}{{% endif %}}" for name, text in models.items()})
        results = self._invoke("run").result or []
        messages = {result.node.name: result.message or "" for result in results}
        return {name: messages.get(name, "") for name in models}


def _moments(ctes: str) -> str:
    return f"{CTES}{ctes.rstrip().removesuffix(',')}\nselect * from _sv_moments"


def _cut(query: str) -> tuple[str, str, str]:
    """The query before and after FIGURES; whole, where what follows reads more of what precedes than the moments."""
    head, figures, tail = query.partition(FIGURES)
    earlier = set(re.findall(r"^(_\w+) as \($", head, re.MULTILINE))
    read = earlier & set(re.findall(r"\b_\w+", tail))
    return (head, figures, tail) if read == {"_sv_moments"} else (query, "", "")


class SparkCalls(DbtCalls):
    """`run` on Spark: dbt compiles the same models for it, and a session in this process returns their rows."""

    # Over workflow.spark.session's configuration, and for these tests only: queries of a few hundred rows cost their
    # planning and the code that is compiled for one use.
    SETTINGS = {
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.ui.explainMode": "simple",
    }
    ENVIRONMENT = {
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "PREVALENCE_SPARK_DRIVER_MEMORY": "2g",
    }

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "tables").mkdir()
        with (folder / "profiles.yml").open("a") as profiles:
            profiles.write(SPARK_OUTPUT)
        settings = replace(Settings.from_environment(), engine="session", spark_folder=folder / "spark")
        with pytest.MonkeyPatch.context() as environment:
            for name, value in self.ENVIRONMENT.items():
                environment.setenv(name, value)
            self.session = start_session(settings)
        for key, value in self.SETTINGS.items():
            self.session.conf.set(key, value)

    def run(self, models: Mapping[str, str], tables: Mapping[str, str] | None = None) -> dict[str, pd.DataFrame]:
        """As on DuckDB, which also makes the rows of `tables`, so that both engines read the same ones."""
        with duckdb.connect() as connection:
            for name, select in (tables or {}).items():
                path = str(self.folder / "tables" / f"{name}.parquet")
                connection.execute(f"copy ({select}) to '{path}' (format parquet)")
                self.session.read.parquet(path).createOrReplaceTempView(name)
        self._write(models)
        target = self.folder / "target_spark"
        self._dbt(
            *["compile", "--target", "spark", "--target-path", str(target)],
            *["--no-introspect", "--no-populate-cache"],
        )
        queries = [
            (name, query)
            for name in models
            for query in (target / f"compiled/macro_calls/models/{name}.sql").read_text().split(BETWEEN_CALLS)
        ]
        parts: dict[str, list[pa.Table]] = {name: [] for name in models}
        with ThreadPoolExecutor(2) as threads:
            rows = threads.map(self._rows, self._with_shared_moments([query for _, query in queries], threads))
            for (name, _), part in zip(queries, rows, strict=True):
                parts[name].append(part)
        return {
            name: pa.concat_tables(found, promote_options="permissive").to_pandas() for name, found in parts.items()
        }

    def _rows(self, query: str) -> pa.Table:
        return self.session.sql(query).toArrow()

    def _with_shared_moments(self, queries: list[str], threads: ThreadPoolExecutor) -> list[str]:
        """The queries with their moments read from a view: calls that differ in the interval share all that is before.

        The text of a call is cut at the first CTE of the macro _survey_figures, which reads `_sv_moments` alone.
        """
        cut = [_cut(query) for query in queries]
        starts = [head.partition(CTES) for head, figures, _ in cut if figures]
        moments = list(dict.fromkeys(_moments(ctes) for _, _, ctes in starts))
        views = {}
        for number, (query, rows) in enumerate(zip(moments, threads.map(self._rows, moments), strict=True)):
            views[query] = f"moments_{number}"
            self.session.createDataFrame(rows).createOrReplaceTempView(views[query])
        shared = []
        for head, figures, tail in cut:
            opening, _, ctes = head.partition(CTES)
            if figures:
                head = f"{opening}{CTES}_sv_moments as (select * from {views[_moments(ctes)]}),"
            shared.append(f"{head}{figures}{tail}")
        return shared

    def stop(self) -> None:
        stop_session(self.session)


@pytest.fixture(scope="module")
def spark_calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCalls]:
    calls = SparkCalls(tmp_path_factory.mktemp("spark_calls"))
    yield calls
    calls.stop()


@pytest.fixture(scope="session")
def duckdb_calls(tmp_path_factory: pytest.TempPathFactory) -> DbtCalls:
    return DbtCalls(tmp_path_factory.mktemp("macro_calls"))


@pytest.fixture(scope="session")
def dbt_calls(duckdb_calls: DbtCalls) -> DbtCalls:
    """The engine of the tests that ask for one; test_estimation_on_spark.py puts Spark in its place."""
    return duckdb_calls


@pytest.fixture(scope="session")
def call_text() -> Callable[..., str]:
    """Render a call of a public macro from Python arguments."""

    def literal(value: object) -> str:
        if value is None or isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list):
            return "[" + ", ".join(literal(item) for item in value) + "]"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
        return repr(value)

    def text(macro: str, **arguments: object) -> str:
        rendered = ", ".join(f"{name}={literal(value)}" for name, value in arguments.items())
        return "{{ prevalence." + macro + "(" + rendered + ") }}"

    return text
