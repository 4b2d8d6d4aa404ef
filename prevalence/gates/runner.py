"""Run a gate: pull its small tables, validate them, store the results as rows and pages, and say what is wrong.

`python -m prevalence.gates.runner <gate> [<gate> ...]`, exit code 0: passed (warnings allowed), 1: blocked, 2: could not be run.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from prevalence.gates import before_draw, before_publication, labels_to_estimates, raw_to_staging
from prevalence.gates.checks import Check, Gate, GateError, Limit, Table
from prevalence.engines.contract import gate_tables
from prevalence.engines.settings import TARGETS, Settings, UserError
from prevalence.engines.warehouse import EngineError, MissingTable, Warehouse, connect

GATES: dict[str, Gate] = {
    module.GATE.name: module.GATE for module in (raw_to_staging, before_draw, labels_to_estimates, before_publication)
}
SEVERITIES = ("blocking", "warning")
SHOWN_ROWS = 3

@dataclass(frozen=True)
class CheckResult:
    """A row of quality.gate_results. observed: the value farthest outside the limits, or nearest to them."""

    gate_name: str
    check_name: str
    table_name: str
    severity: str
    is_passed: bool
    observed: float | None
    limit_text: str
    failing_rows: int
    message: str | None
    subject_fingerprint: str


@dataclass(frozen=True)
class GateReport:
    """What a gate found."""

    gate_name: str
    subject_fingerprint: str
    results: tuple[CheckResult, ...]
    data_docs: Path | None

    @property
    def is_passed(self) -> bool:
        return not self.blocking_failures

    @property
    def blocking_failures(self) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if result.severity == "blocking" and not result.is_passed)

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if result.severity == "warning" and not result.is_passed)

    @property
    def text(self) -> str:
        checks = len(self.results)
        verdict = "passed" if self.is_passed else f"BLOCKED by {len(self.blocking_failures)} of {checks} checks"
        if self.is_passed:
            verdict += f", {checks} checks"
        if self.warnings:
            verdict += f", {len(self.warnings)} warning{'s' if len(self.warnings) > 1 else ''}"
        lines = [f"gate {self.gate_name}: {verdict}"]
        lines += [f"  BLOCKED {result.check_name}: {result.message}" for result in self.blocking_failures]
        lines += [f"  warning {result.check_name}: {result.message}" for result in self.warnings]
        if self.data_docs is not None:
            lines.append(f"  pages: {self.data_docs}")
        return "\n".join(lines)


def run_gate(name: str, settings: Settings, *, with_pages: bool = True) -> GateReport:
    """Run one gate on the warehouse and store its results. Raises GateError when it cannot be run."""
    if name not in GATES:
        raise GateError(f"There is no gate '{name}'. The gates are: {', '.join(GATES)}.")
    gate = GATES[name]
    with _open(settings, read_only=True) as warehouse:
        limits = _limits(warehouse, gate)
        frames = {table.name: _pull(warehouse, table) for table in gate.tables if table.schema is not None}
        if any(table.schema is None for table in gate.tables):
            frames["upstream_gates"] = _upstream_gates(warehouse)
    subject = _subject_fingerprint(gate, frames)
    results, data_docs = _validate(gate, limits, frames, subject, settings.data_docs, with_pages)
    with _open(settings, read_only=False) as warehouse:
        _store(warehouse, gate, subject, results)
    return GateReport(gate.name, subject, results, data_docs)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line: run the named gates in order, stop at the first that is blocked."""
    parser = argparse.ArgumentParser(prog="prevalence gate", description="Run data-quality gates on the warehouse.")
    parser.add_argument("names", nargs="+", metavar="gate", help=f"one or more of: {', '.join(GATES)}")
    parser.add_argument("--target", choices=TARGETS, help="where the warehouse is (or PREVALENCE_TARGET)")
    parser.add_argument(
        "--database",
        type=Path,
        help="the DuckDB file (or PREVALENCE_DUCKDB_PATH; default: warehouse/prevalence.duckdb)",
    )
    arguments = parser.parse_args(argv)
    for name in arguments.names:
        try:
            settings = Settings.from_environment()
            report = run_gate(
                name,
                replace(
                    settings,
                    engine=arguments.target or settings.engine,
                    warehouse=arguments.database.resolve() if arguments.database else settings.warehouse,
                ),
            )
        except (GateError, UserError) as error:
            print(f"gate {name} could not be run: {error}", file=sys.stderr)
            return 2
        print(report.text)
        if not report.is_passed:
            return 1
    return 0


# --- the warehouse ---------------------------------------------------------------------------------------------------


