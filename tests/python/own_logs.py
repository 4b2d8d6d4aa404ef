"""A small set of logs in the shape of the input contract, written as Parquet, and ways to spoil it."""

from __future__ import annotations

from pathlib import Path

import duckdb

from prevalence.engines.contract import raw_tables

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
    texts = {name: "'" + value.replace("'", "''") + "'" for name, value in values.items()}
    columns = [
        f"cast({texts.get(column.name, 'null')} as {column.duckdb_type}) as {column.name}" for column in table.columns
    ]
    return "select " + ", ".join(columns)


def answer(warehouse: Path, folder: Path, name: str, condition: str = "true", **values: str) -> int:
    """Answer what is open and fulfils the condition, in a file of its own beside the logs; how many answers that were.

    One in ten is called violating, whoever asks and whenever. `values` replaces a column's expression over
    labels.open_assignments.
    """
    table = next(table for table in raw_tables() if table.name == "label_events")
    given = {
        "label_event_id": "'e_' || assignment_id",
        "source": "case when pool = 'llm' then 'llm' else 'human' end",
        "rater_id": "'rater'",
        "decision": "case when hash(item_id) % 10 = 0 then 'violating' else 'non_violating' end",
        "outcome": "'ok'",
        "submitted_at": "cast(sample_date as timestamp) + interval 30 hour",
        **values,
    }
    (folder / "label_events").mkdir(exist_ok=True)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        known = {row[0] for row in connection.execute("describe labels.open_assignments").fetchall()}
        expressions = {
            column.name: given.get(column.name, column.name if column.name in known else "null")
            for column in table.columns
        }
        columns = ", ".join(
            f"cast({expressions[column.name]} as {column.duckdb_type}) as {column.name}" for column in table.columns
        )
        ((answers,),) = connection.execute(
            f"copy (select {columns} from labels.open_assignments where purpose <> 'overlap' and {condition}) "
            f"to '{folder}/label_events/{name}.parquet' (format parquet)"
        ).fetchall()
    return answers


def spoiled() -> dict[str, str]:
    """What `write` takes to make every table hold rows that are set aside, for each reason, and texts that are awkward.

    Interactions: two duplicates, one late, and one each without id, surface and time. Components: two duplicates, of no
    interaction, without id, content and position; half the texts with a character of their own, an emoji, a quote, a
    backslash and a line separator. Risk scores: a duplicate, out of range on both sides, NaN, null, of an unknown
    policy. Label events: of an unknown policy, of an unknown assignment, without id.
    """
    return {
        "interactions": """
            select * replace (
                case when interaction_id = 'i12' then occurred_at + to_days(5) else received_at end as received_at
            )
            from {table}
            union all select * from {table} where interaction_id in ('i1', 'i2')
            union all select * replace (cast(null as varchar) as interaction_id) from {table}
                where interaction_id = 'i3'
            union all
            select * replace (
                'x1' as interaction_id, cast(null as varchar) as surface,
                occurred_at + to_microseconds(120) as occurred_at
            )
            from {table} where interaction_id = 'i4'
            union all select * replace ('x2' as interaction_id, cast(null as timestamp) as occurred_at) from {table}
                where interaction_id = 'i5'
        """,
        "components": """
            select * replace (
                case
                    when position = 1
                        then
                            text || chr(cast(substr(interaction_id, 2) as integer)) || ' "\\' || chr(128512)
                            || chr(8232)
                    else text
                end as text
            )
            from {table}
            union all select * from {table} where interaction_id = 'i7'
            union all select * replace ('nobody' as interaction_id) from {table} where interaction_id = 'i8'
            union all select * replace (cast(null as varchar) as interaction_id) from {table}
                where interaction_id = 'i9'
            union all
            select * replace (9 as position, cast(null as varchar) as content_id, chr(7) || '\\é"' as text)
            from {table} where interaction_id = 'i10' and position = 1
            union all select * replace (cast(null as bigint) as position) from {table}
                where interaction_id = 'i11' and position = 1
        """,
        "risk_scores": """
            select * from {table}
            union all select * replace ('a1' as content_id, 1.5 as score) from {table} where content_id = 'c1'
            union all select * replace ('a2' as content_id, -0.1 as score) from {table} where content_id = 'c2'
            union all select * replace ('a3' as content_id, 'nan'::double as score) from {table} where content_id = 'c3'
            union all select * replace ('a4' as content_id, null::double as score) from {table} where content_id = 'c4'
            union all select * replace ('no_such_policy' as policy_id) from {table} where content_id = 'c5'
            union all select * from {table} where content_id = 'c6'
        """,
        "label_events": " union all ".join(
            [
                label_event(
                    label_event_id="e1", assignment_id="a1", policy_id="no_such_policy", submitted_at="2026-03-04"
                ),
                label_event(label_event_id="e2", assignment_id="a2", policy_id=POLICY, submitted_at="2026-03-04"),
                label_event(assignment_id="a3", policy_id=POLICY, submitted_at="2026-03-04"),
            ]
        ),
    }
