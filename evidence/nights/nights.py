"""Runs the product once a night along a timeline, and says what did not hold."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from prevalence.engines.contract import landing_tables
from prevalence.engines.settings import PROJECT, UserError
from prevalence_evidence.nights.changing_world import EVENTS, World, day_of
from prevalence_evidence.nights.contents import STILL_TO_DO, differences

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


@dataclass(frozen=True)
class Outcome:
    """How a run ended, what it said, and the processor time that the whole command took."""

    exit_code: int
    output: str
    processor_seconds: float


Run = Callable[[list[str], Path], Outcome]


@dataclass
class Night:
    """What one night's run did."""

    number: int
    events: list[str]
    exit_code: int
    processor_seconds: float
    output: str
    faults: list[str] = field(default_factory=list)
    published: int = 0
    kills: int = 0


def timeline(name: str) -> dict[int, list[tuple[str, str]]]:
    """The events of each night."""
    found: dict[int, list[tuple[str, str]]] = {}
    with (_HERE / f"{name}.csv").open() as file:
        for row in csv.DictReader(file):
            if row["event"] not in EVENTS:
                raise UserError(f"{name}.csv names the event {row['event']!r}; there are {', '.join(EVENTS)}.")
            found.setdefault(int(row["night"]), []).append((row["event"], row["value"]))
    return found


def run_nights(
    name: str, work: Path, count: int | None = None, run: Run | None = None, kills: int = 0, seed: int = 1
) -> Iterator[Night]:
    """One Night for each, as it ends: `count` of them, or up to the timeline's last event. The folder `work` is begun anew.

    `run` starts the product for a night; default: a process for each. `kills`: in so many nights, chosen by `seed`, the run is killed at
    a random moment and repeated, and its tables are compared with those of a run that was not. What run_undisturbed is given is put
    beside.
    """
    if work.exists():
        shutil.rmtree(work)
    run = run or run_command
    world = World(work / "raw")
    warehouse = work / "prevalence.duckdb"
    before = work / "before.duckdb"
    events = timeline(name)
    numbers = range(max(events) + 1 if count is None else count)
    luck = random.Random(seed)
    killed = dict.fromkeys(luck.sample(list(numbers), min(kills, len(numbers))), 1)
    for _ in range(kills - len(killed)):
        killed[luck.choice(sorted(killed))] += 1
    for number in numbers:
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
        arguments = _arguments(world.folder, world.variables)
        faults: list[str] = []
        if number in killed:
            outcome, faults = run_killed(arguments, warehouse, killed[number], luck)
        else:
            outcome = run(arguments, warehouse)
        night = Night(
            number,
            [" ".join(event).strip() for event in today],
            outcome.exit_code,
            outcome.processor_seconds,
            outcome.output,
            faults,
            kills=killed.get(number, 0),
        )
        if outcome.exit_code not in EXPECTED_EXITS:
            night.faults.append(f"exit code {outcome.exit_code}: {_last_line(outcome.output)}")
        if warehouse.exists():
            night.faults += list(changed_for_ever(before, warehouse))
            faults, night.published = wrong_figures(warehouse)
            night.faults += faults
            world.answer(warehouse)
            shutil.copy(warehouse, before)
        yield night
    world.write_undisturbed()


