"""What every engine's warehouse can do: one way to ask for rows, and which world they are of.

A statement that goes through here is written once, for every engine; what engines do differently is a method of theirs
(duckdb_warehouse.py, spark/spark_warehouse.py). warehouse.py opens the one that the settings name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prevalence.engines.contract import Column, Files, Table
from prevalence.engines.settings import Settings, UserError

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
    def store(self, select: str, relation: str, partitioned_by: str | None = None) -> None:
        """Put the rows of a SELECT into a table that is not there yet; killed at any moment, it is there whole or not at all."""

    @abstractmethod
    def unreadable(self, files: Files) -> list[str]:
        """What keeps the engine from reading files that are right by the contract."""

    @abstractmethod
    def select_of(self, files: Files) -> str:
        """A SELECT of the files' rows in the contract's columns and types."""

    def register(self, files: Files) -> list[str]:
        """The statements that make raw.<table> a view on the files."""
        return [f"create or replace view {files.table.relation} as {self.select_of(files)}"]

    @abstractmethod
    def export(self, relation: str, path: str) -> str:
        """The statement with which a person copies a table to Parquet."""


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
