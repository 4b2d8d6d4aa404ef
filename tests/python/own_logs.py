"""A small set of logs in the shape of the input contract, written as Parquet, and ways to spoil it."""

from __future__ import annotations

from pathlib import Path

import duckdb

from workflow.contract import raw_tables

DAYS = 3
INTERACTIONS = 240
POLICY = "harassment"

# every table as a SELECT over counters: the same rows each time, and each test changes what it wants to be wrong
TABLES = {
    "interactions": f"""
        select
            'i' || n as interaction_id,
            case when n % 2 = 0 then 'feed' else 'search' end as surface,
            timestamp '2026-03-02 06:00:00' + to_days(cast(n % {DAYS} as integer)) + to_minutes(n) as occurred_at,
            case when n % 5 > 0 then 'u' || (n % 40) end as user_id,
            's' || (n % 80) as session_id,
            case when n % 7 > 0 then 'DE' end as country,
            cast(null as timestamp) as received_at,
            cast(null as varchar) as client_stream_id,
            cast(null as bigint) as client_sequence,
            cast(null as varchar) as app_version,
            cast(null as varchar) as experiment_id,
            cast(null as varchar) as experiment_arm
        from range({INTERACTIONS}) as counters (n)
    """,
    "components": f"""
        select
            'i' || n as interaction_id,
            p as position,
            case when p = 0 then 'query' else 'response' end as component_type,
            'c' || ((n * 7 + p) % 150) as content_id,
            'text ' || n || '.' || p as text,
            cast(null as varchar) as uri,
            cast(null as varchar) as media_hash,
            cast(null as boolean) as was_viewed
        from range({INTERACTIONS}) as counters (n)
        cross join range(2) as positions (p)
    """,
    "risk_scores": f"""
        select
            'c' || n as content_id,
            '{POLICY}' as policy_id,
            'v1' as model_version,
            (n % 20) / 20.0::double as score,
            timestamp '2026-03-01 00:00:00' as scored_at
        from range(150) as counters (n)
    """,
    "sampling_plans": """
        select
            'all_interactions' as plan_id,
            'interaction' as unit_type,
            'simple_random' as design,
            cast(30 as bigint) as expected_units,
            cast(null as double) as defence_share,
            cast(null as bigint) as audit_units,
            cast(null as double) as audit_floor
    """,
}


def write(folder: Path, **changed: str | None) -> Path:
    """Write the tables; `changed` replaces a table's SELECT ({table} stands for the good one), None leaves it out."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for name, query in {**TABLES, **changed}.items():
            if query is None:
                continue
            query = query.replace("{table}", f"({TABLES.get(name, '')})")
            connection.execute(f"copy ({query}) to '{folder / name}.parquet' (format parquet)")
    return folder


def label_event(**values: str) -> str:
    """A SELECT of one label event; what is not given is null."""
    table = next(table for table in raw_tables() if table.name == "label_events")
    columns = [
        f"cast({repr(values[column.name]) if column.name in values else 'null'} as {column.duckdb_type}) as {column.name}"
        for column in table.columns
    ]
    return "select " + ", ".join(columns)
