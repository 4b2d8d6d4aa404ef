"""Runs SELECTs that call the package's macros through dbt, in a small project that installs this one.

On DuckDB, which every test has; and on Spark from the same texts, where the extra `spark` and Java are there
(test_estimation_on_spark.py).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult
from measured_world import build as build_measured_world

from prevalence.engines.settings import Settings
from prevalence.engines.spark.session import start_session, stop_session

# tests that hold a warehouse are about what is said then, and say themselves how long it is waited for
os.environ.setdefault("PREVALENCE_WAIT_SECONDS", "0")

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PREVALENCE_SHARED", ROOT.parent / "shared"))

PROJECT = """
name: macro_calls
version: 0.1.0
config-version: 2
profile: macro_calls
flags: {send_anonymous_usage_stats: false, require_generic_test_arguments_property: true}
vars: {sampling_salt: test}
models:
  macro_calls: {+materialized: table}
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

# how a call of an estimation macro begins, and the first CTE after its moments (macros/survey/shared/_survey_figures)
CTES = "with\n\n"
FIGURES = "\n_sv_figures as ("
# where a row of moments becomes a row of results, and what would read other rows on the way
FINAL = "\n_sv_final as (\n\n    select\n"
OTHER_ROWS = re.compile(r"\b(over|join|group by|distinct|order by|limit)\b")


def union_of_calls(calls: Mapping[str, str]) -> str:
    """One model of many calls (name -> SQL), told apart by the column `call_id`: a model each would take dbt longer."""
    return BETWEEN_CALLS.join(
        f"select '{call_id}' as call_id, called.* from (\n{text}\n) as called" for call_id, text in calls.items()
    )


# `make test-all` sets it; without it `make test` leaves out what takes minutes and says again what something else says
ALL = "PREVALENCE_TESTS"
RUNS_ALL = os.environ.get(ALL) == "all"
in_test_all = pytest.mark.skipif(not RUNS_ALL, reason=f"takes minutes; {ALL}=all, as in `make test-all`, runs it")
# the reference results that Spark checks: all of them, or the calls that _chosen_calls takes
LEFT_OUT = f"the call is left out on Spark; {ALL}=all runs every one"
# Files are the unit that is given to a process, in this order before all others: what takes longest comes first, or one
# process would be at it when the other has nothing left to do.
LONGEST_FILES = (
    *("test_spark_runs.py", "test_real_data_on_spark.py", "test_killed_run.py", "test_estimation_on_spark.py"),
    *("test_real_data.py", "test_spark_plans.py", "test_warehouse_on_spark.py", "test_demo_world_on_spark.py"),
    *("test_demo_world.py", "test_bad_input.py", "test_nights.py", "test_publication.py", "test_spark_cluster.py"),
    *("test_sampling_on_spark.py", "test_replay.py", "test_oracle_survey_estimates.py"),
)
# arguments that say what is counted and from where, and those whose value is a choice among a macro's own words
DATA_ARGUMENTS = {"relation", "y", "x", "weight", "by", "total"}
CHOICES = {
    *("design", "phase_1_design", "phase_2_design", "method", "variance_method", "phase_1_variance"),
    *("lonely_psu", "lonely_psu_in_domain", "interval"),
}


def _chosen_calls(models: Mapping[str, str]) -> set[tuple[str, str]]:
    """(model, call id) of the calls that between them have every argument, every word of it and every case folder.

    In the order of `models`: a call is taken when an argument of its macro, or a word among the values, has not been
    there before, or nothing of its folder has. The calls that differ from a taken one in the interval alone come
    along: they cost little.
    """
    seen, estimates = set(), set()
    calls = []
    for model, text in models.items():
        for call in text.split(BETWEEN_CALLS):
            node = next(jinja2.Environment().parse(call).find_all(jinja2.nodes.Call))
            given = {argument.key: argument.value.as_const() for argument in node.kwargs}
            features = {
                (node.node.attr, name, str(value) if name in CHOICES else "")
                for name, value in given.items()
                if name not in DATA_ARGUMENTS and value not in (None, False)
            } | {model.split("_")[0]}
            estimate = (model, str({name: value for name, value in given.items() if name != "interval"}))
            if not features <= seen:
                estimates.add(estimate)
            seen |= features
            calls.append((estimate, (model, call.split("'")[1])))
    return {call for estimate, call in calls if estimate in estimates}


