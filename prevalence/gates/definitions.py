"""The gates as the seeds gate_tables and gate_checks define them, each row checked before it is believed."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any, NoReturn

from prevalence.engines.settings import PROJECT
from prevalence.engines.warehouse_interface import MissingTable, Warehouse
from prevalence.gates.checks import GATES, HELD_PARTS, SEVERITIES, Check, Gate, GateError, Limit, Table

TABLE_COLUMNS = ("gate_name", "table_order", "table_name", "key_columns")
CHECK_COLUMNS = (
    *("gate_name", "check_name", "table_name", "column_name", "may_be_null"),
    *("warning_lower", "warning_upper", "blocking_lower", "blocking_upper", "holds"),
    *("expected", "remedy", "why_warning", "why_blocking"),
)


def read_gates(warehouse: Warehouse) -> dict[str, Gate]:
    """Every gate by its name. Raises GateError at the first row that cannot be meant."""
    check_rows = _rows(warehouse, "gate_checks", CHECK_COLUMNS, ("gate_name", "check_name"))
    table_rows = _rows(warehouse, "gate_tables", TABLE_COLUMNS, ("gate_name", "table_name"))
    # the order of tables is part of a subject's fingerprint, so it is a column; that of checks is the seed's
    table_rows.sort(key=lambda row: row["table_order"])
    tables = {
        name: tuple(
            Table(row["table_name"], tuple(row["key_columns"].split()))
            for row in table_rows
            if row["gate_name"] == name
        )
        for name in GATES
    }
    checks: dict[str, list[Check]] = {name: [] for name in GATES}
    for row in check_rows:
        name = row["gate_name"]
        checks[name].append(_check(row, {table.name: table for table in tables[name]}))
    return {name: Gate(name, tables[name], tuple(checks[name])) for name in GATES}


def _rows(warehouse: Warehouse, seed: str, columns: tuple[str, ...], key: tuple[str, str]) -> list[dict[str, Any]]:
    """The rows of a seed in the order of its file, each with its place; none twice, and none of an unknown gate."""
    try:
        values = warehouse.rows(f"select {', '.join(columns)} from reference.{seed}")
    except MissingTable as error:
        raise GateError(
            f"Table reference.{seed} is not in the warehouse. Build it first: dbt seed --select {seed}."
        ) from error
    lines = _lines(seed, key)
    found = []
    for row in (dict(zip(columns, row, strict=True)) for row in values):
        name = tuple(row[column] for column in key)
        known = lines.get(name, [])
        place = f"line {' and '.join(map(str, known))}" if known else f"{key[0]} {name[0]}, {key[1]} {name[1]}"
        found.append({**row, "seed": seed, "name": name, "line": known[:1], "place": f"seeds/{seed}.csv, {place}"})
    # a row that only the warehouse has comes last
    found.sort(key=lambda row: (not row["line"], row["line"], row["name"]))
    seen = set()
    for row in found:
        if row["gate_name"] not in GATES:
            _refuse(row, "gate_name", f"there is no gate {row['gate_name']!r}", f"name one of {', '.join(GATES)}")
        if row["name"] in seen:
            _refuse(row, key[1], f"gate {row['name'][0]} has {row['name'][1]!r} twice", "take out or rename one row")
        seen.add(row["name"])
    return found


def _lines(seed: str, key: Iterable[str]) -> dict[tuple[str, ...], list[int]]:
    """The lines of the seed's file on which each of its rows ends; none where the project's files are elsewhere."""
    path = PROJECT / "seeds" / f"{seed}.csv"
    lines: dict[tuple[str, ...], list[int]] = {}
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                lines.setdefault(tuple(row[column] for column in key), []).append(reader.line_num)
    return lines


def _check(row: dict[str, Any], tables: dict[str, Table]) -> Check:
    if row["table_name"] not in tables:
        _refuse(
            row,
            "table_name",
            f"gate {row['gate_name']} does not look at a table {row['table_name']!r}",
            f"name one of {', '.join(tables)}, or add the table to seeds/gate_tables.csv",
        )
    for column in ("check_name", "may_be_null", "expected", "remedy"):
        if row[column] is None:
            _refuse(row, column, f"check {row['check_name']!r} leaves it empty", "fill it")
    limits = []
    for severity in SEVERITIES:
        lower, upper = (row[f"{severity}_{side}"] for side in ("lower", "upper"))
        is_limited = lower is not None or upper is not None
        if is_limited != (row[f"why_{severity}"] is not None):
            _refuse(
                row,
                f"why_{severity}",
                f"check {row['check_name']!r} has {'limits' if is_limited else 'a reason'} for {severity} and no "
                f"{'reason' if is_limited else 'limit'}",
                f"fill or empty {severity}_lower, {severity}_upper and why_{severity} together",
            )
        if lower is not None and upper is not None and lower > upper:
            _refuse(row, f"{severity}_lower", f"{lower:g} is above {severity}_upper, {upper:g}", "swap the two")
        if is_limited:
            limits.append(Limit(severity, *(None if limit is None else float(limit) for limit in (lower, upper))))
    if not limits:
        _refuse(
            row,
            "blocking_lower",
            f"check {row['check_name']!r} has no limit",
            "fill a lower or an upper limit for blocking, warning or both",
        )
    _check_holds(row, tables[row["table_name"]])
    return Check(
        name=row["check_name"],
        table=row["table_name"],
        column=row["column_name"],
        may_be_null=row["may_be_null"],
        expected=row["expected"],
        remedy=row["remedy"],
        limits=tuple(limits),
        holds=row["holds"],
        place=row["place"],
    )


def _check_holds(row: dict[str, Any], table: Table) -> None:
    holds = row["holds"]
    if holds is None:
        return
    if holds not in HELD_PARTS:
        _refuse(row, "holds", f"there is no part {holds!r}", f"name one of {', '.join(HELD_PARTS)}, or leave it empty")
    if row["column_name"] is None and holds != "draw":
        _refuse(
            row,
            "holds",
            f"check {row['check_name']!r} is about the number of rows, which is no {holds}'s",
            "put draw there, or leave it empty",
        )
    if not table.names(holds):
        _refuse(
            row,
            "holds",
            f"the keys of {table.name} ({' '.join(table.keys)}) do not name a {holds}",
            "name a part that they do, or leave it empty",
        )


def _refuse(row: dict[str, Any], column: str, problem: str, remedy: str) -> NoReturn:
    raise GateError(
        f"{row['place']}, column {column}: {problem}. Remedy: {remedy}; then dbt seed --select {row['seed']}."
    )
