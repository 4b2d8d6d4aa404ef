"""The warehouse on Spark: the session of this process, or a Thrift server.

Spark has no transactions on Parquet: whatever can be wrong is looked at before the first statement, and each statement
leaves a state from which the same command goes on.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prevalence.engines.contract import UNTYPED, Column, Files, Table, project_schemas
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.spark import java, session
from prevalence.engines.warehouse_interface import DEMO_WORLD, EngineError, MissingTable, Warehouse, first_line

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

# Spark's names for a table that is not there: https://spark.apache.org/docs/latest/sql-error-conditions.html
_MISSING = ("[TABLE_OR_VIEW_NOT_FOUND]", "[SCHEMA_NOT_FOUND]")
# Hive's schema for Derby keeps a view's text in a LONG VARCHAR of 32,700 characters, and Spark adds to what it is given.
LONGEST_TEXT = 24_000
PART = "_files_"


class Spark(Warehouse):
    """What a session and a Thrift server have in common: the dialect, and a metastore that holds absolute paths."""

    def rows(self, sql: str) -> list[tuple]:
        columns = [column.to_pylist() for column in self.arrow(sql).columns]
        return list(zip(*columns, strict=True))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def relations(self, schema: str) -> dict[str, str]:
        if not self.rows(f"show databases like {self.literal(schema)}"):
            return {}
        # a temporary view is in every schema, and is nobody's table
        tables = {name for _, name, is_temporary in self.rows(f"show tables in {schema}") if not is_temporary}
        views = {name for _, name, is_temporary in self.rows(f"show views in {schema}") if not is_temporary}
        return {name: "view" if name in views else "table" for name in sorted(tables | views)}

    def columns(self, relation: str) -> list[tuple[str, str]]:
        # `describe table` would list the partitions' columns twice
        return [(name, kind) for name, kind, _ in self.rows(f"describe query select * from {relation}")]

    def literal(self, value: str | bool | float | None) -> str:
        if value is None:
            return "null"
        if isinstance(value, str):
            # a dollar sign as its code: Spark puts variables, such as those of the environment, in the place of ${...}
            escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\u0024")
            return f"'{escaped}'"
        if isinstance(value, float):
            return f"cast('{value!r}' as double)"
        return str(value).lower()

    def create_table(self, table: Table) -> str:
        partitions = f" partitioned by ({', '.join(table.written_by)})" if table.written_by else ""
        return f"{table.create_empty} using parquet{partitions}"

    def replace(self, table: Table, written_by: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """The rows of one `written_by` are a partition, and a partition is one file.

        `insert overwrite` removes the old file, writes the new one elsewhere and renames it into its place, so a killed
        one leaves the old rows, none, or the new rows. Where a rename is no single step (an object store without a
        committer made for it), that is as good as the store's committer.
        """
        self.execute(f"create schema if not exists {table.schema}")
        if table.name not in self.relations(table.schema):
            self.execute(self.create_table(table))
        names = [column.name for column in table.columns]
        kept = [column for column in table.columns if column.name not in written_by]
        casts = ", ".join(f"cast({column.name} as {column.data_type}) as {column.name}" for column in kept)
        values = ", ".join("(" + ", ".join(map(self.literal, row)) + ")" for row in rows)
        equals = ", ".join(f"{column} = {self.literal(value)}" for column, value in written_by.items())
        self.execute(
            f"insert overwrite table {table.relation} {f'partition ({equals})' if equals else ''} "
            f"select /*+ coalesce(1) */ {casts} from values {values} as given ({', '.join(names)})"
        )

    def store(self, select: str, relation: str, partitioned_by: str | None = None) -> None:
        """Written under another name first: a killed one is overwritten by the next, and a rename is one step."""
        unfinished = f"{relation}__unfinished"
        partitions = f" partitioned by ({partitioned_by})" if partitioned_by else ""
        self.execute(f"create schema if not exists {relation.split('.')[0]}")
        self.execute(f"create table if not exists {unfinished} using parquet{partitions} as {select} limit 0")
        names = ", ".join(name for name, _ in self.columns(unfinished) if name != partitioned_by)
        names += f", {partitioned_by}" if partitioned_by else ""
        self.execute(f"insert overwrite table {unfinished} select {names} from ({select})")
        self.execute(f"alter table {unfinished} rename to {relation}")

    def unreadable(self, files: Files) -> list[str]:
        """DuckDB has looked at the files already (prevalence/engines/landing.py); here is what Spark alone cannot read."""
        problems = [
            f"column {name} is uuid, which Spark does not read. Remedy: cast it to text in your mapping"
            for name, data_type in sorted({column for shape in files.groups for column in shape})
            if data_type == "UUID"
        ]
        if not problems:
            try:
                self.rows(f"describe query {self.select_of(files)}")
            except EngineError as error:
                problems.append(
                    f"Spark cannot read what DuckDB can: {error.reason} Remedy: write the files again, with the usual "
                    "types and compression, into a folder that every machine of the cluster sees under this path"
                )
        return problems

    def select_of(self, files: Files) -> str:
        """One branch per physical shape, as on DuckDB; Spark's cast follows from the file's own type."""
        return " union all ".join(self._branches(files)) or files.table.select_nothing

    def _branches(self, files: Files) -> list[str]:
        """Files by their names, as many to a branch as a view's text may hold."""
        branches = []
        for shape, paths in files.groups.items():
            found = {name.lower(): data_type for name, data_type in shape}
            columns = ", ".join(_cast(column, found.get(column.name)) for column in files.table.columns)
            if not files.entry.is_dir():
                branches.append(f"select {columns} from {_parquet(_glob(files.entry))}")
                continue
            for folder, names in _by_folder([path.relative_to(files.entry) for path in paths]):
                for part in _parts(names):
                    among = f"{{{','.join(part)}}}"
                    branches.append(f"select {columns} from {_parquet(f'{_glob(files.entry / folder)}/{among}')}")
        return branches

    def register(self, files: Files) -> list[str]:
        """A view on the files; on views of parts of them where one text would be too long for a metastore in Derby."""
        branches = self._branches(files)
        if sum(map(len, branches)) <= LONGEST_TEXT:
            return super().register(files)
        relation = files.table.relation
        parts = {f"{relation}{PART}{number}": branch for number, branch in enumerate(branches, start=1)}
        return [
            *(f"create or replace view {part} as {branch}" for part, branch in parts.items()),
            f"create or replace view {relation} as " + " union all ".join(f"select * from {part}" for part in parts),
        ]

    def export(self, relation: str, path: str) -> str:
        return f"insert overwrite directory '{path}' using parquet select * from {relation}"

    @classmethod
    def switch_world(cls, settings: Settings, wanted: str) -> str | None:
        """Refuse to mix two worlds. The metastore holds absolute paths, so none can be set aside by renaming."""
        if not cls.exists(settings):
            return None
        with cls.open(settings, read_only=False) as warehouse:
            current = warehouse.world()
        if current is None or current == wanted:
            return None
        held, other = (world.replace("_", " ") for world in (current, wanted))
        raise UserError(
            f"The warehouse {settings.place} holds {held}, and tables of {other} would be mixed with them. Remedy: set "
            f"PREVALENCE_SPARK_FOLDER to another folder for {other}{cls.after_another_folder}, or drop the databases "
            f"{', '.join(project_databases())} (drop database NAME cascade) where {held} are not needed any more."
        )

    # what else to do when PREVALENCE_SPARK_FOLDER has changed
    after_another_folder = ""

    @classmethod
    def erase_demo_world(cls, settings: Settings) -> None:
        """Drop the project's databases. What says that this is the demo world goes last, so that a repetition knows."""
        with cls.open(settings, read_only=False) as warehouse:
            if warehouse.world() != DEMO_WORLD:
                return
            for database in project_databases():
                if database != "raw":
                    warehouse.execute(f"drop database if exists {database} cascade")
            for name, kind in warehouse.relations("raw").items():
                if name != "demo_world_settings":
                    warehouse.execute(f"drop {kind} raw.{name}")
            warehouse.execute("drop database raw cascade")


