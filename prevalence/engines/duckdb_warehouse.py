"""The warehouse in a DuckDB file, and what to say when DuckDB says no."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from prevalence.engines.contract import DUCKDB_TYPES, UNTYPED, Column, Files, Table, project_schemas
from prevalence.engines.settings import WAIT, Settings, UserError, display, wait_seconds
from prevalence.engines.warehouse_interface import EngineError, MissingTable, Warehouse, first_line

if TYPE_CHECKING:
    import pyarrow as pa


class DuckDb(Warehouse):
    """One file, opened beside dbt in one process."""

    def __init__(self, settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(settings)
        self._connection = connection
        self._is_within_transaction = False

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, read_only: bool) -> Iterator[DuckDb]:
        cls.release_dbt()
        _refuse_what_cannot_be(settings)
        if read_only and not settings.warehouse.exists():
            raise UserError(
                f"There is no warehouse at {display(settings.warehouse)} yet. Remedy: `make demo`, or "
                "`prevalence run --raw-folder DIR` for your own logs."
            )
        connection = _connect(settings.warehouse, read_only)
        try:
            connection.execute("set TimeZone = 'UTC'")
            yield cls(settings, connection)
        finally:
            connection.close()

    @classmethod
    def make_ready(cls, settings: Settings) -> None:
        _refuse_what_cannot_be(settings)
        # dbt would not wait for whoever reads the file just now
        if settings.warehouse.exists():
            cls.release_dbt()
            _connect(settings.warehouse, read_only=False).close()

    @classmethod
    def release_dbt(cls) -> None:
        """Close the connection that dbt keeps open in this process; DuckDB lets one process open a file once."""
        connections = sys.modules.get("dbt.adapters.duckdb.connections")
        if connections is not None:
            connections.DuckDBConnectionManager.close_all_connections()

    @classmethod
    def exists(cls, settings: Settings) -> bool:
        return settings.warehouse.exists()

    @classmethod
    def switch_world(cls, settings: Settings, wanted: str) -> str | None:
        """The other world's file is set aside under its own name and comes back when it is wanted again.

        So neither its draws nor its answers are lost or mixed with others. Each step is a rename: a killed switch is
        completed by the next.
        """
        said = []
        if settings.warehouse.exists():
            with cls.open(settings, read_only=False) as warehouse:
                current = warehouse.world()
                warehouse.execute("checkpoint")
            if current is None or current == wanted:
                return None
            # they are copies of the world that goes, and the next run writes those of the other
            shutil.rmtree(settings.published_copies, ignore_errors=True)
            aside = _set_aside(settings, current)
            if aside.exists():
                raise UserError(
                    f"The warehouse {display(settings.warehouse)} holds {current.replace('_', ' ')} and has to be set "
                    f"aside as {display(aside)}, which exists already. Remedy: move one of the two files away, or set "
                    "PREVALENCE_DUCKDB_PATH to another file."
                )
            settings.warehouse.rename(aside)
            said.append(
                f"the {current.replace('_', ' ')} that were in {display(settings.warehouse)} are set aside as "
                f"{display(aside)}"
            )
        back = _set_aside(settings, wanted)
        if back.exists():
            back.rename(settings.warehouse)
            said.append(f"{display(back)} is the warehouse again")
        return "; ".join(said) or None

    @classmethod
    def erase_demo_world(cls, settings: Settings) -> None:
        shutil.rmtree(settings.published_copies, ignore_errors=True)
        for name in (settings.warehouse.name, settings.warehouse.name + ".wal"):
            settings.warehouse.with_name(name).unlink(missing_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            reason = first_line(error)
            kind = MissingTable if isinstance(error, duckdb.CatalogException) else EngineError
            raise kind(explain_failure(self.settings, error), reason) from error

    def rows(self, sql: str) -> list[tuple]:
        with self._explained():
            return self._connection.execute(sql).fetchall()

    def arrow(self, sql: str) -> pa.Table:
        with self._explained():
            return self._connection.sql(sql).to_arrow_table()

    def execute(self, sql: str) -> None:
        with self._explained():
            self._connection.execute(sql)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._is_within_transaction:
            yield
            return
        self.execute("begin")
        self._is_within_transaction = True
        try:
            yield
            self.execute("commit")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._is_within_transaction = False

    def _roll_back(self) -> None:
        """A commit that failed, of a full disk say, has rolled back already, and what is to be said is why it failed."""
        with suppress(duckdb.Error):
            self._connection.execute("rollback")

    def relations(self, schema: str) -> dict[str, str]:
        found = self.rows(
            "select table_name, table_type from information_schema.tables"
            f" where table_catalog = current_database() and table_schema = {self.literal(schema)} order by table_name"
        )
        return {name: "view" if kind == "VIEW" else "table" for name, kind in found}

    def columns(self, relation: str) -> list[tuple[str, str]]:
        names = {duckdb_type: data_type for data_type, duckdb_type in DUCKDB_TYPES.items()}
        return [(row[0], names.get(row[1], row[1].lower())) for row in self.rows(f"describe {relation}")]

    def literal(self, value: str | bool | float | None) -> str:
        return literal(value)

    def create_table(self, table: Table) -> str:
        return table.create_empty

    def add_column(self, table: Table, column: Column) -> str:
        return f"alter table {table.relation} add column {column.name} {column.data_type}"

    def replace(self, table: Table, written_by: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        condition = " and ".join(f"{column} = {literal(value)}" for column, value in written_by.items()) or "true"
        names = ", ".join(column.name for column in table.columns)
        values = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)
        with self.transaction():
            self.execute(f"create schema if not exists {table.schema}")
            if table.name not in self.relations(table.schema):
                self.execute(self.create_table(table))
            self.execute(f"delete from {table.relation} where {condition}")
            if values:
                self.execute(f"insert into {table.relation} ({names}) values {values}")

    def store(self, select: str, relation: str, partitioned_by: str | None = None) -> None:
        self.execute(f"create schema if not exists {relation.split('.')[0]}")
        self.execute(f"create table {relation} as {select}")

    def unreadable(self, files: Files) -> list[str]:
        return []

    def select_of(self, files: Files) -> str:
        return select_of(files)

    def export(self, relation: str, path: str) -> str:
        return f"copy {relation} to '{path}' (format parquet)"


def select_of(files: Files) -> str:
    """The files' rows in the contract's columns and types. One branch per physical shape: a cast is chosen for each file
    by what that file holds."""
    branches = []
    for shape, paths in files.groups.items():
        found = {name.lower(): data_type for name, data_type in shape}
        columns = ", ".join(_cast(column, found.get(column.name)) for column in files.table.columns)
        branches.append(f"select {columns} from {read_parquet(paths)}")
    return " union all ".join(branches) or files.table.select_nothing


def read_parquet(paths: Sequence[Path]) -> str:
    """The files by their names, in which DuckDB would take some characters for a pattern; folders `x=1` are no columns."""
    names = ", ".join(literal(re.sub(r"([*?[])", r"[\1]", str(path))) for path in paths)
    return f"read_parquet([{names}], hive_partitioning = false)"


def _cast(column: Column, found: str | None) -> str:
    """SQL that reads the column, stored as `found`, as its contract type; None: an optional column that is not there."""
    if found is None or found == UNTYPED:
        return f"cast(null as {column.data_type}) as {column.name}"
    if found == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {column.name}) as {column.name}"
    if found in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):
        return f"{_microseconds_of(column.name)} as {column.name}"
    return f"cast({column.name} as {column.data_type}) as {column.name}"


def _microseconds_of(name: str) -> str:
    """Nanoseconds cut off: a cast would round 23:59:59.999999999 up into the next day. Division rounds towards zero, which
    is the wrong way before 1970. The last moments that nanoseconds reach are DuckDB's infinities, for Spark they are times.
    """
    nanoseconds = f"epoch_ns({name})"
    return (
        f"coalesce(make_timestamp({nanoseconds} // 1000 - cast({nanoseconds} % 1000 < 0 as bigint)), "
        f"case cast({name} as varchar) when 'infinity' then timestamp '2262-04-11 23:47:16.854775' "
        "when '-infinity' then timestamp '1677-09-21 00:12:43.145224' end)"
    )


def literal(value: str | bool | float | None) -> str:
    """The value as DuckDB's SQL; a double to the last bit."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, float):
        return f"cast('{value!r}' as double)"
    return str(value).lower()


