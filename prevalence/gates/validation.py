"""Validate a gate's tables with Great Expectations: suites are made from its checks, results and a page from what they find."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from prevalence.engines.terminal import plain
from prevalence.gates.checks import Check, Gate, GateError, Limit, Table
from prevalence.gates.page import page

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


def _context(gx: Any) -> Any:
    """A context that is gone with the process: no file, and nothing that reports what is done."""
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars={"globally": False},
        data_docs_sites={},
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _write_page(gate: Gate, results: Sequence[CheckResult], subject: str, root: Path) -> Path:
    """The gate's page, `<root>/<gate>/index.html`; the folder holds the last run alone."""
    folder = root / gate.name
    # earlier versions kept their working files beside the pages
    for old in (folder, root / ".contexts"):
        shutil.rmtree(old, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(page(gate, results, subject), encoding="utf-8")
    except OSError as error:
        raise GateError(f"The pages of the gate cannot be written to {root}: {error.strerror}.") from error
    return folder / "index.html"


def validate(
    gate: Gate, frames: dict[str, pd.DataFrame], subject: str, root: Path, with_pages: bool
) -> tuple[tuple[CheckResult, ...], Path | None]:
    """Validate each table with its suite; one result per check and severity, in the order of the checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gx = _great_expectations()
        context = _context(gx)
        source = context.data_sources.add_pandas("quality")
        results: dict[tuple[str, str], CheckResult] = {}
        for table in gate.tables:
            checks = [check for check in gate.checks if check.table == table.name]
            if not checks:
                continue
            frame = _prepared(frames[table.name], checks, table)
            suite = gx.ExpectationSuite(name=f"{gate.name}.{table.name}")
            for check in checks:
                for limit in check.limits:
                    for expectation in _expectations(gx, check, limit):
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
            for check in checks:
                for limit in check.limits:
                    own = [o for o in outcomes if o.expectation_config.meta["limit"] == _limit_id(check, limit)]
                    results[check.name, limit.severity] = _check_result(gate, table, check, limit, own, frame, subject)
    in_order = tuple(results[check.name, limit.severity] for check in gate.checks for limit in check.limits)
    return in_order, _write_page(gate, in_order, subject, root) if with_pages else None


def _prepared(frame: pd.DataFrame, checks: Sequence[Check], table: Table) -> pd.DataFrame:
    """The frame with the checked columns as doubles, in the order of its keys, so that messages never change."""
    for check in checks:
        if check.column is not None and check.column not in frame.columns:
            raise GateError(
                f"Table {table.full_name} has no column {check.column}. Build it again: dbt build --select {table.name}; "
                f"or mend column_name in {check.place}."
            )
    missing = [key for key in table.keys if key not in frame.columns]
    if missing:
        raise GateError(
            f"Table {table.full_name} has no column {', '.join(missing)}. Build it again: dbt build --select "
            f"{table.name}; or mend its key_columns in seeds/gate_tables.csv."
        )
    columns = {check.column for check in checks if check.column is not None}
    frame = frame.copy()
    for column in sorted(columns):
        frame[column] = pd.to_numeric(frame[column]).astype("float64")
    for key in table.keys:
        frame[key] = frame[key].astype(object).where(frame[key].notna(), "null").astype(str)
    return frame.sort_values(list(table.keys), kind="stable", ignore_index=True)


def _limit_id(check: Check, limit: Limit) -> str:
    return f"{check.name}.{limit.severity}"


def _expectations(gx: Any, check: Check, limit: Limit) -> list[Any]:
    """The expectations that make up one check under one limit."""
    common = {
        "meta": {"limit": _limit_id(check, limit)},
        "notes": f"{check.name} ({limit.severity}): {check.expected}.",
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
            observed = min(values, key=lambda value: (limit.margin(value), value))
        failing_rows = len(offending)
        worst = "" if observed is None or is_passed or limit.distance(observed) == 0 else f", worst {observed:g}"
        nulls = int(frame[check.column].isna().sum())
        if not check.may_be_null and nulls:
            worst += f", {nulls} null"
        first = "; ".join(
            " ".join(f"{key}={plain(value)}" for key, value in zip(table.keys, row, strict=True))
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
        check.severity(limit),
        is_passed,
        observed,
        limit.text,
        failing_rows,
        message,
        subject,
    )