@contextmanager
def _open(settings: Settings, *, read_only: bool) -> Iterator[Warehouse]:
    try:
        with connect(settings, read_only=read_only) as warehouse:
            yield warehouse
    except UserError as error:
        raise GateError(str(error)) from error


def _pull(warehouse: Warehouse, table: Table) -> pd.DataFrame:
    """The table as a pandas frame. Dates become text, so that keys print as one reads them."""
    condition = f" where {table.where}" if table.where else ""
    try:
        frame = warehouse.frame(f"select * from {table.full_name}{condition}")
    except MissingTable as error:
        raise GateError(
            f"Table {table.full_name} is not in the warehouse. Build it first: dbt build --select {table.name} "
            "(prevalence run does it in order)."
        ) from error
    except EngineError as error:
        raise GateError(f"Table {table.full_name} cannot be read: {error.reason}") from error
    for column in frame.columns:
        if pd.api.types.is_datetime64_any_dtype(frame[column]):
            frame[column] = frame[column].dt.strftime("%Y-%m-%d").where(frame[column].notna(), None)
    return frame


def _limits(warehouse: Warehouse, gate: Gate) -> list[Limit]:
    """The gate's rows of the seed, in the order of its checks. Each check has one, and none has no check."""
    try:
        rows = warehouse.rows(
            "select gate_name, check_name, severity, lower_limit, upper_limit from reference.gate_limits where "
            f"gate_name = {warehouse.literal(gate.name)} order by severity"
        )
    except MissingTable as error:
        raise GateError(
            "Table reference.gate_limits is not in the warehouse. Build it first: dbt seed --select gate_limits."
        ) from error
    limits = [Limit(*row) for row in rows]
    names = [check.name for check in gate.checks]
    for limit in limits:
        where = f"seeds/gate_limits.csv, gate {gate.name}, check '{limit.check_name}'"
        if limit.check_name not in names:
            raise GateError(f"{where}: there is no such check. The checks of this gate are: {', '.join(names)}.")
        if limit.severity not in SEVERITIES:
            raise GateError(f"{where}: severity '{limit.severity}' is not one of {', '.join(SEVERITIES)}.")
        if limit.lower is None and limit.upper is None:
            raise GateError(f"{where}: a lower_limit or an upper_limit is needed.")
    missing = [name for name in names if name not in {limit.check_name for limit in limits}]
    if missing:
        raise GateError(
            f"seeds/gate_limits.csv has no limit for these checks of gate {gate.name}: {', '.join(missing)}."
        )
    return sorted(limits, key=lambda limit: (names.index(limit.check_name), limit.severity))


def _upstream_gates(warehouse: Warehouse) -> pd.DataFrame:
    """One row per earlier gate: failed blocking checks for its tables as they are; 1 when it has not run on them."""
    rows = []
    for gate in list(GATES.values())[:-1]:
        frames = {table.name: _pull(warehouse, table) for table in gate.tables}
        subject = _subject_fingerprint(gate, frames)
        try:
            ((run, failed),) = warehouse.rows(
                "select count(*), count(case when severity = 'blocking' and not is_passed then 1 end) from "
                f"quality.gate_results where gate_name = {warehouse.literal(gate.name)} and subject_fingerprint = "
                f"{warehouse.literal(subject)}"
            )
        except MissingTable:
            run, failed = 0, 0
        rows.append({"gate_name": gate.name, "failed_checks": float(failed if run else 1)})
    return pd.DataFrame(rows)


def _store(warehouse: Warehouse, gate: Gate, subject: str, results: Sequence[CheckResult]) -> None:
    """Replace the gate's rows for this subject, all at once. No clock: running a gate twice changes nothing."""
    (table,) = (table for table in gate_tables() if table.name == "gate_results")
    rows = [[getattr(result, column.name) for column in table.columns] for result in results]
    try:
        warehouse.replace(table, {"gate_name": gate.name, "subject_fingerprint": subject}, rows)
    except EngineError as error:
        raise GateError(f"The results could not be written to {table.relation}: {error.reason}") from error


def _subject_fingerprint(gate: Gate, frames: dict[str, pd.DataFrame]) -> str:
    """Names what a gate looked at, whatever the order of rows and the last digits, which differ between runs."""
    candidates = frames.get("release_candidates")
    if candidates is not None:
        return str(candidates["fingerprint"].iloc[0])
    digest = hashlib.md5(usedforsecurity=False)
    for table in gate.tables:
        frame = frames[table.name]
        digest.update(f"{table.full_name}|{'|'.join(frame.columns)}\n".encode())
        lines = sorted(
            "|".join(_stable_text(value) for value in row) for row in frame.itertuples(index=False, name=None)
        )
        digest.update("\n".join(lines).encode())
    return digest.hexdigest()


