"""Runs the product once a night along a timeline, and says what did not hold."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from prevalence.engines.settings import PROJECT, UserError
from prevalence_evidence.nights.changing_world import EVENTS, World, day_of

Run = Callable[[World, Path], tuple[int, str]]

_HERE = Path(__file__).parent
# a run that has published, one that waits, one in which a part is held back
EXPECTED_EXITS = {0, 3}
# what no night may change, with what tells its rows apart beside the whole row
FOR_EVER = (
    "draws.draw_units",
    "draws.draw_unit_exposures",
    "draws.draw_unit_scores",
    "draws.draw_audits",
    "draws.draw_plans",
    "draws.draw_policies",
    "draws.draw_records",
    "labels.label_items",
    "releases.release_ledger",
)


@dataclass
class Night:
    """What one night's run did."""

    number: int
    events: list[str]
    exit_code: int
    seconds: float
    output: str
    faults: list[str] = field(default_factory=list)
    published: int = 0


def timeline(name: str) -> dict[int, list[tuple[str, str]]]:
    """The events of each night."""
    found: dict[int, list[tuple[str, str]]] = {}
    with (_HERE / f"{name}.csv").open() as file:
        for row in csv.DictReader(file):
            if row["event"] not in EVENTS:
                raise UserError(f"{name}.csv names the event {row['event']!r}; there are {', '.join(EVENTS)}.")
            found.setdefault(int(row["night"]), []).append((row["event"], row["value"]))
    return found


def run_nights(name: str, work: Path, count: int | None = None, run: Run | None = None) -> Iterator[Night]:
    """One Night for each, as it ends: `count` of them, or up to the timeline's last event. The folder `work` is begun anew.

    `run` starts the product for a night; default: a process for each.
    """
    if work.exists():
        shutil.rmtree(work)
    world = World(work / "raw")
    warehouse = work / "prevalence.duckdb"
    before = work / "before.duckdb"
    events = timeline(name)
    for number in range(max(events) + 1 if count is None else count):
        world.night = number
        today = events.get(number, [])
        for event, value in today:
            EVENTS[event](world, value)
        if number not in world.missing:
            world.write_day(number)
        if number and number - 1 not in world.missing:
            world.write_late(number - 1)
        world.forget()
        if world.listed_nights_alone and not today:
            continue
        world.write_tables()
        world.deliver_answers()
        begun = time.monotonic()
        exit_code, output = (run or run_command)(world, warehouse)
        night = Night(number, [" ".join(event).strip() for event in today], exit_code, time.monotonic() - begun, output)
        if exit_code not in EXPECTED_EXITS:
            night.faults.append(f"exit code {exit_code}: {_last_line(output)}")
        if warehouse.exists():
            night.faults += list(changed_for_ever(before, warehouse))
            faults, night.published = wrong_figures(warehouse)
            night.faults += faults
            world.answer(warehouse)
            shutil.copy(warehouse, before)
        yield night


def run_command(world: World, warehouse: Path) -> tuple[int, str]:
    """`prevalence run` in a process of its own, as a scheduler starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "prevalence.command_line.cli", *_arguments(world)],
        cwd=PROJECT,
        env={**os.environ, **_environment(warehouse)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def run_here(world: World, warehouse: Path) -> tuple[int, str]:
    """The same in this process, which spares each night the start of Python and its libraries."""
    from prevalence.command_line import cli

    said = io.StringIO()
    kept, place = dict(os.environ), Path.cwd()
    os.environ.update(_environment(warehouse))
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            exit_code = cli.main(_arguments(world))
    finally:
        os.environ.clear()
        os.environ.update(kept)
        os.chdir(place)
    return exit_code, said.getvalue()


def _environment(warehouse: Path) -> dict[str, str]:
    return {
        "PREVALENCE_DUCKDB_PATH": str(warehouse),
        "DBT_TARGET_PATH": str(warehouse.parent / "target"),
        "DBT_LOG_PATH": str(warehouse.parent / "logs"),
    }


def _arguments(world: World) -> list[str]:
    variables = ["--vars", str(world.variables)] if world.variables else []
    return ["run", "--raw-folder", str(world.folder), *variables]


def changed_for_ever(before: Path, after: Path) -> Iterator[str]:
    """One line for each table that is for ever and has lost or changed a row since the night before."""
    if not before.exists():
        return
    with duckdb.connect() as connection:
        connection.execute(f"attach '{before}' as before (read_only); attach '{after}' as after (read_only)")
        for table in FOR_EVER:
            if not _exists(connection, "before", table):
                continue
            columns = ", ".join(_columns(connection, "before", table))
            (rows,) = connection.execute(
                f"select count(*) from (select {columns} from before.{table} except all select {columns} from after.{table})"
            ).fetchone()
            if rows:
                yield f"{table}: {rows:,} rows of the night before are not there any more as they were"


def wrong_figures(warehouse: Path) -> tuple[list[str], int]:
    """Published daily figures that a recomputation does not give, and how many were compared."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
        if not _exists(connection, "warehouse", "marts.prevalence"):
            return [], 0
        rows = connection.execute((_HERE / "recomputed.sql").read_text()).fetchall()
    wrong = [
        f"{plan_id}, {policy_id}, {period_start}: published {prevalence:.6g}, recomputed "
        + ("nothing" if again is None else f"{again:.6g}")
        for period_start, plan_id, policy_id, _, prevalence, again, _ in rows
        if again is None or abs(prevalence - again) > 1e-9
    ]
    return wrong, len(rows)


def lines_of(night: Night) -> list[str]:
    """What is said of a night on the terminal."""
    what = "; ".join(night.events) or "nothing in particular"
    head = (
        f"night {night.number:>3} {day_of(night.number)}  exit {night.exit_code}  {night.seconds:5.1f} s  "
        f"{night.published:>4} daily figures  {what}"
    )
    return [head, *(f"          FAULT {fault}" for fault in night.faults)]


def _exists(connection: duckdb.DuckDBPyConnection, catalog: str, table: str) -> bool:
    schema, name = table.split(".")
    return bool(
        connection.execute(
            "select 1 from information_schema.tables where table_catalog = ? and table_schema = ? and table_name = ?",
            [catalog, schema, name],
        ).fetchone()
    )


def _columns(connection: duckdb.DuckDBPyConnection, catalog: str, table: str) -> list[str]:
    schema, name = table.split(".")
    return [
        row[0]
        for row in connection.execute(
            "select column_name from information_schema.columns "
            "where table_catalog = ? and table_schema = ? and table_name = ? order by ordinal_position",
            [catalog, schema, name],
        ).fetchall()
    ]


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing was said"
