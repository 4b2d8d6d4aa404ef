"""Own logs that come day by day, as files of a folder, and people who answer: what a warehouse lives through."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

import duckdb

from prevalence.command_line import cli
from prevalence.command_line.exits import EXIT_BLOCKED, EXIT_WAITING
from prevalence.engines.contract import raw_tables
from prevalence.engines.duckdb_warehouse import DuckDb

FIRST_DAY = date(2026, 3, 2)
INTERACTIONS = 80
CONTENTS = 60
POLICY = "harassment"

_INTERACTIONS = """
    select
        'd{number}_i' || n as interaction_id,
        case when n % 2 = 0 then 'feed' else 'search' end as surface,
        timestamp '{day} 00:05:00' + to_minutes(n * 17) as occurred_at,
        case when n % 5 > 0 then 'u' || (n % 40) end as user_id,
        's' || (n % 80) as session_id,
        case when n % 7 > 0 then 'DE' end as country,
        cast(null as timestamp) as received_at,
        cast(null as varchar) as client_stream_id,
        cast(null as bigint) as client_sequence,
        cast(null as varchar) as app_version,
        cast(null as varchar) as experiment_id,
        cast(null as varchar) as experiment_arm
    from range({interactions}) as counters (n)
"""
_COMPONENTS = """
    select
        'd{number}_i' || n as interaction_id,
        p as position,
        case when p = 0 then 'query' else 'response' end as component_type,
        'c' || ((n * 7 + p + {number} * 11) % {contents}) as content_id,
        'text ' || n || '.' || p as text,
        cast(null as varchar) as uri,
        cast(null as varchar) as media_hash,
        cast(null as boolean) as was_viewed
    from range({interactions}) as counters (n)
    cross join range(2) as positions (p)
"""
_SCORES = """
    select
        'c' || n as content_id,
        '{policy}' as policy_id,
        'v1' as model_version,
        (n % 20) / 20.0::double as score,
        timestamp '2026-03-01 00:00:00' as scored_at
    from range({contents}) as counters (n)
"""
_PLANS = """
    select
        'holdout' as plan_id,
        'interaction' as unit_type,
        'simple_random' as design,
        cast(12 as bigint) as expected_units,
        cast(null as double) as defence_share,
        cast(null as bigint) as audit_units,
        cast(null as double) as audit_floor
"""
_POLICIES = (
    f"select '{POLICY}' as policy_id, '1.0.0' as policy_version, 'Harassment' as title, 1.0::double as importance"
)
# one in nine violates; the same answer whoever asks when
_ANSWERS = """
    select {columns}
    from (
        select
            'e_' || assignment_id as label_event_id,
            *,
            case when pool = 'llm' then 'llm' else 'human' end as source,
            case when hash(item_id) % 9 = 0 then 'violating' else 'non_violating' end as decision,
            'ok' as outcome,
            cast(sample_date as timestamp) + to_days(2) as submitted_at
        from labels.open_assignments
    )
"""


def day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


class Life:
    """A folder of logs, a warehouse, and runs of the command in this process."""

    def __init__(self, folder: Path) -> None:
        self._settle(folder)
        for name in ("interactions", "components", "label_events"):
            (self.raw / name).mkdir(parents=True)
        self._copy("select * from (" + self._no_answer() + ")", "label_events/none")
        self._copy(_SCORES.format(policy=POLICY, contents=CONTENTS), "risk_scores")
        self._copy(_PLANS, "sampling_plans")
        self._copy(_POLICIES, "policies")

    @classmethod
    def again(cls, folder: Path) -> Life:
        """A life that goes on in a copy of its folder."""
        life = cls.__new__(cls)
        life._settle(folder)
        return life

    def _settle(self, folder: Path) -> None:
        self.raw = folder / "raw"
        self.path = folder / "prevalence.duckdb"

    # --- the folder ---

    def write(self, *numbers: int, **changes: str) -> None:
        """The logs of these days; `changes` replaces a table's SELECT ({table} stands for the good one)."""
        for number in numbers:
            values = {"number": number, "day": day(number), "interactions": INTERACTIONS, "contents": CONTENTS}
            for name, text in (("interactions", _INTERACTIONS), ("components", _COMPONENTS)):
                good = text.format(**values)
                self._copy(changes.get(name, "{table}").replace("{table}", f"({good})"), f"{name}/{day(number)}")

    def remove(self, *numbers: int, tables: Iterable[str] = ("interactions", "components")) -> None:
        for name in tables:
            for number in numbers:
                (self.raw / name / f"{day(number)}.parquet").unlink()

    def put(self, name: str, select: str) -> None:
        """A file of the folder, by its name without the ending."""
        self._copy(select, name)

    def _copy(self, select: str, name: str) -> None:
        select = select.strip()
        text = select if select.startswith("select") or select.startswith("with") else f"select * from {select}"
        with duckdb.connect() as connection:
            connection.execute(f"copy ({text}) to '{self.raw / name}.parquet' (format parquet)")

    @staticmethod
    def _no_answer() -> str:
        table = next(table for table in raw_tables() if table.name == "label_events")
        columns = ", ".join(f"cast(null as {column.duckdb_type}) as {column.name}" for column in table.columns)
        return f"select {columns} where false"

    # --- the command ---

    def run(self, *options: str, code: int | None = None) -> str:
        """What `prevalence run` says; `code`: how it has to exit, None: not with a failure."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            found = cli.main(["run", "--raw-folder", str(self.raw), *options])
        text = said.getvalue()
        assert (found in (0, EXIT_BLOCKED, EXIT_WAITING)) if code is None else found == code, text
        return text

    def answer(self) -> int:
        """Answer all that is asked by now, in a file of its own; how many answers that were."""
        DuckDb.release_dbt()
        table = next(table for table in raw_tables() if table.name == "label_events")
        with duckdb.connect(str(self.path)) as connection:
            described = connection.execute("describe labels.open_assignments").fetchall()
            known = {row[0] for row in described} | {"label_event_id", "source", "decision", "outcome", "submitted_at"}
            columns = ", ".join(
                column.name if column.name in known else f"cast(null as {column.duckdb_type}) as {column.name}"
                for column in table.columns
            )
            number = len(list((self.raw / "label_events").iterdir()))
            file = self.raw / "label_events" / f"answers_{number}.parquet"
            (answers,) = connection.execute(
                f"copy ({_ANSWERS.format(columns=columns)}) to '{file}' (format parquet)"
            ).fetchone()
            return answers

    # --- the warehouse ---

    def rows(self, sql: str) -> list[tuple]:
        DuckDb.release_dbt()
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def days(self, relation: str, column: str = "unit_date") -> Mapping[int, int]:
        """Rows of a relation by the number of their day."""
        rows = self.rows(f"select {column}, count(*) from {relation} group by {column} order by {column}")
        return {(found - FIRST_DAY).days: count for found, count in rows}

    def digest(self, relation: str, where: str = "true") -> tuple:
        """The same for the same rows in any order."""
        (found,) = self.rows(
            f"select count(*), sum(cast(hash(contents) as hugeint)) from (select * from {relation} where {where}) as contents"
        )
        return found

    def unaccounted(self) -> list[tuple]:
        return self.rows(
            "select source_name, row_day, unaccounted_rows from quality.row_accounting where unaccounted_rows <> 0"
            " union all select source_name, 'all', unaccounted_rows from quality.log_source_profiles where unaccounted_rows <> 0"
        )