def _set_aside(settings: Settings, world: str) -> Path:
    return settings.warehouse.with_name(f"{settings.warehouse.stem}.{world}{settings.warehouse.suffix}")


def _refuse_what_cannot_be(settings: Settings) -> None:
    """Raise UserError for what DuckDB or dbt would refuse later, in words of theirs, or wait for without an end."""
    path = settings.warehouse
    # DuckDB names a database for its file, up to the first dot
    name = path.name.split(".")[0].lower()
    if name in {*project_schemas(), *_TAKEN}:
        raise UserError(
            f"The warehouse {display(path)} would be a database of the name {name}, which a schema within it has, too, so "
            "that nobody could tell them apart. Remedy: give the file another name, or set PREVALENCE_DUCKDB_PATH to one."
        )
    if path.exists() and not path.is_file():
        raise UserError(
            f"The warehouse {display(path)} is no file. Remedy: set PREVALENCE_DUCKDB_PATH to a file, which need not be "
            "there yet."
        )
    threads = os.environ.get("PREVALENCE_DUCKDB_THREADS", "1")
    if not (threads.isascii() and threads.isdecimal() and int(threads) > 0):
        raise UserError(f"PREVALENCE_DUCKDB_THREADS is {threads!r}. Remedy: a whole number from 1, such as 2.")
    limit = os.environ.get("PREVALENCE_MEMORY_LIMIT")
    if limit is not None:
        try:
            with duckdb.connect() as connection:
                connection.execute(f"set memory_limit = {literal(limit)}")
        except duckdb.Error as error:
            raise UserError(
                f"PREVALENCE_MEMORY_LIMIT is {limit!r}, which is not an amount of memory. Remedy: a number with a unit, "
                "such as 1500MB or 6GB."
            ) from error