class Session(Spark):
    """The session of this process. It stays open from command to command, because a JVM takes ten seconds to start."""

    def __init__(self, settings: Settings, spark: SparkSession) -> None:
        super().__init__(settings)
        self._spark = spark

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, read_only: bool) -> Iterator[Session]:
        if read_only and not cls.exists(settings):
            raise UserError(
                f"There is no warehouse {settings.place} yet. Remedy: `prevalence demo --target session`, or "
                "`prevalence run --target session --raw-folder DIR` for your own logs."
            )
        yield cls(settings, cls._started(settings))

    @classmethod
    def make_ready(cls, settings: Settings) -> None:
        cls._started(settings)

    @classmethod
    def exists(cls, settings: Settings) -> bool:
        return (settings.spark_folder / "metastore").exists()

    @staticmethod
    def _started(settings: Settings) -> SparkSession:
        java.require_packages()
        from pyspark.sql import SparkSession

        # it reports each refused statement in JSON on stderr, beside the sentence that people are given
        logging.getLogger("SQLQueryContextLogger").disabled = True
        running = SparkSession.getActiveSession()
        if running is not None:
            tables = session.configuration(settings)["spark.sql.warehouse.dir"]
            if running.conf.get("spark.sql.warehouse.dir", "").removeprefix("file:") == tables:
                return running
            running.stop()
        return session.start_session(settings)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            yield
        except (PySparkException, Py4JError) as error:
            raise _engine_error(self.settings, first_line(error)) from error

    def arrow(self, sql: str) -> pa.Table:
        import pyarrow as pa

        with self._explained():
            table = self._spark.sql(sql).toArrow()
        for place, found in enumerate(table.schema):
            if pa.types.is_timestamp(found.type):
                table = table.set_column(place, found.name, table.column(place).cast(pa.timestamp("us")))
        return table

    def execute(self, sql: str) -> None:
        with self._explained():
            self._spark.sql(sql)


