"""The DuckDB file: opening it beside dbt in one process, and which world it holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from workflow.settings import Settings, UserError, display

# What the raw tables come from. Draws are for ever, so one file never mixes two worlds.
DEMO_WORLD = "demo_world"
OWN_LOGS = "own_logs"


def release_dbt() -> None:
    """Close the connection that dbt keeps open in this process; DuckDB lets one process open a file once."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


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
    return (
        f"The warehouse {display(warehouse)} cannot be opened: {message.strip().splitlines()[0]} Remedy: move the file "
        "away, or set PREVALENCE_DUCKDB_PATH to a DuckDB file that this account may write to."
    )


@contextmanager
def connect(
    settings: Settings, read_only: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    release_dbt()
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
        yield connection
    finally:
        connection.close()


def relation_type(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str
) -> str | None:
    """'table', 'view' or None."""
    row = connection.execute(
        "select table_type from information_schema.tables"
        " where table_catalog = current_database() and table_schema = ? and table_name = ?",
        [schema, name],
    ).fetchone()
    if row is None:
        return None
    return "view" if row[0] == "VIEW" else "table"


def row_count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return connection.execute(f"select count(*) from {relation}").fetchone()[0]


def world_of(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Which world the file holds; None while it has no raw rows at all."""
    if relation_type(connection, "raw", "demo_world_settings"):
        return DEMO_WORLD
    names = connection.execute(
        "select table_name from information_schema.tables"
        " where table_catalog = current_database() and table_schema = 'raw'"
    ).fetchall()
    for (name,) in names:
        if relation_type(connection, "raw", name) == "view":
            return OWN_LOGS
        if row_count(connection, f'raw."{name}"'):
            return OWN_LOGS
    return None


def switch_world(settings: Settings, wanted: str) -> str | None:
    """Make the warehouse one that holds `wanted` or nothing yet; returns what was done, for people.

    The other world's file is set aside under its own name and comes back when it is wanted again, so neither its
    draws nor its answers are lost or mixed with others. Each step is a rename: a killed switch is completed by the next.
    """
    said = []
    if settings.warehouse.exists():
        with connect(settings) as connection:
            current = world_of(connection)
            connection.execute("checkpoint")
        if current in (None, wanted):
            return None
        aside = _set_aside(settings, current)
        if aside.exists():
            raise UserError(
                f"The warehouse {display(settings.warehouse)} holds {current.replace('_', ' ')} and has to be set aside "
                f"as {display(aside)}, which exists already. Remedy: move one of the two files away, or set "
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


def _set_aside(settings: Settings, world: str) -> Path:
    return settings.warehouse.with_name(
        f"{settings.warehouse.stem}.{world}{settings.warehouse.suffix}"
    )