# of DuckDB's own
_TAKEN = ("information_schema", "pg_catalog", "system", "temp")


def _connect(path: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
    """The file, open; waits for another process that holds it, for as long as settings.wait_seconds says."""
    until = time.monotonic() + wait_seconds()
    is_said = False
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only)
        except (duckdb.Error, OSError) as error:
            if not held_elsewhere(str(error)) or time.monotonic() >= until:
                raise UserError(explain(path, str(error))) from error
            if not is_said:
                is_said = True
                print(
                    f"waiting up to {wait_seconds():g} s for {holder_of(str(error))}, which holds {display(path)}",
                    file=sys.stderr,
                    flush=True,
                )
            time.sleep(0.2)


def holder_of(message: str) -> str:
    """Who holds the file, as far as the system says it."""
    found = re.search(r"(?:held in (?P<program>.+?) )?\(PID (?P<number>\d+)\)", message)
    if not found:
        return "another process"
    number = found["number"]
    try:
        command = " ".join(
            Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ").split()
        )
    except OSError:
        command = ""
    what = command[:80] or found["program"]
    return f"process {number} ({what})" if what else f"process {number}"


def held_elsewhere(message: str) -> bool:
    return "Could not set lock on file" in message or "Conflicting lock" in message


def explain(warehouse: Path, message: str) -> str:
    """The sentence for a file that cannot be opened."""
    if held_elsewhere(message):
        return (
            f"Another process holds the warehouse {display(warehouse)}: {holder_of(message)}. DuckDB lets only one process write "
            "to a file. Remedy: close it (a DuckDB shell, a notebook, another run of prevalence or dbt) and run the command "
            f"again, wait longer ({WAIT}=600), or set PREVALENCE_DUCKDB_PATH to another file. Who only reads what is published "
            f"reads {display(warehouse.with_name(warehouse.stem + '_published'))}, which keeps nobody waiting."
        )
    if "different configuration" in message:
        return (
            f"This process already holds the warehouse {display(warehouse)} open with other settings. Remedy: close "
            "that connection first."
        )
    return (
        f"The warehouse {display(warehouse)} cannot be opened as a DuckDB database: {message.strip().splitlines()[0]} "
        "Remedy: move the file away, or set PREVALENCE_DUCKDB_PATH to a DuckDB file that this account may write to."
    )


def explain_failure(settings: Settings, error: duckdb.Error) -> str:
    """The sentence for a statement that failed."""
    remedy = remedy_of(str(error)) or "Remedy: mend what DuckDB names."
    return (
        f"DuckDB stopped on {display(settings.warehouse)}: {first_line(error)} {remedy} Then run the same command again. "
        "Finished steps stay."
    )


def remedy_of(message: str) -> str:
    """What helps against a message of DuckDB's or of the system's that is about memory, disk or rights; else nothing."""
    if "max_temp_directory_size" in message or any(words in message for words in _FULL):
        return "Remedy: the disk is full, or this account's part of it; free some, or set PREVALENCE_DUCKDB_PATH elsewhere."
    if "Out of Memory Error" in message:
        limit = os.environ.get("PREVALENCE_MEMORY_LIMIT") or "what profiles.yml says"
        return f"Remedy: DuckDB may use {limit}; let it use more, as in PREVALENCE_MEMORY_LIMIT=6GB."
    if any(words in message for words in _FORBIDDEN):
        return "Remedy: give this account the right to write there, or name another place."
    if "No files found that match the pattern" in message:
        return "Remedy: a landed file is gone; put it back, or land its folder again with --raw-folder."
    return ""


_FULL = ("No space left on device", "Disk quota exceeded", "File too large")
_FORBIDDEN = ("Permission denied", "Operation not permitted", "Read-only file system", "read-only mode")
