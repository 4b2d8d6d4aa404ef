"""Check the raw tables against the input contract and register them; everything that is wrong is told at once."""

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from prevalence.engines import raw_files, warehouse
from prevalence.engines.contract import (
    UNTYPED,
    Column,
    Files,
    Table,
    gate_tables,
    landing_tables,
    raw_tables,
    read_back_tables,
)
from prevalence.engines.duckdb_warehouse import read_parquet, select_of
from prevalence.engines.raw_files import ENDING, Landed, some_files
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.warehouse_interface import OWN_LOGS, EngineError, Warehouse, first_line

ANSWERS = "label_events"
# what people decide, each once
CONFIGURATION = ("policies", "sampling_plans")


# What a warehouse of an earlier version has taken in: it is not taken away again when logs have aged out by now.
_STAGED_BEFORE = """
insert into staging.stg_staged_days
select
    cast(interactions.interaction_rows as bigint) as interaction_rows,
    cast(interactions.interactions as bigint) as interactions,
    cast(coalesce(components.components, 0) as bigint) as components,
    cast(null as string) as fingerprint,
    interactions.row_date as unit_date
from (
    select
        row_date,
        count(*) as interaction_rows,
        count(distinct case when quarantine_reason is null then interaction_id end) as interactions
    from staging.stg_interactions_classified
    group by row_date
) as interactions
left join (
    select row_date, count(distinct interaction_id || '|' || cast(position as string)) as components
    from staging.stg_components_classified
    group by row_date
) as components
    on interactions.row_date = components.row_date
"""


@dataclass
class Landing:
    """What a landing has to say."""

    # one line for each raw table with rows
    tables: list[str] = field(default_factory=list)
    # what a person did not ask for and should know
    notices: list[str] = field(default_factory=list)


