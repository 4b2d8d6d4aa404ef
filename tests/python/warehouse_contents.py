"""What two warehouses hold, table by table: where their rows differ."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

# Sums of doubles are added in whatever order threads deliver them, so their last digits are not for ever.
RELATIVE_TOLERANCE = 1e-9


def differences(left: Path, right: Path, schemas: tuple[str, ...] | None = None) -> list[str]:
    """One line for each table or view whose rows differ: in number, in any value, or in a double by more than its last digits."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{left}' as lefthand (read_only)")
        connection.execute(f"attach '{right}' as righthand (read_only)")
        names = {side: _relations(connection, side, schemas) for side in ("lefthand", "righthand")}
        found = [f"{name}: in one warehouse only" for name in sorted(names["lefthand"] ^ names["righthand"])]
        for name in sorted(names["lefthand"] & names["righthand"]):
            difference = _difference(connection, name)
            if difference:
                found.append(f"{name}: {difference}")
    assert names["lefthand"], f"{left} has no table in {schemas}"
    return found


def _relations(connection: duckdb.DuckDBPyConnection, side: str, schemas: tuple[str, ...] | None) -> set[str]:
    rows = connection.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = ?", [side]
    ).fetchall()
    return {f"{schema}.{name}" for schema, name in rows if schemas is None or schema in schemas}


def _difference(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    shapes = [connection.execute(f"describe {side}.{name}").fetchall() for side in ("lefthand", "righthand")]
    if shapes[0] != shapes[1]:
        return "other columns"
    exact = [row[0] for row in shapes[0] if row[1] != "DOUBLE"]
    doubles = [row[0] for row in shapes[0] if row[1] == "DOUBLE"]
    counts = []
    for side in ("lefthand", "righthand"):
        # a view that a plugin's functions are needed for cannot be read here, and none may exist
        key = "hash(" + ", ".join(f'"{column}"' for column in exact) + ")" if exact else "0"
        counts.append(
            connection.execute(
                f"select count(*), cast(sum(cast({key} as hugeint)) as varchar) from {side}.{name}"
            ).fetchone()
        )
    if counts[0] != counts[1]:
        return f"{counts[0][0]:,} and {counts[1][0]:,} rows, or other values"
    if not doubles:
        return None
    order = ", ".join(f'"{column}"' for column in [*exact, *doubles])
    columns = ", ".join(f'"{column}"' for column in doubles)
    values = [
        connection.execute(f"select {columns} from {side}.{name} order by {order}").fetchnumpy()
        for side in ("lefthand", "righthand")
    ]
    for column in doubles:
        first, second = (np.ma.filled(value[column].astype(float), np.nan) for value in values)
        if not np.allclose(first, second, rtol=RELATIVE_TOLERANCE, atol=0, equal_nan=True):
            return f"other values of {column}"
    return None
