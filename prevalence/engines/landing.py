"""Check the raw tables against the input contract and register them; everything that is wrong is told at once."""

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb

from prevalence.engines import warehouse
from prevalence.engines.contract import Column, Files, Table, gate_tables, raw_tables, read_back_tables
from prevalence.engines.duckdb_warehouse import literal
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.warehouse_interface import OWN_LOGS, EngineError, Warehouse

ANSWERS = "label_events"
# Enough files to find the mistake by; a thousand of them would hide it.
NAMED_FILES = 3


def land(settings: Settings, raw_folder: Path | None) -> list[str]:
    """Register a folder's files, or check what the warehouse holds; returns one line per table for people.

    Everything is looked at before anything is changed, and on an engine without transactions a landing that is killed
    between two statements is completed by the next.

    The folder is one of this machine, whichever the engine: its files are read here to check them. Files elsewhere
    (hdfs, s3) are registered by hand as raw.<table>, a table or view of the contract's columns and types, and checked
    as such.
    """
    tables = raw_tables()
    problems: list[str] = []
    found: dict[str, Files] = {}
    said: list[str] = []
    if raw_folder is not None:
        found, problems = read_folder(raw_folder, tables)
        _refuse(problems, f"The files in {raw_folder}")
        switched = warehouse.switch_world(settings, OWN_LOGS)
        said += [switched] if switched else []
    with warehouse.connect(settings) as connection, connection.transaction():
        written = (*gate_tables(), *read_back_tables())
        schemas = dict.fromkeys(["raw", *(table.schema for table in written)])
        statements = [f"create schema if not exists {schema}" for schema in schemas]
        relations = {schema: connection.relations(schema) for schema in schemas}
        for table in tables:
            wrong, needed = _registration(
                connection, table, relations["raw"].get(table.name), found.get(table.name), raw_folder
            )
            problems += wrong
            statements += needed
        for table in written:
            if table.name in relations[table.schema]:
                wrong, needed = _check_relation(connection, table, relations[table.schema][table.name])
                problems += wrong
                statements += needed
            else:
                statements.append(connection.create_table(table))
        _refuse(problems, "The raw tables of the warehouse")
        for statement in statements:
            connection.execute(statement)
        counts = connection.row_counts([table.relation for table in tables])
    for table in tables:
        if counts[table.relation]:
            origin = found[table.name].entry if table.name in found else "table"
            said.append(f"{table.relation:<26}{counts[table.relation]:>12,} rows  {origin}")
    return said


def _refuse(problems: list[str], subject: str) -> None:
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise UserError(
            f"{subject} do not fit the input contract (models/staging/_sources.yml); nothing was changed.\n{listed}"
        )


def read_folder(folder: Path, tables: tuple[Table, ...]) -> tuple[dict[str, Files], list[str]]:
    """The files of each table and everything that is wrong with the folder."""
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "_")))
    except OSError as error:
        return {}, [
            f"the folder {folder} cannot be read ({error.strerror}). Remedy: give --raw-folder or "
            "PREVALENCE_RAW_FOLDER an existing folder that this account may read."
        ]
    names = {table.name: table for table in tables}
    sources: dict[str, list[Path]] = defaultdict(list)
    problems = []
    for entry in entries:
        name = entry.name if entry.is_dir() else entry.name.removesuffix(".parquet")
        if name in names and (entry.is_dir() or entry.suffix == ".parquet"):
            sources[name].append(entry)
        else:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {near[0]}.parquet?" if near else ""
            problems.append(
                f"{entry.name}: no table of the contract has this name.{hint} Remedy: rename it to <table>.parquet or "
                f"a folder <table>/ (tables: {', '.join(names)}), or move it out of the folder."
            )
    found = {}
    with duckdb.connect() as connection:
        for table in tables:
            entries = sources.get(table.name, [])
            if not entries and table.is_required:
                problems.append(
                    f"{table.name}: there is neither {table.name}.parquet nor a folder {table.name}/ in {folder}, and "
                    "this table is required. Remedy: write it there."
                )
            elif len(entries) > 1:
                problems.append(
                    f"{table.name}: both {entries[0].name} and {entries[1].name} are there, and rows of one could be "
                    "rows of the other. Remedy: keep one of them."
                )
            elif entries:
                files, wrong = _read_files(connection, table, entries[0])
                problems += wrong
                found[table.name] = files
    return found, problems


def _read_files(connection: duckdb.DuckDBPyConnection, table: Table, entry: Path) -> tuple[Files, list[str]]:
    problems: list[str] = []
    paths = [entry]
    if entry.is_dir():
        inside = [path for path in sorted(entry.rglob("*")) if path.is_file()]
        inside = [path for path in inside if not path.name.startswith((".", "_"))]
        paths = [path for path in inside if path.suffix == ".parquet"]
        others = [path for path in inside if path.suffix != ".parquet"]
        if others:
            problems.append(
                f"{table.name}: {_some_files(others)} would not be read, because the name does not end in .parquet. "
                "Remedy: rename or remove."
            )
        if not paths:
            problems.append(
                f"{table.name}: the folder {entry} holds no file that ends in .parquet. Remedy: write the files there, "
                "or remove the folder where the table is optional."
            )
    files = Files(table, entry)
    wrong: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        source = f"read_parquet({literal(str(path))}, hive_partitioning = false)"
        try:
            rows = connection.execute(f"describe select * from {source}").fetchall()
        except duckdb.Error as error:
            wrong[_unreadable(error)].append(path)
            continue
        shape = tuple((row[0], row[1]) for row in rows)
        files.groups.setdefault(shape, []).append(path)
        for problem in _differences(table, shape, Column.accepts):
            wrong[problem].append(path)
        for column in _too_large(connection, table, shape, source):
            wrong[
                f"column {column.name} holds unsigned numbers beyond the range of bigint. Remedy: write it as a signed "
                "64-bit integer"
            ].append(path)
    for problem, where in wrong.items():
        problems.append(f"{table.name}: {problem} (in {_some_files(where)}).")
    return files, problems


