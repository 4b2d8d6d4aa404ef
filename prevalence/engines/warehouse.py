"""The warehouse, whichever engine keeps it: one way to ask for rows, and which world it holds.

A statement that goes through here is written once, for every engine; what engines do differently is a method of theirs
(`DuckDb` below, `Session` and `Thrift` in prevalence/engines/spark/spark_warehouse.py).
"""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from prevalence.engines.contract import DUCKDB_TYPES, Column, Files, Table
from prevalence.engines.settings import Settings, UserError, display

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# What the raw tables come from. Draws are for ever, so one warehouse never mixes two worlds.
DEMO_WORLD = "demo_world"
OWN_LOGS = "own_logs"


class EngineError(UserError):
    """The engine refused a statement. `reason` is what it said itself, in one line."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class MissingTable(EngineError):
    """The statement names a table that the warehouse has not got."""


class Warehouse(ABC):
    """An open warehouse. Times are UTC: `datetime` without zone in rows, whatever the engine keeps them as."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    # --- the same on every engine ---

    def frame(self, sql: str) -> pd.DataFrame:
        """The rows of a small result. By way of Arrow, so that the same rows are the same frame on every engine.

        Dates become datetime64, decimals doubles, and whole numbers with a null among them doubles.
        """
        import pyarrow as pa

        table = self.arrow(sql)
        for place, found in enumerate(table.schema):
            if pa.types.is_decimal(found.type):
                table = table.set_column(place, found.name, table.column(place).cast(pa.float64()))
            elif pa.types.is_timestamp(found.type):
                table = table.set_column(place, found.name, table.column(place).cast(pa.timestamp("us")))
        return table.to_pandas(date_as_object=False)

    def relation_type(self, schema: str, name: str) -> str | None:
        """'table', 'view' or None."""
        return self.relations(schema).get(name)

    def row_counts(self, relations: Sequence[str]) -> dict[str, int]:
        counts = " union all ".join(
            f"select {self.literal(relation)} as relation, count(*) as row_count from {relation}"
            for relation in relations
        )
        return dict(self.rows(counts)) if relations else {}

    def row_count(self, relation: str) -> int:
        return self.row_counts([relation])[relation]

    def world(self) -> str | None:
        """Which world the warehouse holds; None while it has no raw rows at all."""
        relations = self.relations("raw")
        if "demo_world_settings" in relations:
            return DEMO_WORLD
        if "view" in relations.values() or any(self.row_counts([f"raw.{name}" for name in relations]).values()):
            return OWN_LOGS
        return None

    # --- what each engine does in its own way ---

    @classmethod
    @abstractmethod
    @contextmanager
    def open(cls, settings: Settings, read_only: bool) -> Iterator[Warehouse]:
        """Open it, or raise UserError. `read_only`: nothing is going to be written, so it has to be there already."""

    @classmethod
    @abstractmethod
    def make_ready(cls, settings: Settings) -> None:
        """What has to be so before dbt starts; UserError where it cannot be."""

    @classmethod
    def release_dbt(cls) -> None:
        """Close what dbt leaves open in this process and nobody else could then open."""

    @classmethod
    @abstractmethod
    def exists(cls, settings: Settings) -> bool:
        """False where nothing was ever written."""

    @classmethod
    @abstractmethod
    def switch_world(cls, settings: Settings, wanted: str) -> str | None:
        """Make the warehouse one that holds `wanted` or nothing yet; returns what was done, for people."""

    @classmethod
    @abstractmethod
    def erase_demo_world(cls, settings: Settings) -> None:
        """Remove the demo world and everything that was measured on it; a killed removal is completed by the next."""

    @abstractmethod
    def rows(self, sql: str) -> list[tuple]: ...

    @abstractmethod
    def arrow(self, sql: str) -> pa.Table: ...

    @abstractmethod
    def execute(self, sql: str) -> None: ...

    @abstractmethod
    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements within or none, where the engine can; where it cannot, a killed one is to be repeated."""

    @abstractmethod
    def relations(self, schema: str) -> dict[str, str]:
        """Name and kind, 'table' or 'view', of what the schema holds; empty where there is no such schema."""

    @abstractmethod
    def columns(self, relation: str) -> list[tuple[str, str]]:
        """Names and types, in the contract's words for its types and the engine's own in small letters for others."""

    @abstractmethod
    def literal(self, value: str | bool | float | None) -> str:
        """The value as SQL."""

    @abstractmethod
    def create_table(self, table: Table) -> str:
        """The statement that makes a table of the contract, empty."""

    def add_column(self, table: Table, column: Column) -> str:
        """The statement that adds a column, null in all rows, to a table of an older version."""
        return f"alter table {table.relation} add columns ({column.name} {column.data_type})"

    @abstractmethod
    def replace(self, table: Table, written_by: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Put `rows` (the table's columns in order) in the place of those with these values of `written_by`.

        Killed at any moment, the table holds all of the old rows, all of the new ones or neither, never a part.
        """

    @abstractmethod
    def unreadable(self, files: Files) -> list[str]:
        """What keeps the engine from reading files that are right by the contract."""

    @abstractmethod
    def view_of(self, files: Files) -> str:
        """A SELECT of the files' rows in the contract's columns and types."""

    @abstractmethod
    def export(self, relation: str, path: str) -> str:
        """The statement with which a person copies a table to Parquet."""