class Thrift(Spark):
    """A connection to PREVALENCE_THRIFT_HOST and PREVALENCE_THRIFT_PORT, as in profiles.yml."""

    after_another_folder = " and start the server again (`prevalence spark stop`, `prevalence spark start`)"

    def __init__(self, settings: Settings, connection: Any) -> None:
        super().__init__(settings)
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, read_only: bool) -> Iterator[Thrift]:
        java.require_packages()
        from pyhive import hive
        from pyhive.exc import Error
        from thrift.Thrift import TException

        host, port = settings.thrift_address
        # thrift reports a refused connection by itself, beside the sentence that people are given
        logging.getLogger("thrift").setLevel(logging.CRITICAL)
        try:
            user = os.environ.get("PREVALENCE_THRIFT_USER", "prevalence")
            connection = hive.connect(host=host, port=port, username=user)
        except (Error, TException, OSError) as error:
            raise UserError(_unanswered(host, port, first_line(error))) from error
        try:
            yield cls(settings, connection)
        finally:
            # the server may be gone, and with it the connection
            with suppress(Error, TException, OSError):
                connection.close()

    @classmethod
    def make_ready(cls, settings: Settings) -> None:
        with cls.open(settings, read_only=False):
            pass

    @classmethod
    def exists(cls, settings: Settings) -> bool:
        return True

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from pyhive.exc import Error
        from thrift.Thrift import TException

        try:
            yield
        except Error as error:
            raise _engine_error(self.settings, _server_reason(error)) from error
        except (TException, OSError) as error:
            reason = first_line(error)
            raise EngineError(_unanswered(*self.settings.thrift_address, reason), reason) from error

    def arrow(self, sql: str) -> pa.Table:
        import pyarrow as pa

        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            rows, description = cursor.fetchall(), cursor.description
        types = {
            "BOOLEAN_TYPE": pa.bool_(),
            "TINYINT_TYPE": pa.int8(),
            "SMALLINT_TYPE": pa.int16(),
            "INT_TYPE": pa.int32(),
            "BIGINT_TYPE": pa.int64(),
            "FLOAT_TYPE": pa.float32(),
            "DOUBLE_TYPE": pa.float64(),
            "DATE_TYPE": pa.date32(),
            "TIMESTAMP_TYPE": pa.timestamp("us"),
        }
        columns = []
        for place, (_, kind, *_) in enumerate(description):
            values = [row[place] for row in rows]
            if kind == "DATE_TYPE":  # PyHive leaves dates as text
                values = [date.fromisoformat(value) if isinstance(value, str) else value for value in values]
            # decimals and text say what they are themselves
            kind_of_values = types.get(kind, None if kind == "DECIMAL_TYPE" else pa.string())
            columns.append(pa.array(values, kind_of_values))
        return pa.Table.from_arrays(columns, names=[column[0] for column in description])

    def execute(self, sql: str) -> None:
        with self._explained(), self._connection.cursor() as cursor:
            cursor.execute(sql)


