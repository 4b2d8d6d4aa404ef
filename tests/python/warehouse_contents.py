"""What a warehouse holds, table by table, for comparing two of them."""

from __future__ import annotations

from pathlib import Path

import duckdb


def contents(warehouse: Path) -> dict[str, tuple[int, str]]:
    """Row count and a digest of the rows, in no order, for every table and view of every schema."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name, table_type from information_schema.tables"
            " where table_catalog = current_database() order by 1"
        ).fetchall()
        result = {}
        for name, _ in names:
            rows, digest = connection.execute(
                f"select count(*), cast(sum(cast(hash(rows) as hugeint)) as varchar) from {name} as rows"
            ).fetchone()
            result[name] = (rows, digest)
        return result


def differences(left: dict, right: dict) -> list[str]:
    """The tables whose rows differ, for a message."""
    return [
        f"{name}: {left.get(name)} and {right.get(name)}"
        for name in sorted(left.keys() | right.keys())
        if left.get(name) != right.get(name)
    ]
