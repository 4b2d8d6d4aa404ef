"""What two warehouses hold, table by table: where their rows differ."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import duckdb

# What the next run still has to do: after a whole run it is nothing, and that shows in the run after it.
STILL_TO_DO = ("estimates.est_unit_periods", "frames.frame_plans", "quality.backfill_costs", "quality.draw_costs")


def differences(left: Path, right: Path, without: Collection[str] = ()) -> list[str]:
    """One line for each table or view whose rows differ in number or in any value, to the last bit of a double.

    `without`: names of tables that are not compared.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{left}' as lefthand (read_only)")
        connection.execute(f"attach '{right}' as righthand (read_only)")
        contents = [_contents(connection, side) for side in ("lefthand", "righthand")]
    assert contents[0], f"{left} is empty"
    return [
        f"{name}: {contents[0].get(name, 'absent')} and {contents[1].get(name, 'absent')}"
        for name in sorted(contents[0].keys() | contents[1].keys())
        if contents[0].get(name) != contents[1].get(name) and name not in without
    ]


def _contents(connection: duckdb.DuckDBPyConnection, side: str) -> dict[str, str]:
    """Row count and the sum of the rows' hashes, which does not depend on their order, of every table and view."""
    names = connection.execute(
        "select table_schema || '.' || table_name from information_schema.tables where table_catalog = ?", [side]
    ).fetchall()
    result = {}
    for (name,) in names:
        rows, digest = connection.execute(
            f"select count(*), sum(cast(hash(contents) as hugeint)) from {side}.{name} as contents"
        ).fetchone()
        result[name] = f"{rows:,} rows, digest {digest}"
    return result