def _unreadable(error: duckdb.Error) -> str:
    text = str(error).strip().splitlines()[0]
    if "magic bytes" in text or "too small to be a Parquet" in text:
        return "this is not a Parquet file, whatever its name says. Remedy: write it again as Parquet"
    return f"the file cannot be read: {text} Remedy: check its permissions, or write it again"


def _some_files(paths: list[Path]) -> str:
    named = ", ".join(str(path) for path in paths[:NAMED_FILES])
    rest = len(paths) - NAMED_FILES
    return f"{named} and {rest} more files" if rest > 0 else named


def _differences(
    table: Table,
    shape: Iterable[tuple[str, str]],
    fits: Callable[[Column, str], bool],
) -> list[str]:
    """How the columns differ from the contract; `fits` says whether a found type will do."""
    found = {name.lower(): data_type for name, data_type in shape}
    names = ", ".join(found)
    problems = []
    for column in table.columns:
        data_type = found.pop(column.name, None)
        if data_type is None and column.is_optional:
            continue
        if data_type is None:
            empty = (
                f", or `cast(null as {column.data_type}) as {column.name}` where your logs have none"
                if column.is_nullable
                else ""
            )
            problems.append(
                f"column {column.name} ({column.data_type}) is missing; found {names}. Remedy: select it in your "
                f"mapping{empty}"
            )
        elif not fits(column, data_type):
            problems.append(
                f"column {column.name} is {data_type.lower()}, expected {column.data_type}. Remedy: cast it in your "
                "mapping, where a value that does not fit can be seen"
            )
    for name in found:
        problems.append(
            f"column {name} is not in the contract. Remedy: leave it out of your mapping, or map it to the column it "
            f"stands for ({', '.join(column.name for column in table.columns)})"
        )
    return problems


def _too_large(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    shape: tuple[tuple[str, str], ...],
    source: str,
) -> list[Column]:
    found = {name.lower(): data_type for name, data_type in shape}
    unsigned = [
        column for column in table.columns if column.data_type == "bigint" and found.get(column.name) == "UBIGINT"
    ]
    return [
        column
        for column in unsigned
        if connection.execute(f"select count(*) from {source} where {column.name} > 9223372036854775807").fetchone()[0]
    ]


def _registration(
    connection: Warehouse,
    table: Table,
    existing: str | None,
    files: Files | None,
    raw_folder: Path | None,
) -> tuple[list[str], list[str]]:
    """What is wrong, and the statements that make raw.<table> a view on its files, or leave or make the table.

    `existing`: 'table', 'view' or None.
    """
    if files is not None:
        drop = []
        if existing == "table":
            rows = connection.row_count(table.relation)
            if rows:
                copy = connection.export(table.relation, f"{raw_folder}/{table.name}/from_warehouse.parquet")
                return [
                    f"{table.name}: the warehouse has a table {table.relation} with {rows:,} rows of its own, and they "
                    f"are not dropped for the sake of a file. Remedy: bring them into the folder first ({copy}, the "
                    f"other file beside it), then drop table {table.relation}."
                ], []
            drop = [f"drop table {table.relation}"]
        wrong = [f"{table.name}: {problem} (in {files.entry})." for problem in connection.unreadable(files)]
        return wrong, [*drop, f"create or replace view {table.relation} as {connection.view_of(files)}"]
    drop = []
    if existing == "view" and raw_folder is not None:
        if table.name == ANSWERS:
            return [
                f"{table.name}: answers were read from files before, and {raw_folder} has none now; going on would "
                "forget every label. Remedy: put the files back, or drop view raw.label_events if that is meant."
            ], []
        drop = [f"drop view {table.relation}"]
        existing = None
    if existing is None:
        if table.is_required:
            return [
                f"{table.name}: the warehouse has no {table.relation}, and this table is required. Remedy: write it, "
                "or give --raw-folder (or PREVALENCE_RAW_FOLDER) a folder of Parquet files in the shape of the "
                "contract, or write the demo world with `prevalence demo`."
            ], []
        return [], [*drop, connection.create_table(table)]
    return _check_relation(connection, table, existing)


def _check_relation(connection: Warehouse, table: Table, existing: str) -> tuple[list[str], list[str]]:
    """What is wrong, and the statements that add the optional columns that a table lacks."""
    try:
        shape = connection.columns(table.relation)
    except EngineError as error:
        return [
            f"{table.name}: {table.relation} cannot be read: {error.reason} Remedy: put its files back, or land the "
            "folder they are in now with --raw-folder."
        ], []
    problems = [
        f"{table.name}: {problem} (in the warehouse's {table.relation})."
        for problem in _differences(table, shape, lambda column, found: found == column.data_type)
    ]
    found = {name.lower() for name, _ in shape}
    lacking = [column for column in table.columns if column.is_optional and column.name not in found]
    if lacking and existing == "view":
        names = ", ".join(column.name for column in lacking)
        problems.append(
            f"{table.name}: the view {table.relation} has no column {names}, which an older version of this project did "
            "not ask for. Remedy: land its folder again with --raw-folder, or add it to the view "
            f"(`cast(null as {lacking[0].data_type}) as {lacking[0].name}`)."
        )
        return problems, []
    return problems, [connection.add_column(table, column) for column in lacking]
