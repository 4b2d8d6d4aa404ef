"""Run a gate: pull its small tables, validate them, store the results as rows and pages, and say what is wrong."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from prevalence.engines.contract import gate_tables
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.warehouse import connect
from prevalence.engines.warehouse_interface import EngineError, MissingTable, Warehouse
from prevalence.gates.checks import GATES, HOLDING, UPSTREAM_GATES, Gate, GateError, Table
from prevalence.gates.definitions import read_gates
from prevalence.gates.validation import CheckResult, validate


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
        """What stops everything."""
        return self._failures("blocking")

    @property
    def holding_failures(self) -> tuple[CheckResult, ...]:
        """What holds back parts: the rest goes on."""
        return self._failures(HOLDING)

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        return self._failures("warning")

    def _failures(self, severity: str) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if result.severity == severity and not result.is_passed)

    @property
    def text(self) -> str:
        checks = len(self.results)
        verdict = "passed" if self.is_passed else f"BLOCKED by {len(self.blocking_failures)} of {checks} checks"
        if self.is_passed:
            verdict += f", {checks} checks"
        if self.holding_failures:
            verdict += f", {len(self.holding_failures)} of which hold parts back"
        if self.warnings:
            verdict += f", {len(self.warnings)} warning{'s' if len(self.warnings) > 1 else ''}"
        lines = [f"gate {self.gate_name}: {verdict}"]
        lines += [f"  BLOCKED {result.check_name}: {result.message}" for result in self.blocking_failures]
        lines += [f"  held back by {result.check_name}: {result.message}" for result in self.holding_failures]
        lines += [f"  warning {result.check_name}: {result.message}" for result in self.warnings]
        if self.data_docs is not None:
            lines.append(f"  pages: {self.data_docs}")
        return "\n".join(lines)


def run_gate(name: str, settings: Settings, *, with_pages: bool = True) -> GateReport:
    """Run one gate on the warehouse and store its results. Raises GateError when it cannot be run."""
    if name not in GATES:
        raise GateError(f"There is no gate '{name}'. The gates are: {', '.join(GATES)}.")
    with _open(settings, read_only=True) as warehouse:
        gates = read_gates(warehouse)
        gate = gates[name]
        frames = {
            table.name: _upstream_gates(warehouse, gates) if table.name == UPSTREAM_GATES else _pull(warehouse, table)
            for table in gate.tables
        }
    subject = _subject_fingerprint(gate, frames)
    results, data_docs = validate(gate, frames, subject, settings.data_docs, with_pages)
    with _open(settings, read_only=False) as warehouse:
        _store(warehouse, gate, subject, results)
    return GateReport(gate.name, subject, results, data_docs)


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
    try:
        frame = warehouse.frame(f"select * from {table.full_name}")
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


def _upstream_gates(warehouse: Warehouse, gates: dict[str, Gate]) -> pd.DataFrame:
    """One row per earlier gate: failed blocking checks for its tables as they are; 1 when it has not run on them."""
    rows = []
    for gate in list(gates.values())[:-1]:
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