class ReferenceRows(dict):
    """Rows by (folder, call id, domain), where asking for a call that was left out skips the test."""

    def __init__(self, calls: DbtCalls) -> None:
        self.left_out = calls.left_out

    def __getitem__(self, key: tuple[str, str, Any]) -> Any:
        self._skip(key)
        return super().__getitem__(key)

    def get(self, key: tuple[str, str, Any], default: Any = None) -> Any:
        self._skip(key)
        return super().get(key, default)

    def _skip(self, key: tuple[str, str, Any]) -> None:
        # a folder's calls may be spread over models, which begin with its name
        if any(call_id == key[1] and model.startswith(key[0]) for model, call_id in self.left_out):
            pytest.skip(LEFT_OUT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many results of the reference cases were checked on Spark, where some were left out."""
    results = [
        report
        for outcome in ("passed", "failed", "skipped")
        for report in terminalreporter.stats.get(outcome, [])
        if re.search(r"test_estimation_on_spark\.py::\w+\[[a-n]\d\d_", report.nodeid)
    ]
    left_out = [report for report in results if report.skipped and LEFT_OUT in str(report.longrepr)]
    if left_out:
        terminalreporter.write_line(
            f"Reference cases on Spark: {len(results) - len(left_out)} of {len(results)} tests of results were run; "
            f"{ALL}=all runs every one."
        )


class DbtCalls:
    """One dbt project in a temporary folder; `run` builds models in it and returns their rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "calls.duckdb"
        (folder / "models").mkdir()
        (folder / "dbt_project.yml").write_text(PROJECT)
        # the package without its models, which no call reads: dbt would parse them in each of the runs
        package = folder / "prevalence"
        package.mkdir()
        for name in ("dbt_project.yml", "macros"):
            (package / name).symlink_to(ROOT / name)
        (folder / "packages.yml").write_text(f"packages:\n  - local: {package}\n")
        (folder / "profiles.yml").write_text(PROFILE.format(path=self.database, root=ROOT))
        self.output = ""
        self.left_out: set[tuple[str, str]] = set()
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

    def run_reference(self, models: Mapping[str, str], tables: Mapping[str, str]) -> dict[str, pd.DataFrame]:
        """As `run`, for models of union_of_calls whose rows go into ReferenceRows: an engine may leave calls out."""
        return self.run(models, tables)

    def refusals(self, models: Mapping[str, str]) -> dict[str, str]:
        """The sentence with which compiling each of `models` (name -> SQL with Jinja) is refused, '' where it is not.

        Parsing stops at the first refusal, so each model is hidden from the parser behind `execute`.
        """
        self._write({name: f"select 1 as one\n{{% if execute %}}{text}{{% endif %}}" for name, text in models.items()})
        results = self._invoke("run").result or []
        messages = {result.node.name: result.message or "" for result in results}
        return {name: messages.get(name, "") for name in models}


# all that a view's name cannot have
NOT_A_NAME = {code: "_" for code in range(128) if not chr(code).isalnum()}


@dataclass(frozen=True)
class Call:
    """One call of union_of_calls as Spark runs it: `head` is a query, and `end` what its rows go through after that.

    Calls share heads, because those that differ in the interval share all that is before; and they share ends, which
    take each row of the moments by itself: the text is cut at the first CTE of the macro _survey_figures, which reads
    `_sv_moments` alone. Where a text is not of that form, the head is all of it and the end is empty.
    """

    model: str
    id: str
    head: str
    end: str

    @classmethod
    def of(cls, model: str, query: str) -> Call:
        form = r"select '([^']*)' as call_id, called\.\* from \(\n(.*)\n\) as called\s*"
        match = re.fullmatch(form, query, re.DOTALL)
        if match is None:
            return cls(model, "", query, "")
        text = match.group(2)
        head, figures, tail = text.partition(FIGURES)
        earlier = set(re.findall(r"^(_\w+) as \($", head, re.MULTILINE))
        if (
            not (text.lstrip().startswith(CTES) and FINAL in tail)
            or earlier & set(re.findall(r"\b(?:from|join)\s+(_\w+)", figures + tail)) != {"_sv_moments"}
            or OTHER_ROWS.search(tail)
        ):
            return cls(model, match.group(1), text, "")
        head = head.rstrip().removesuffix(",")
        return cls(model, match.group(1), f"{head}\nselect * from _sv_moments", figures + tail)


def _named(rows: pa.Table, call_id: str) -> pa.Table:
    """The rows with the column `call_id` of union_of_calls, which a model of one query has not."""
    return rows.add_column(0, "call_id", pa.array([call_id] * len(rows), pa.string())) if call_id else rows


class SparkCalls(DbtCalls):
    """`run` on Spark: dbt compiles the same models for it, and a session in this process returns their rows."""

    # Over prevalence.engines.spark.session's configuration, and for these tests only: queries of a few hundred rows cost their
    # planning and the code that is compiled for one use.
    SETTINGS = {
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.ui.explainMode": "simple",
    }
    ENVIRONMENT = {
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m",
        "PREVALENCE_SPARK_DRIVER_MEMORY": "2g",
        # what a page of Spark's would show of queries that are over, had it one
        "PYSPARK_SUBMIT_ARGS": "--conf spark.sql.ui.retainedExecutions=1 pyspark-shell",
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
        calls = [
            Call.of(name, query)
            for name in models
            for query in (target / f"compiled/macro_calls/models/{name}.sql").read_text().split(BETWEEN_CALLS)
        ]
        with ThreadPoolExecutor(2) as threads:
            heads = list(dict.fromkeys(call.head for call in calls))
            rows = dict(zip(heads, threads.map(self._rows, heads), strict=True))
            ends: dict[tuple[str, pa.Schema], list[Call]] = {}
            for call in calls:
                if call.end:
                    ends.setdefault((call.end, rows[call.head].schema), []).append(call)
            finished = threads.map(self._finish, ends.values(), [rows] * len(ends))
            results = {call: rows[call.head] for call in calls if not call.end}
            for part in finished:
                results.update(part)
        return {
            name: pa.concat_tables(
                [_named(results[call], call.id) for call in calls if call.model == name], promote_options="permissive"
            ).to_pandas()
            for name in models
        }

    def run_reference(self, models: Mapping[str, str], tables: Mapping[str, str]) -> dict[str, pd.DataFrame]:
        if RUNS_ALL:
            return self.run(models, tables)
        chosen = _chosen_calls(models)
        taken: dict[str, str] = {}
        for model, text in models.items():
            calls = {(model, call.split("'")[1]): call for call in text.split(BETWEEN_CALLS)}
            self.left_out |= calls.keys() - chosen
            if calls.keys() & chosen:
                taken[model] = BETWEEN_CALLS.join(call for name, call in calls.items() if name in chosen)
        return self.run(taken, tables)

    def _rows(self, query: str) -> pa.Table:
        return self.session.sql(query).toArrow()

    def _finish(self, calls: list[Call], moments: Mapping[str, pa.Table]) -> dict[Call, pa.Table]:
        """The results of calls whose texts agree from the moments on, of all their moments in one query."""
        view = f"moments_of_{calls[0].model}_{calls[0].id}".translate(NOT_A_NAME)
        numbered = [
            moments[call.head].append_column("_call", pa.array([number] * len(moments[call.head]), pa.int64()))
            for number, call in enumerate(calls)
        ]
        self.session.createDataFrame(pa.concat_tables(numbered)).createOrReplaceTempView(view)
        end = calls[0].end.replace(FINAL, f"{FINAL}        _call,\n")
        rows = self._rows(f"with\n\n_sv_moments as (select * from {view}),\n{end}")
        return {
            call: rows.filter(pc.equal(rows["_call"], number)).drop_columns("_call")
            for number, call in enumerate(calls)
        }

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
def measured_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small demo world that was measured and published, to be copied by who changes it."""
    return build_measured_world(tmp_path_factory.mktemp("measured_world"))


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


# --- the project as dbt parses it --------------------------------------------------------------------------------------


def _parsed(folder: Path, variables: str) -> dict:
    command = [
        *[str(Path(sys.executable).with_name("dbt")), "--no-partial-parse", "parse", "--vars", variables],
        *["--project-dir", str(ROOT), "--profiles-dir", str(ROOT)],
        *["--target-path", str(folder), "--log-path", str(folder / "logs")],
    ]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def manifest(tmp_path_factory) -> dict:
    """What dbt makes of the project with everything enabled: the demo world's models, and those of a replay."""
    return _parsed(tmp_path_factory.mktemp("project"), "{demo_world: true, replay: true}")


@pytest.fixture(scope="session")
def manifest_without_replay(tmp_path_factory) -> dict:
    """The same without the models of a replay, in which draws read other relations."""
    return _parsed(tmp_path_factory.mktemp("project_without_replay"), "{demo_world: true}")
