"""Runs SELECTs that call the package's macros through dbt on DuckDB, in a small project that installs this one."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult

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

    def run(self, models: Mapping[str, str], tables: Mapping[str, str] | None = None) -> dict[str, pd.DataFrame]:
        """Create `tables` (name -> SELECT), build `models` (name -> SQL with Jinja) at once, return each one's rows."""
        with duckdb.connect(str(self.database)) as connection:
            for name, select in (tables or {}).items():
                connection.execute(f"create or replace table {name} as {select}")
        for path in (self.folder / "models").iterdir():
            path.unlink()
        for name, text in models.items():
            (self.folder / "models" / f"{name}.sql").write_text(text)
        self._dbt("run")
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return {name: connection.execute(f"select * from {name}").df() for name in models}

    def refusals(self, models: Mapping[str, str]) -> dict[str, str]:
        """The sentence with which compiling each of `models` (name -> SQL with Jinja) is refused, '' where it is not.

        Parsing stops at the first refusal, so each model is hidden from the parser behind `execute`.
        """
        for path in (self.folder / "models").iterdir():
            path.unlink()
        for name, text in models.items():
            text = "{% if execute %}" + text + "{% endif %}"
            (self.folder / "models" / f"{name}.sql").write_text("select 1 as one\n" + text)
        results = self._invoke("run").result or []
        messages = {result.node.name: result.message or "" for result in results}
        return {name: messages.get(name, "") for name in models}


@pytest.fixture(scope="session")
def dbt_calls(tmp_path_factory: pytest.TempPathFactory) -> DbtCalls:
    return DbtCalls(tmp_path_factory.mktemp("macro_calls"))


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