@dataclass
class Folder:
    """What was read of a raw folder."""

    files: dict[str, Files] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def land(settings: Settings, raw_folder: Path | None) -> Landing:
    """Register a folder's files, or check what the warehouse holds.

    Everything is looked at before anything is changed, and on an engine without transactions a landing that is killed
    between two statements is completed by the next.

    The folder is one of this machine, whichever the engine: its files are read here to check them. Files elsewhere
    (hdfs, s3) are registered by hand as raw.<table>, a table or view of the contract's columns and types, and checked
    as such.
    """
    tables = raw_tables()
    folder, files = Folder(), []
    said = Landing()
    if raw_folder is not None:
        before = _landed_before(settings)
        folder = read_folder(raw_folder, tables, {row.file_path for row in before if row.is_untouched()})
        _refuse(folder.problems, f"The files in {raw_folder}")
        files = [_listed(table, path, before) for table, found in folder.files.items() for path in found.paths]
        said.notices += [*folder.notices, *_news(before, files)]
        switched = warehouse.switch_world(settings, OWN_LOGS)
        said.notices += [switched] if switched else []
    with warehouse.connect(settings) as connection:
        written = (*gate_tables(), *read_back_tables(), *landing_tables())
        schemas = dict.fromkeys(["raw", *(table.schema for table in written)])
        relations = {schema: connection.relations(schema) for schema in schemas}
        if raw_folder is None:
            _refuse_other_files(connection, relations["raw"])
        problems: list[str] = []
        statements = [f"create schema if not exists {schema}" for schema in schemas]
        for table in tables:
            wrong, needed = _registration(
                connection, table, relations["raw"].get(table.name), folder.files.get(table.name), raw_folder
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
                if table.name == "stg_staged_days" and "stg_interactions_classified" in relations[table.schema]:
                    statements.append(_STAGED_BEFORE)
        _refuse(problems, "The raw tables of the warehouse")
        with connection.transaction():
            for statement in statements:
                connection.execute(statement)
            if raw_folder is not None:
                _write_down(connection, files)
            _refuse_contradictions(connection, tables)
        counts = connection.row_counts([table.relation for table in tables])
    for table in tables:
        if counts[table.relation]:
            origin = folder.files[table.name].entry if table.name in folder.files else "table"
            said.tables.append(f"{table.relation:<26}{counts[table.relation]:>12,} rows  {origin}")
    return said


def _refuse_contradictions(connection: Warehouse, tables: tuple[Table, ...]) -> None:
    """Raise UserError for policies and plans that cannot be told apart or have no meaning: nothing is built on them."""
    problems = []
    for table in (table for table in tables if table.name in CONFIGURATION):
        for name in table.grain:
            condition = f"{name} is null or trim({name}) = ''"
            ((rows,),) = connection.rows(f"select count(*) as n from {table.relation} where {condition}")
            if rows:
                problems.append(f"{table.name}: {name} is empty in {rows} rows. Remedy: give each row its {name}.")
        if "importance" in {column.name for column in table.columns}:
            problems += [
                f"{table.name}: importance of {table.grain[0]} {name} is {importance}. Remedy: a number from 0, or null for 1."
                for name, importance in connection.rows(
                    f"select {table.grain[0]}, importance from {table.relation}"
                    " where not (importance >= 0 and importance < cast('Infinity' as double)) order by 1"
                )
            ]
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise UserError(f"Policies or plans contradict each other; nothing is built on them.\n{listed}")


def _landed_before(settings: Settings) -> list[Landed]:
    """The list of the landing before this one; empty where there was none."""
    if not warehouse.exists(settings):
        return []
    with warehouse.connect(settings) as connection:
        return _landed(connection, connection.relations("raw"))


def _landed(connection: Warehouse, relations: dict[str, str]) -> list[Landed]:
    (table,) = landing_tables()
    if table.name not in relations:
        return []
    names = ", ".join(column.name for column in table.columns)
    return [Landed(*row) for row in connection.rows(f"select {names} from {table.relation} order by file_path")]


def _listed(table: str, path: Path, before: list[Landed]) -> Landed:
    """The file as a row of the list. Bytes are read of new and changed files alone."""
    known = {row.file_path: row for row in before}.get(str(path))
    if known is not None and known.is_untouched():
        return replace(known, table_name=table)
    size, modified = raw_files.size_and_time(path)
    now = Landed(table, str(path), size, modified, raw_files.sha256(path))
    if known is not None and known.sha256 == now.sha256:
        return replace(now, landed_at=known.landed_at)
    return replace(now, landed_at=None)


def _news(before: list[Landed], files: list[Landed]) -> list[str]:
    """What has happened to files that were landed before; new ones are nothing to warn of."""
    hashes = {file.file_path: file.sha256 for file in files}
    changed = [row for row in before if hashes.get(row.file_path, row.sha256) != row.sha256]
    gone = [row for row in before if row.file_path not in hashes]
    return [
        f"{table}: {some_files([Path(row.file_path) for row in rows if row.table_name == table])} {what}"
        for rows, what in ((changed, "changed since the landing before"), (gone, "landed before and not any more"))
        for table in dict.fromkeys(row.table_name for row in rows)
    ]


def _write_down(connection: Warehouse, files: list[Landed]) -> None:
    (table,) = landing_tables()
    now = datetime.now(UTC).replace(tzinfo=None)
    rows = [
        (
            file.table_name,
            file.file_path,
            file.size_bytes,
            file.modified_nanoseconds,
            file.sha256,
            str(file.landed_at or now),
        )
        for file in files
    ]
    connection.replace(table, {}, rows)


def _refuse_other_files(connection: Warehouse, relations: dict[str, str]) -> None:
    """Raise UserError when a file that a raw view reads is not the one that was landed."""
    conditions: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for row in _landed(connection, relations):
        condition = row.condition() if relations.get(row.table_name) == "view" else None
        if condition is not None:
            conditions[row.table_name, condition].append(Path(row.file_path))
    if conditions:
        listed = "\n".join(
            f"  - {table}: {some_files(paths)} {condition}." for (table, condition), paths in conditions.items()
        )
        raise UserError(
            f"The raw tables read files that are not as they were landed; nothing was changed.\n{listed}\n"
            "Remedy: put them back as they were, or land their folder as it is now with --raw-folder (or "
            "PREVALENCE_RAW_FOLDER)."
        )


def _refuse(problems: list[str], subject: str) -> None:
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise UserError(
            f"{subject} do not fit the input contract (models/staging/_sources.yml); nothing was changed.\n{listed}"
        )


def read_folder(folder: Path, tables: tuple[Table, ...], known: Iterable[str] = ()) -> Folder:
    """The files of each table and everything that is wrong with the folder.

    The rows of files in `known` were read by an earlier landing, and are not read again.
    """
    found = Folder()
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        found.problems.append(
            f"the folder {folder} cannot be read ({error.strerror}). Remedy: give --raw-folder or "
            "PREVALENCE_RAW_FOLDER an existing folder that this account may read."
        )
        return found
    names = {table.name: table for table in tables}
    skipped = [entry for entry in entries if raw_files.is_skipped(entry.name)]
    sources: dict[str, list[Path]] = defaultdict(list)
    for entry in entries:
        # Spark writes a folder of the name that it was given, often with the ending of a file
        name = entry.name.removesuffix(ENDING)
        if entry in skipped:
            continue
        if name in names and (entry.is_dir() or entry.suffix == ENDING):
            sources[name].append(entry)
        else:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {near[0]}{ENDING}?" if near else ""
            found.problems.append(
                f"{some_files([Path(entry.name)])}: no table of the contract has this name.{hint} Remedy: rename it to "
                f"<table>{ENDING} or a folder <table>/ (tables: {', '.join(names)}), or move it out of the folder."
            )
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for table in tables:
            entries = sources.get(table.name, [])
            if not entries and table.is_required:
                found.problems.append(
                    f"{table.name}: there is neither {table.name}{ENDING} nor a folder {table.name}/ in {folder}, and "
                    "this table is required. Remedy: write it there."
                )
            elif len(entries) > 1:
                found.problems.append(
                    f"{table.name}: both {entries[0].name} and {entries[1].name} are there, and rows of one could be "
                    "rows of the other. Remedy: keep one of them."
                )
            elif entries:
                below = raw_files.find(entries[0])
                skipped += below.skipped
                found.problems += [f"{table.name}: {problem}." for problem in below.problems]
                files, wrong, empty = _read_files(connection, table, entries[0], below.paths, set(known))
                found.problems += wrong
                found.notices += [f"{table.name}: {some_files(empty)} without rows"] if empty else []
                found.files[table.name] = files
    if skipped:
        found.notices.append(
            f"skipped, as names that begin with . or _ are hidden or unfinished: {some_files(skipped)}"
        )
    return found


def _read_files(
    connection: duckdb.DuckDBPyConnection, table: Table, entry: Path, paths: list[Path], known: set[str]
) -> tuple[Files, list[str], list[Path]]:
    """The files by shape, what is wrong with them, and those without rows, in which nothing can be wrong."""
    files = Files(table, entry, paths=paths)
    wrong: dict[str, list[Path]] = defaultdict(list)
    empty: list[Path] = []
    for path in paths:
        try:
            shape, problems = _shape(connection, table, path)
        except duckdb.Error as error:
            wrong[_unreadable(error)].append(path)
            continue
        if shape is None:
            empty.append(path)
            continue
        files.groups.setdefault(shape, []).append(path)
        for problem in problems:
            wrong[problem].append(path)
    if not wrong:
        for shape, among in files.groups.items():
            unread = [path for path in among if str(path) not in known]
            for path, problem in _unreadable_rows(connection, replace(files, groups={shape: unread})):
                wrong[problem].append(path)
    problems = [f"{table.name}: {problem} (in {some_files(where)})." for problem, where in wrong.items()]
    return files, problems, empty


# names and DuckDB types of columns
Shape = tuple[tuple[str, str], ...]


def _shape(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> tuple[Shape | None, list[str]]:
    """The file's columns, and how they differ from the contract; None for a file that has no rows."""
    source = read_parquet([path])
    try:
        described = connection.execute(f"describe select * from {source}").fetchall()
    except duckdb.Error as error:
        if "at least one non-root column" in str(error):  # what data frames write that have neither columns nor rows
            return None, []
        raise
    shape = tuple((row[0], row[1]) for row in described)
    if not _differences(table, shape, Column.accepts):
        return shape, _too_large(connection, table, shape, source)
    ((rows, *values),) = connection.execute(
        f"select count(*), {', '.join(f'count({_quoted(name)})' for name, _ in shape)} from {source}"
    ).fetchall()
    if not rows:
        return None, []
    # a column of nothing but nulls can be read as any type
    shape = tuple((name, kind if count else UNTYPED) for (name, kind), count in zip(shape, values, strict=True))
    looks = {name: _unit_of(connection, source, name) for name, kind in shape if kind in _NUMBERS}
    problems = _differences(table, shape, Column.accepts, looks)
    return shape, problems or _too_large(connection, table, shape, source)


def _unreadable_rows(connection: duckdb.DuckDBPyConnection, files: Files) -> Iterable[tuple[Path, str]]:
    """Files whose rows cannot be read, by column: pages that are damaged, text that is not UTF-8, times out of range.

    A hash of every value, because DuckDB answers easier questions without looking at the pages.
    """

    def failure(paths: list[Path], columns: Iterable[Column]) -> str | None:
        hashes = ", ".join(f"bit_xor(hash({_day_of(column)}))" for column in columns)
        try:
            select = select_of(replace(files, groups={shape: paths for shape in files.groups}))
            connection.execute(f"select {hashes} from ({select}) as landed").fetchall()
        except duckdb.Error as error:
            return first_line(error)
        return None

    (paths,) = files.groups.values()
    if not paths or failure(paths, files.table.columns) is None:
        return
    for path in paths:
        for column in files.table.columns:
            reason = failure([path], [column])
            if reason is not None:
                yield path, f"column {column.name} cannot be read: {_reason(reason)}"


def _day_of(column: Column) -> str:
    """What is made of every time sooner or later, and fails outside of the calendar."""
    return f"{column.name}, cast({column.name} as date)" if column.data_type == "timestamp" else column.name


def _reason(reason: str) -> str:
    if "UTF-8" in reason or "UTF8" in reason:
        return "its text is not UTF-8, but Latin-1 perhaps. Remedy: decode it in your mapping and write it as UTF-8"
    if reason.startswith("Conversion Error"):
        return (
            f"{reason.removeprefix('Conversion Error: ')}. Remedy: write a value of the contract's range in your mapping, "
            "or null where there is none"
        )
    return f"the file is damaged ({reason}). Remedy: write it again"


_NUMBERS = ("INTEGER", "BIGINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE")
# largest number that is likely to be a time in these units since 1970, and the casts of DuckDB and Spark
_EPOCHS = (
    (10**11, "seconds", "make_timestamp(cast({} * 1000000 as bigint))", "timestamp_seconds({})"),
    (10**14, "milliseconds", "epoch_ms(cast({} as bigint))", "timestamp_millis(cast({} as bigint))"),
    (10**17, "microseconds", "make_timestamp(cast({} as bigint))", "timestamp_micros(cast({} as bigint))"),
    (
        2**64,
        "nanoseconds",
        "make_timestamp(cast({} as bigint) // 1000)",
        "timestamp_micros(cast({} as bigint) div 1000)",
    ),
)


def _unit_of(connection: duckdb.DuckDBPyConnection, source: str, name: str) -> str:
    """How numbers that are times since 1970 are cast, by their size."""
    ((largest,),) = connection.execute(f"select max(abs(cast({_quoted(name)} as double))) from {source}").fetchall()
    unit, ours, theirs = next(
        (unit, ours, theirs) for limit, unit, ours, theirs in _EPOCHS if not (largest or 0) >= limit or limit == 2**64
    )
    return (
        f"its numbers look like {unit} since 1970, which `{ours.format(name)}` reads, on Spark `{theirs.format(name)}`"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _unreadable(error: duckdb.Error) -> str:
    text = first_line(error)
    if "magic bytes" in text or "too small to be a Parquet" in text:
        return "this is not a Parquet file, whatever its name says. Remedy: write it again as Parquet"
    return f"the file cannot be read: {text} Remedy: check its permissions, or write it again"


def _differences(
    table: Table,
    shape: Iterable[tuple[str, str]],
    fits: Callable[[Column, str], bool],
    looks: Mapping[str, str] | None = None,
) -> list[str]:
    """How the columns differ from the contract; `fits` says whether a found type will do, `looks` how numbers are times."""
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
                f"column {column.name} is {data_type.lower()}, expected {column.data_type}. Remedy: "
                f"{_cast_to_write(column, data_type, (looks or {}).get(column.name))} in your mapping, where a value that "
                "does not fit can be seen"
            )
    for name in found:
        problems.append(
            f"column {name} is not in the contract. Remedy: leave it out of your mapping, or map it to the column it "
            f"stands for ({', '.join(column.name for column in table.columns)})"
        )
    return problems


def _cast_to_write(column: Column, found: str, looks: str | None) -> str:
    if column.data_type == "timestamp" and looks:
        return f"cast it ({looks})"
    if column.data_type == "string" and found == "BLOB":
        return f"write `decode({column.name})` (on Spark `decode({column.name}, 'UTF-8')`)"
    return f"write `cast({column.name} as {column.data_type}) as {column.name}`"


def _too_large(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    shape: Shape,
    source: str,
) -> list[str]:
    found = {name.lower(): data_type for name, data_type in shape}
    unsigned = [
        column for column in table.columns if column.data_type == "bigint" and found.get(column.name) == "UBIGINT"
    ]
    return [
        f"column {column.name} holds unsigned numbers beyond the range of bigint. Remedy: write it as a signed 64-bit integer"
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
        return wrong, [*drop, *connection.register(files)]
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