def run_undisturbed(work: Path, run: Run | None = None) -> tuple[list[str], int]:
    """Faults of the published figures beside those of one run that is given everything at once, and how many were compared.

    That run has all logs that were there when their days were drawn, all answers, and policies and plans with the days on which their rows
    hold. A salt has no date, so the run is one for each. What labels teach depends on when they arrived: figures of a plan that draws by
    scores are compared up to the first day that was drawn by learned rates.
    """
    run = run or run_command
    warehouse = work / "undisturbed" / "prevalence.duckdb"
    raw = warehouse.parent / "raw"
    # a fresh warehouse, whatever an earlier comparison has left
    for path in warehouse.parent.glob("prevalence.duckdb*"):
        path.unlink()
    parts: list[tuple[date | None, dict[str, str]]] = []
    variables: dict[str, str] = {}
    for line in (warehouse.parent / "salts.csv").read_text().splitlines():
        day, salt = line.split(",")
        parts.append((date.fromisoformat(day), variables))
        variables = {"sampling_salt": salt}
    parts.append((None, variables))
    faults = []
    for end, variables in parts:
        options = ["--end-date", str(end)] if end else []
        outcome = run([*_arguments(raw, variables), *options], warehouse)
        (warehouse.parent / f"said_{end or 'last'}.txt").write_text(outcome.output)
    if outcome.exit_code not in EXPECTED_EXITS:
        faults.append(f"the undisturbed run: exit code {outcome.exit_code}: {_last_line(outcome.output)}")
    with duckdb.connect() as connection:
        connection.execute(
            f"attach '{work / 'prevalence.duckdb'}' as nights (read_only); attach '{warehouse}' as undisturbed (read_only)"
        )
        connection.execute((_HERE / "undisturbed.sql").read_text())
        rows = connection.execute("select what, is_equal from compared_figures").fetchall()
    if not rows:
        faults.append("the undisturbed run and the nights have no figure that can be compared")
    return faults + [what for what, is_equal in rows if not is_equal], len(rows)


def run_command(arguments: list[str], warehouse: Path) -> Outcome:
    """The command in a process of its own, as a scheduler starts it."""
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    with _start(arguments, warehouse) as process:
        output, _ = process.communicate()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime
    return Outcome(process.returncode, output, seconds)


def run_killed(arguments: list[str], warehouse: Path, kills: int, luck: random.Random) -> tuple[Outcome, list[str]]:
    """The command, killed `kills` times at random moments and then repeated to its end; and where the tables that it leaves are not
    those of the same command in a copy of the warehouse, where nobody killed it: but for what is still to be done, and when files were
    landed."""
    copy = warehouse.with_name("not_killed.duckdb")
    copy.unlink(missing_ok=True)
    if warehouse.exists():
        shutil.copy(warehouse, copy)
    begun = time.monotonic()
    run_command(arguments, copy)
    usual = time.monotonic() - begun
    done = 0
    while done < kills:
        delay = luck.uniform(0.02, 0.95) * usual
        with _start(arguments, warehouse) as process:
            try:
                process.communicate(timeout=delay)
                # it was quicker than the other one: this was no kill
                usual = delay
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                done += 1
    outcome = run_command(arguments, warehouse)
    without = (*STILL_TO_DO, *(table.relation for table in landing_tables()))
    return outcome, [f"killed and repeated: {line}" for line in differences(copy, warehouse, without)]


def _start(arguments: list[str], warehouse: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "prevalence.command_line.cli", *arguments],
        cwd=PROJECT,
        env={**os.environ, **_environment(warehouse)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_here(arguments: list[str], warehouse: Path) -> Outcome:
    """The same in this process, which spares each night the start of Python and its libraries."""
    from prevalence.command_line import cli

    said = io.StringIO()
    kept, place = dict(os.environ), Path.cwd()
    begun = time.process_time()
    os.environ.update(_environment(warehouse))
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            exit_code = cli.main(arguments)
    finally:
        os.environ.clear()
        os.environ.update(kept)
        os.chdir(place)
    return Outcome(exit_code, said.getvalue(), time.process_time() - begun)


def _environment(warehouse: Path) -> dict[str, str]:
    return {
        "PREVALENCE_DUCKDB_PATH": str(warehouse),
        "DBT_TARGET_PATH": str(warehouse.parent / "target"),
        "DBT_LOG_PATH": str(warehouse.parent / "logs"),
    }


def _arguments(folder: Path, variables: Mapping[str, str]) -> list[str]:
    return ["run", "--raw-folder", str(folder), *(["--vars", str(dict(variables))] if variables else [])]


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
    if night.kills:
        what += f"; killed {night.kills} times"
    head = (
        f"night {night.number:>3} {day_of(night.number)}  exit {night.exit_code}  {night.processor_seconds:5.1f} s  "
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