def _engine(settings: Settings) -> type[Warehouse]:
    if settings.engine == "duckdb":
        return DuckDb
    from prevalence.engines.spark.spark_warehouse import Session, Thrift

    return {"session": Session, "thrift": Thrift}[settings.engine]


@contextmanager
def connect(settings: Settings, read_only: bool = False) -> Iterator[Warehouse]:
    with _engine(settings).open(settings, read_only) as warehouse:
        yield warehouse


def make_ready(settings: Settings) -> None:
    _engine(settings).make_ready(settings)


def release_dbt(settings: Settings) -> None:
    _engine(settings).release_dbt()


def exists(settings: Settings) -> bool:
    return _engine(settings).exists(settings)


def switch_world(settings: Settings, wanted: str) -> str | None:
    return _engine(settings).switch_world(settings, wanted)


def erase_demo_world(settings: Settings) -> None:
    _engine(settings).erase_demo_world(settings)


# --- DuckDB ----------------------------------------------------------------------------------------------------------


class DuckDb(Warehouse):
    """One file, opened beside dbt in one process."""

    def __init__(self, settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(settings)
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, read_only: bool) -> Iterator[DuckDb]:
        cls.release_dbt()
        if read_only and not settings.warehouse.exists():
            raise UserError(
                f"There is no warehouse at {display(settings.warehouse)} yet. Remedy: `make demo`, or "
                "`prevalence run --raw-folder DIR` for your own logs."
            )
        try:
            connection = duckdb.connect(str(settings.warehouse), read_only=read_only)
        except (duckdb.Error, OSError) as error:
            raise UserError(explain(settings.warehouse, str(error))) from error
        try:
            connection.execute("set TimeZone = 'UTC'")
            yield cls(settings, connection)
        finally:
            connection.close()

    @classmethod
    def make_ready(cls, settings: Settings) -> None:
        pass

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
            if current in (None, wanted):
                return None
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
        self.execute("begin")
        try:
            yield
        except BaseException:
            self.execute("rollback")
            raise
        self.execute("commit")

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

    def unreadable(self, files: Files) -> list[str]:
        return []

    def view_of(self, files: Files) -> str:
        """One branch per physical shape: a cast is chosen for each file by what that file holds."""
        branches = []
        for shape, paths in files.groups.items():
            found = {name.lower(): data_type for name, data_type in shape}
            columns = ", ".join(_cast(column, found.get(column.name)) for column in files.table.columns)
            source = f"[{', '.join(literal(str(path)) for path in paths)}]"
            if len(files.groups) == 1:
                source = literal(str(files.entry / "**" / "*.parquet" if files.entry.is_dir() else files.entry))
            branches.append(f"select {columns} from read_parquet({source}, hive_partitioning = false)")
        return " union all ".join(branches)

    def export(self, relation: str, path: str) -> str:
        return f"copy {relation} to '{path}' (format parquet)"


def _cast(column: Column, found: str | None) -> str:
    """SQL that reads the column, stored as `found`, as its contract type; None: an optional column that is not there."""
    if found is None:
        return f"cast(null as {column.data_type}) as {column.name}"
    if found == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {column.name}) as {column.name}"
    if found == "TIMESTAMPTZ_NS":  # timezone() would cut nanoseconds off where a cast of those without zone rounds
        return f"cast(make_timestamp_ns(epoch_ns({column.name})) as timestamp) as {column.name}"
    return f"cast({column.name} as {column.data_type}) as {column.name}"


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


def held_elsewhere(message: str) -> bool:
    return "Could not set lock on file" in message or "Conflicting lock" in message


def explain(warehouse: Path, message: str) -> str:
    """The sentence for a file that cannot be opened."""
    if held_elsewhere(message):
        return (
            f"Another process holds the warehouse {display(warehouse)}, and DuckDB lets only one process write to a "
            "file. Remedy: close the other program (a DuckDB shell, a notebook, another run of prevalence or dbt) and "
            "run the command again, or set PREVALENCE_DUCKDB_PATH to another file."
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
    remedy = memory_remedy(str(error)) or "Remedy: when the disk is full, free some."
    return (
        f"DuckDB stopped on {display(settings.warehouse)}: {first_line(error)} {remedy} Then run the same command again. "
        "Finished steps stay."
    )


def memory_remedy(message: str) -> str:
    """What helps when a message of DuckDB's says that it is out of memory; nothing for any other."""
    if "Out of Memory Error" not in message:
        return ""
    limit = os.environ.get("PREVALENCE_MEMORY_LIMIT") or "what profiles.yml says"
    return f"Remedy: DuckDB may use {limit}; let it use more, as in PREVALENCE_MEMORY_LIMIT=6GB."


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