# what is a schema on DuckDB is a database on Spark
project_databases = project_schemas


def _cast(column: Column, found: str | None) -> str:
    """SQL that reads the column, stored as DuckDB's type `found`, as its contract type; None: optional and not there.

    The session's zone is UTC, so a time without zone becomes that time in UTC. Nanoseconds are read as whole numbers
    (spark.sql.legacy.parquet.nanosAsLong) and cut to microseconds, so that a day's last moment stays that day's. Text
    that is not UTF-8 stops the query, as on DuckDB: Spark would show a text with other characters than those it hashed.
    """
    name = column.name
    if found is None or found == UNTYPED:
        return f"cast(null as {column.data_type}) as {name}"
    if column.data_type == "string":
        return f"validate_utf8(cast({name} as string)) as {name}"
    if found in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):
        return f"timestamp_micros(cast(floor(cast({name} as decimal(20, 0)) / 1000) as bigint)) as {name}"
    return f"cast({name} as {column.data_type}) as {name}"


def _by_folder(paths: list[Path]) -> list[tuple[Path, list[str]]]:
    """Names as patterns of themselves, by the folder that they are below.

    Hadoop loses the escapes of names in braces that hold a slash: only names without any may be of several folders.
    """
    folders: dict[tuple[Path, bool], list[str]] = {}
    for path in paths:
        is_plain = _glob(path) == str(path)
        folder = Path() if is_plain else path.parent
        folders.setdefault((folder, is_plain), []).append(_glob(path.relative_to(folder)))
    return [(folder, names) for (folder, _), names in folders.items()]


def _parts(names: list[str]) -> Iterator[list[str]]:
    """The names in order, cut where their texts would be too long together."""
    part: list[str] = []
    for name in names:
        if part and sum(map(len, part)) + len(part) + len(name) > LONGEST_TEXT // 2:
            yield part
            part = []
        part.append(name)
    yield part


def _glob(path: Path) -> str:
    """The path with everything escaped that Hadoop would take for a pattern."""
    return re.sub(r"([\\*?\[\]{},])", r"\\\1", str(path))


def _parquet(path: str) -> str:
    # with its scheme: on a cluster a bare path would be one of its default file system
    return "parquet.`file:" + path.replace("`", "``") + "`"


def _engine_error(settings: Settings, reason: str) -> EngineError:
    kind = MissingTable if any(name in reason for name in _MISSING) else EngineError
    return kind(
        f"Spark stopped on the warehouse {settings.place}: {reason} Remedy: when it is out of memory, raise "
        "PREVALENCE_SPARK_DRIVER_MEMORY (of a cluster PREVALENCE_SPARK_EXECUTOR_MEMORY, too); when the disk is full, "
        "free some; then run the same command again. Finished steps stay.",
        reason,
    )


def _unanswered(host: str, port: int, reason: str) -> str:
    return (
        f"No Thrift server answers at {host}:{port} ({reason}). Remedy: `prevalence spark start`, or set "
        "PREVALENCE_THRIFT_HOST and PREVALENCE_THRIFT_PORT to the one that runs."
    )


def _server_reason(error: Exception) -> str:
    """What Spark said within PyHive's error, which carries the whole answer of the server."""
    status = getattr(error.args[0] if error.args else None, "status", None)
    message = getattr(status, "errorMessage", None) or first_line(error)
    named = re.search(r"\[[A-Z][A-Z0-9_.]+\] (?!org\.)[^\n]+", message)
    return named.group(0) if named else message.strip().splitlines()[0]
