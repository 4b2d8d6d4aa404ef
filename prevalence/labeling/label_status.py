"""What is open, with whom it lies, what came back and what is late: by pool, policy and labeler."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings
from prevalence.engines.warehouse_interface import MissingTable
from prevalence.labeling.exports import open_ledger
from prevalence.labeling.ledger import Ledger, now

QUEUE_HEADERS = ("pool", "policy", "purpose", "open", "not sent", "sent", "overdue", "imported")
EXPORT_HEADERS = ("export", "to", "policy", "form", "questions", "answered", "ok", "ask again", "due")

_OPEN = """
    select pool, policy_id, purpose, assignment_id
    from labels.open_assignments
"""


def queues(settings: Settings) -> list[tuple]:
    """A row for each pool, policy and purpose with open assignments."""
    if not warehouse.exists(settings):
        return []
    with warehouse.connect(settings, read_only=True) as connection:
        try:
            open_assignments = connection.arrow(_OPEN)
        except MissingTable:
            return []
    with duckdb.connect() as connection:
        open_ledger(connection, Ledger(settings))
        connection.register("open_assignments", open_assignments)
        return connection.execute(
            """
            with outstanding as (
                select assignment_id, max(due_at) as due_at
                from asked
                anti join again on asked.custom_id = again.custom_id
                group by assignment_id
            ),

            -- answers that are there and wait for `prevalence run`
            imported as (
                select distinct assignment_id
                from outcomes
                where disposition = 'answer'
            )

            select
                open_assignments.pool,
                open_assignments.policy_id,
                open_assignments.purpose,
                count(*),
                count(*) filter (outstanding.assignment_id is null and imported.assignment_id is null),
                count(*) filter (outstanding.assignment_id is not null and imported.assignment_id is null),
                count(*) filter (outstanding.due_at < ? and imported.assignment_id is null),
                count(imported.assignment_id)
            from open_assignments
            left join outstanding on open_assignments.assignment_id = outstanding.assignment_id
            left join imported on open_assignments.assignment_id = imported.assignment_id
            group by all
            order by 1, 2, 3
            """,
            [now().replace(tzinfo=None)],
        ).fetchall()


def exports(settings: Settings) -> list[tuple]:
    """A row for each export, in the order in which they were made."""
    with duckdb.connect() as connection:
        open_ledger(connection, Ledger(settings))
        return connection.execute(
            """
            with ends as (
                select custom_id, outcome, disposition
                from outcomes
                where disposition in ('answer', 'ask_again')
                qualify row_number() over (
                    partition by custom_id order by outcome = 'ok' desc, disposition asc, label_event_id asc
                ) = 1
            )
            select
                asked.export_id,
                coalesce(asked.vendor, '') || coalesce(':' || asked.rater, ''),
                asked.policy_id,
                asked.form,
                count(*),
                count(*) filter (ends.disposition = 'answer'),
                count(*) filter (ends.outcome = 'ok'),
                count(*) filter (ends.disposition = 'ask_again'),
                strftime(max(asked.due_at), '%Y-%m-%d')
            from asked
            left join ends on asked.custom_id = ends.custom_id
            group by all
            order by max(asked.issued_at), asked.export_id
            """
        ).fetchall()


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns of plain text, numbers to the right."""
    texts = [[f"{value:,}" if isinstance(value, int) else str(value) for value in row] for row in rows]
    widths = [max(len(line[place]) for line in (headers, *texts)) for place in range(len(headers))]
    numbers = {place for row in rows for place, value in enumerate(row) if isinstance(value, int)}

    def line(values: Sequence[str]) -> str:
        parts = [
            value.rjust(width) if place in numbers else value.ljust(width)
            for place, (value, width) in enumerate(zip(values, widths))
        ]
        return "  ".join(parts).rstrip()

    return "\n".join(map(line, [headers, *texts]))