def _stable_text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA or value is pd.NaT:
        return "null"
    if isinstance(value, float):
        return f"{round(value, 9) + 0.0:.6g}"
    return str(value)


# --- Great Expectations ----------------------------------------------------------------------------------------------


def _great_expectations() -> Any:
    """Great Expectations, imported once and late (4 to 5 seconds), its usage statistics and chatter off."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    with warnings.catch_warnings(), _main_module_with_file():
        warnings.simplefilter("ignore")
        import great_expectations
    return great_expectations


@contextmanager
def _main_module_with_file() -> Iterator[None]:
    """Give the main module a file while PySpark is imported, which Great Expectations does where it is installed.

    PySpark takes a main module without one (`python -c`, a test's worker) for a run of its own doctests and ends the
    process. It does not stay, because multiprocessing would run that file.
    """
    main = sys.modules["__main__"]
    is_without = not hasattr(main, "__file__")
    if is_without:
        main.__file__ = __file__
    try:
        yield
    finally:
        if is_without:
            del main.__file__


CONTEXT_FILE = """\
config_version: 4.0
analytics_enabled: false
progress_bars:
  globally: false
plugins_directory: plugins/
expectations_store_name: expectations
validation_results_store_name: validations
checkpoint_store_name: checkpoints
stores:
  expectations:
    class_name: ExpectationsStore
    store_backend: {{class_name: TupleFilesystemStoreBackend, base_directory: expectations/}}
  validations:
    class_name: ValidationResultsStore
    store_backend: {{class_name: TupleFilesystemStoreBackend, base_directory: validations/}}
  checkpoints:
    class_name: CheckpointStore
    store_backend:
      class_name: TupleFilesystemStoreBackend
      suppress_store_backend_id: true
      base_directory: checkpoints/
  validation_definition_store:
    class_name: ValidationDefinitionStore
    store_backend: {{class_name: TupleFilesystemStoreBackend, base_directory: definitions/}}
data_docs_sites:
  pages:
    class_name: SiteBuilder
    show_how_to_buttons: false
    store_backend: {{class_name: TupleFilesystemStoreBackend, base_directory: {pages}}}
    site_index_builder: {{class_name: DefaultSiteIndexBuilder}}
"""


def _context(gate: Gate, root: Path) -> tuple[Any, Path]:
    """A fresh context for this gate and the folder of its pages, `<root>/<gate>`.

    Fresh: the pages show the last run alone, and a context that a killed run left half-written cannot stop the next.
    """
    pages, context_root = root / gate.name, root / ".contexts" / gate.name
    for folder in (pages, context_root):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        context_root.mkdir(parents=True)
        (context_root / "great_expectations.yml").write_text(
            CONTEXT_FILE.format(pages=f"../../{gate.name}"), encoding="utf-8"
        )
    except OSError as error:
        raise GateError(f"The pages of the gate cannot be written to {root}: {error.strerror}.") from error
    context = _great_expectations().get_context(mode="file", context_root_dir=str(context_root))
    return context, pages


def _validate(
    gate: Gate,
    limits: Sequence[Limit],
    frames: dict[str, pd.DataFrame],
    subject: str,
    root: Path,
    with_pages: bool,
) -> tuple[tuple[CheckResult, ...], Path | None]:
    """Validate each table with its suite; one result per limit, in the order of the limits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gx = _great_expectations()
        context, pages = _context(gate, root)
        source = context.data_sources.add_pandas("quality")
        checks = {check.name: check for check in gate.checks}
        results: dict[tuple[str, str], CheckResult] = {}
        for table in gate.tables:
            table_limits = [limit for limit in limits if checks[limit.check_name].table == table.name]
            if not table_limits:
                continue
            frame = _prepared(frames[table.name], [checks[limit.check_name] for limit in table_limits], table)
            suite = gx.ExpectationSuite(name=f"{gate.name}.{table.name}")
            for limit in table_limits:
                for expectation in _expectations(gx, checks[limit.check_name], limit):
                    suite.add_expectation(expectation)
            batch = source.add_dataframe_asset(table.name).add_batch_definition_whole_dataframe("whole")
            definition = context.validation_definitions.add(
                gx.ValidationDefinition(name=suite.name, data=batch, suite=context.suites.add(suite))
            )
            checkpoint = context.checkpoints.add(
                gx.Checkpoint(
                    name=suite.name,
                    validation_definitions=[definition],
                    result_format={"result_format": "COMPLETE", "unexpected_index_column_names": list(table.keys)},
                )
            )
            run = checkpoint.run(batch_parameters={"dataframe": frame})
            outcomes = [outcome for validation in run.run_results.values() for outcome in validation.results]
            for limit in table_limits:
                own = [o for o in outcomes if o.expectation_config.meta["limit"] == _limit_id(limit)]
                results[limit.check_name, limit.severity] = _check_result(
                    gate, table, checks[limit.check_name], limit, own, frame, subject
                )
        if with_pages:
            context.build_data_docs()
    return tuple(
        results[limit.check_name, limit.severity] for limit in limits
    ), pages / "index.html" if with_pages else None


def _prepared(frame: pd.DataFrame, checks: Sequence[Check], table: Table) -> pd.DataFrame:
    """The frame with the checked columns as doubles, in the order of its keys, so that messages never change."""
    columns = {check.column for check in checks if check.column is not None}
    missing = sorted((columns | set(table.keys)) - set(frame.columns))
    if missing:
        raise GateError(
            f"Table {table.full_name} has no column {', '.join(missing)}. Build it again: dbt build --select "
            f"{table.name}."
        )
    frame = frame.copy()
    for column in sorted(columns):
        frame[column] = pd.to_numeric(frame[column]).astype("float64")
    for key in table.keys:
        frame[key] = frame[key].astype(object).where(frame[key].notna(), "null").astype(str)
    return frame.sort_values(list(table.keys), kind="stable", ignore_index=True)


def _limit_id(limit: Limit) -> str:
    return f"{limit.check_name}.{limit.severity}"


def _expectations(gx: Any, check: Check, limit: Limit) -> list[Any]:
    """The expectations that make up one check under one limit."""
    common = {
        "meta": {"limit": _limit_id(limit)},
        "notes": f"{limit.check_name} ({limit.severity}): {check.expected}.",
        "severity": "critical" if limit.severity == "blocking" else "warning",
    }
    bounds = {"min_value": limit.lower, "max_value": limit.upper}
    if check.column is None:
        return [gx.expectations.ExpectTableRowCountToBeBetween(**bounds, **common)]
    expectations = [gx.expectations.ExpectColumnValuesToBeBetween(column=check.column, **bounds, **common)]
    if not check.may_be_null:
        expectations.append(gx.expectations.ExpectColumnValuesToNotBeNull(column=check.column, **common))
    return expectations


def _check_result(
    gate: Gate, table: Table, check: Check, limit: Limit, outcomes: Sequence[Any], frame: pd.DataFrame, subject: str
) -> CheckResult:
    """One row of quality.gate_results out of what Great Expectations found."""
    for outcome in outcomes:
        if outcome.exception_info.get("raised_exception"):
            raise GateError(f"Check {check.name} could not be made: {outcome.exception_info.get('exception_message')}")
    is_passed = all(outcome.success for outcome in outcomes)
    if check.column is None:
        observed: float | None = float(len(frame))
        failing_rows = 0 if is_passed else 1
        found = f"{table.full_name} has {len(frame)} rows"
    else:
        offending = {
            tuple(str(index[key]) for key in table.keys)
            for outcome in outcomes
            for index in outcome.result.get("unexpected_index_list") or []
        }
        values = frame[check.column].dropna()
        observed = max(values, key=lambda value: (limit.distance(value), value), default=None)
        if observed is not None and limit.lower is not None and limit.distance(observed) == 0:
            # nothing is outside: show the value nearest to a limit
            observed = min(values, key=lambda value: (_margin(limit, value), value))
        failing_rows = len(offending)
        worst = "" if observed is None or is_passed or limit.distance(observed) == 0 else f", worst {observed:g}"
        nulls = int(frame[check.column].isna().sum())
        if not check.may_be_null and nulls:
            worst += f", {nulls} null"
        first = "; ".join(
            " ".join(f"{key}={value}" for key, value in zip(table.keys, row, strict=True))
            for row in sorted(offending)[:SHOWN_ROWS]
        )
        more = f"; and {failing_rows - SHOWN_ROWS} more" if failing_rows > SHOWN_ROWS else ""
        found = f"{table.full_name}.{check.column}: {failing_rows} of {len(frame)} rows{worst} (first: {first}{more})"
    message = None if is_passed else f"{found}. Expected {limit.text}: {check.expected}. Remedy: {check.remedy}"
    if observed is not None:
        observed = float(f"{observed:.9g}")
    return CheckResult(
        gate.name,
        check.name,
        table.full_name,
        limit.severity,
        is_passed,
        observed,
        limit.text,
        failing_rows,
        message,
        subject,
    )


def _margin(limit: Limit, value: float) -> float:
    below = value - limit.lower if limit.lower is not None else math.inf
    above = limit.upper - value if limit.upper is not None else math.inf
    return min(below, above)


if __name__ == "__main__":
    sys.exit(main())
