"""Whether two warehouses hold the same rows: every table of the project, column by column, whichever engines keep them.

Ids, counts, texts, probabilities and random numbers have to be the same to the last bit. A sum of doubles is not the same
to the last bit in two orders of addition, so figures that come out of such sums may differ by RELATIVE_TOLERANCE.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from prevalence.engines import warehouse
from prevalence.engines.contract import DUCKDB_TYPES, gate_tables, raw_tables
from prevalence.engines.dbt import Dbt
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.warehouse_interface import DEMO_WORLD
from prevalence_demo.world import default_world

RELATIVE_TOLERANCE = 1e-9
# No double of these layers comes out of a sum of doubles, and neither do the named ones of any other.
EXACT_SCHEMAS = ("raw", "demo_world", "truth", "reference", "staging", "units", "frames")
EXACT_COLUMNS = (
    "audit_probability",
    "design_weight",
    "inclusion_probability",
    "overall_inclusion_probability",
    "random_number",
)
# A report shows where to look; more rows than these would hide it.
SHOWN = 300


@dataclass(frozen=True)
class ComparedTable:
    """A table that both warehouses should hold. grain: its key; empty where rows as they landed may be equal."""

    relation: str
    columns: tuple[tuple[str, str], ...]
    grain: tuple[str, ...]

    @property
    def schema(self) -> str:
        return self.relation.split(".")[0]

    def is_exact(self, name: str, data_type: str) -> bool:
        return data_type != "double" or self.schema in EXACT_SCHEMAS or name in EXACT_COLUMNS


@dataclass(frozen=True)
class Comparison:
    """What was compared, and one sentence for each table that differs."""

    tables: int
    columns: int
    rows: int
    differences: tuple[str, ...]


def compared_tables(settings: Settings) -> tuple[ComparedTable, ...]:
    """Every model that the warehouse's world is built with, with its contract and grain, and the tables they read."""
    with warehouse.connect(settings, read_only=True) as connection:
        is_demo = connection.world() == DEMO_WORLD
    manifest = Dbt(settings, default_world().window, {"demo_world": is_demo}, None).manifest()
    found: dict[str, ComparedTable] = {}
    for node in manifest.nodes.values():
        if node.resource_type != "model" or not node.config.enabled:
            continue
        # what is still to be computed is nothing where figures are taken over, and all where they are not
        if (node.config.meta or {}).get("is_of_one_engine"):
            continue
        columns = tuple(
            (column.name, str(column.data_type))
            for column in node.columns.values()
            # a hash of one engine's own says something to that engine alone
            if not (column.config.meta or {}).get("is_of_one_engine")
        )
        grain = tuple((node.config.meta or {}).get("grain") or ())
        relation = f"{node.schema}.{node.alias}"
        found[relation] = ComparedTable(relation, columns, grain)
    for table in (*raw_tables(), *gate_tables()):
        columns = tuple((column.name, column.data_type) for column in table.columns)
        # what lands may hold duplicates: the grain of a source is what staging makes of it
        grain = table.grain if table in gate_tables() else ()
        found.setdefault(table.relation, ComparedTable(table.relation, columns, grain))
    return tuple(found[relation] for relation in sorted(found))


def compare(left: Settings, right: Settings, tables: Sequence[ComparedTable]) -> Comparison:
    """Export each table of both and compare the files. Raises UserError when a warehouse cannot be read.

    The files lie in the system's scratch folder, which a cluster's machines have to share: on one machine they do.
    """
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        folders = [
            _export(settings, tables, Path(scratch) / side) for side, settings in (("left", left), ("right", right))
        ]
        rows = 0
        differences: list[str] = []
        for table in tables:
            missing = [
                settings.engine
                for settings, folder in zip((left, right), folders, strict=True)
                if not (folder / table.relation).exists()
            ]
            if len(missing) == 2:
                raise UserError(f"{table.relation} is in neither warehouse. Remedy: build both first (prevalence run).")
            if missing:
                differences.append(f"{table.relation}: not in the warehouse of target {missing[0]}")
                continue
            for side, folder in zip(("lefthand", "righthand"), folders, strict=True):
                connection.execute(f"create or replace temp view {side} as {_typed(table, folder / table.relation)}")
            rows += connection.execute("select count(*) from lefthand").fetchone()[0]
            differences += _differences(connection, table, (left.engine, right.engine))
    return Comparison(len(tables), sum(len(table.columns) for table in tables), rows, tuple(differences))


def of_target(settings: Settings, target: str) -> Settings:
    return replace(settings, engine=target)


def _export(settings: Settings, tables: Sequence[ComparedTable], folder: Path) -> Path:
    folder.mkdir()
    with warehouse.connect(settings, read_only=True) as connection:
        there = {
            f"{schema}.{name}" for schema in {table.schema for table in tables} for name in connection.relations(schema)
        }
        for table in tables:
            if table.relation in there:
                connection.execute(connection.export(table.relation, str(folder / table.relation)))
    return folder


def _typed(table: ComparedTable, path: Path) -> str:
    """The exported rows in the types of the contract. DuckDB writes a file and Spark a folder of files."""
    source = f"{path}/*.parquet" if path.is_dir() else str(path)
    casts = ", ".join(f'cast("{name}" as {DUCKDB_TYPES[kind]}) as "{name}"' for name, kind in table.columns)
    return f"select {casts} from read_parquet('{source}', hive_partitioning = false)"


def _differences(
    connection: duckdb.DuckDBPyConnection, table: ComparedTable, engines: tuple[str, str]
) -> Iterator[str]:
    """At most one sentence: the first difference of the table, and how much else differs."""
    counts = [connection.execute(f"select count(*) from {side}").fetchone()[0] for side in ("lefthand", "righthand")]
    if counts[0] != counts[1]:
        yield f"{table.relation}: {counts[0]:,} rows on {engines[0]} and {counts[1]:,} on {engines[1]}"
        return
    if not table.grain or not _is_key(connection, table):
        yield from _unkeyed_differences(connection, table, engines)
        return
    keys = " and ".join(f'l."{key}" is not distinct from r."{key}"' for key in table.grain)
    joined = f"from lefthand as l full join righthand as r on {keys}"
    shown_keys = ", ".join(f'coalesce(l."{key}", r."{key}")' for key in table.grain)
    one_sided = f'(l."{table.grain[0]}" is null) <> (r."{table.grain[0]}" is null)'
    unmatched = connection.execute(
        f"select count(*), min({_row_text(shown_keys)}) filter ({one_sided}) {joined} where {one_sided}"
    ).fetchone()
    if unmatched[0]:
        yield f"{table.relation}: {unmatched[0]:,} keys are on one side alone, the first ({', '.join(table.grain)}) = {unmatched[1]}"
        return
    values = [(name, kind) for name, kind in table.columns if name not in table.grain]
    if not values:
        return
    conditions = {name: _differs(table, name, kind) for name, kind in values}
    numbers = connection.execute(
        "select " + ", ".join(f"count_if({condition})" for condition in conditions.values()) + f" {joined}"
    ).fetchone()
    wrong = {name: number for name, number in zip(conditions, numbers, strict=True) if number}
    if wrong:
        first = next(iter(wrong))
        key, ours, theirs = connection.execute(
            f'select {_row_text(shown_keys)}, l."{first}", r."{first}" {joined} where {conditions[first]}'
            f" order by {shown_keys} limit 1"
        ).fetchone()
        listed = ", ".join(f"{name} in {number:,}" for name, number in wrong.items())
        yield (
            f"{table.relation}: of {counts[0]:,} rows {listed} differ; first at ({', '.join(table.grain)}) = {key}: "
            f"{first} is {_shown(ours)} on {engines[0]} and {_shown(theirs)} on {engines[1]}"
        )


def _is_key(connection: duckdb.DuckDBPyConnection, table: ComparedTable) -> bool:
    """Whether the grain tells the rows apart; the demo world plants rows whose key is missing or taken."""
    keys = ", ".join(f'"{key}"' for key in table.grain)
    return connection.execute(
        f"select not exists (select 1 from lefthand group by {keys} having count(*) > 1)"
    ).fetchone()[0]


def _unkeyed_differences(
    connection: duckdb.DuckDBPyConnection, table: ComparedTable, engines: tuple[str, str]
) -> Iterator[str]:
    """Rows as they landed have no key: they are compared as a whole."""
    for side, other, engine in (("lefthand", "righthand", engines[0]), ("righthand", "lefthand", engines[1])):
        surplus = f"(select * from {side} except all select * from {other})"
        number = connection.execute(f"select count(*) from {surplus}").fetchone()[0]
        if number:
            row = connection.execute(f"select * from {surplus} order by all limit 1").fetchone()
            named = dict(zip((name for name, _ in table.columns), row, strict=True))
            yield f"{table.relation}: {number:,} rows are on {engine} alone, the first {_shown(named)}"
            return


def _differs(table: ComparedTable, name: str, data_type: str) -> str:
    left, right = f'l."{name}"', f'r."{name}"'
    if table.is_exact(name, data_type):
        return f"{left} is distinct from {right}"
    # where one is NaN or infinite, so is the tolerance, and nothing is greater than that
    return (
        f"({left} is null) <> ({right} is null)"
        f" or ({left} <> {right} and not (isfinite({left}) and isfinite({right})))"
        f" or abs({left} - {right}) > {RELATIVE_TOLERANCE} * greatest(abs({left}), abs({right}))"
    )


def _row_text(expressions: str) -> str:
    return f"cast(row({expressions}) as varchar)"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
