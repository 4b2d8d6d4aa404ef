"""A warehouse of the layout before draws had a schema of their own, brought to the layout of today.

What is for ever moves with every row; what can be built again moves where a replay needs it, and else goes. Which names have
changed is a table (layout.csv), and nothing that is not in it is touched. On DuckDB all of it is one transaction; where an engine
has none, a table is copied, compared and only then dropped, so a migration that was killed is run again.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import yaml

from prevalence.engines import warehouse
from prevalence.engines.dbt import Dbt, Window
from prevalence.engines.settings import PROJECT, Settings, UserError
from prevalence.engines.warehouse_interface import EngineError, Warehouse

LAYOUT = Path(__file__).with_name("layout.csv")
# It moves last, so as long as it is there the warehouse has the old layout (macros/engine/_refuse_old_layout.sql).
MARK = ("frames", "draw_units")
# Assignments rest on what was recorded with the draw; a warehouse that has them without it is older.
ASSIGNMENTS, ASKED = "labels.label_possible_assignments", "draws.draw_policies"
READ_BY_A_REPLAY = ("reference.designs", "labels.label_units", "labels.label_unit_policies")


@dataclass(frozen=True)
class Source:
    """A table of the old layout, or the part of a new one that it becomes."""

    relation: str
    unit_type: str
    renames: dict[str, str]

    def columns(self, connection: Warehouse) -> dict[str, str]:
        """What it gives for each column of the new table, as SQL."""
        found = {self.renames.get(name, name): name for name, _ in connection.columns(self.relation)}
        return {**found, "unit_type": connection.literal(self.unit_type)} if self.unit_type else found


@dataclass(frozen=True)
class Move:
    """What becomes of one or more old tables; None: they go."""

    sources: tuple[Source, ...]
    new: str | None

    @property
    def old(self) -> str:
        return " and ".join(source.relation for source in self.sources)


def migrate(settings: Settings) -> list[str]:
    """Bring the warehouse to the layout of today; says what was done, and nothing where nothing was to be done."""
    with warehouse.connect(settings) as connection:
        moves = [move for move in _moves() if any(_is_table(connection, source.relation) for source in move.sources)]
        for move in moves:
            _refuse_unknown(connection, move)
        with connection.transaction():
            said = [_done(connection, move) for move in moves]
            said += _record_what_was_asked(connection)
        said += _drop_broken_views(connection)
        # what a replay reads beside draws and frames; everything else is made by the next run
        lacks = [name for name in READ_BY_A_REPLAY if connection.relation_type(*name.split(".")) is None]
        is_drawn = _is_table(connection, "draws.draw_units")
    if lacks and is_drawn:
        dbt = Dbt(settings, Window(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=1)), {}, None)
        dbt.seed()
        dbt.run("label_units", "label_unit_policies")
        said.append(f"{' and '.join(lacks)}: built again")
    return said


def refuse_old_layout(settings: Settings) -> None:
    """Stop before anything is written to a warehouse that has to be migrated first."""
    if not warehouse.exists(settings):
        return
    schema, name = MARK
    with warehouse.connect(settings) as connection:
        if _is_table(connection, f"{schema}.{name}"):
            raise UserError(
                f"The warehouse {settings.place} has the layout of an earlier version: its draws are in {schema}.{name}. "
                "Remedy: `prevalence migrate`, which moves them and changes none; then the same command again."
            )
        if _lacks_what_was_asked(connection):
            raise UserError(
                f"The warehouse {settings.place} has the layout of an earlier version: it holds {ASSIGNMENTS} and no {ASKED}, "
                "which says what each drawn day is asked about. Remedy: `prevalence migrate`, which records it from what was "
                "asked; then the same command again."
            )


def _moves() -> list[Move]:
    with LAYOUT.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    renames: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["kind"] == "column":
            relation, _, column = row["old"].rpartition(".")
            renames.setdefault(relation, {})[column] = row["new"]
    moves: dict[str, Move] = {}
    for row in rows:
        if row["kind"] in ("column", "later"):
            continue
        source = Source(row["old"], row["unit_type"], renames.get(row["old"], {}))
        earlier = moves[row["new"]].sources if row["new"] in moves else ()
        moves[row["new"] or row["old"]] = Move((*earlier, source), row["new"] or None)
    return list(moves.values())


def _is_table(connection: Warehouse, relation: str) -> bool:
    schema, name = relation.split(".")
    return connection.relation_type(schema, name) == "table"


def _contract(relation: str) -> list[str]:
    """Columns of the model that the new table is of."""
    _, _, name = relation.partition(".")
    for path in sorted((PROJECT / "models").rglob("_*__models.yml")):
        for model in yaml.safe_load(path.read_text()).get("models") or ():
            if model["name"] == name:
                return [column["name"] for column in model["columns"]]
    raise LookupError(f"{LAYOUT.name} names {relation}, and no model is called {name}")


def _later(relation: str) -> set[str]:
    """Columns that a table may still lack: it gets them when its model is built."""
    with LAYOUT.open(newline="") as lines:
        names = [row["new"].rpartition(".") for row in csv.DictReader(lines) if row["kind"] == "later"]
    return {name for table, _, name in names if table == relation}


def _moved_columns(connection: Warehouse, move: Move) -> list[str]:
    """Columns of the new table, but for the later ones that the old one has not got."""
    assert move.new is not None
    present = [source for source in move.sources if _is_table(connection, source.relation)]
    lacking = {name for name in _later(move.new) for source in present if name not in source.columns(connection)}
    return [name for name in _contract(move.new) if name not in lacking]


def _refuse_unknown(connection: Warehouse, move: Move) -> None:
    """Raise UserError for a table of other columns than the layout knows, or one whose place is taken."""
    if move.new is None:
        return
    wanted = _contract(move.new)
    for source in move.sources:
        if not _is_table(connection, source.relation):
            continue
        found = source.columns(connection)
        unknown, missing = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found) - _later(move.new))
        if unknown or missing:
            raise UserError(
                f"{source.relation} cannot become {move.new}: "
                + "; ".join(
                    f"{what} {', '.join(names)}"
                    for what, names in (("unknown", unknown), ("missing", missing))
                    if names
                )
                + ". Nothing was changed. Remedy: bring the warehouse to the last commit of the old layout first (a run of that "
                "checkout), then migrate; a table that is not of this project, give another name."
            )
    if _is_table(connection, move.new) and connection.row_count(move.new) and _differing(connection, move):
        raise UserError(
            f"{move.old} cannot become {move.new}, which holds other rows already. Nothing was changed. Remedy: keep a copy of the "
            f"warehouse, find out which of the two was drawn, asked or published by, and drop the other."
        )


def _select(connection: Warehouse, move: Move, columns: Sequence[str]) -> str:
    selects = []
    for source in move.sources:
        if _is_table(connection, source.relation):
            found = source.columns(connection)
            listed = ", ".join(f"{found[name]} as {name}" for name in columns)
            selects.append(f"select {listed} from {source.relation}")
    return " union all ".join(selects)


def _differing(connection: Warehouse, move: Move) -> int:
    """Rows that the new table has not got; and those that the old ones have not got."""
    assert move.new is not None
    columns = _moved_columns(connection, move)
    old, new = _select(connection, move, columns), f"select {', '.join(columns)} from {move.new}"
    return sum(
        connection.rows(f"select count(*) from (({left}) except all ({right})) as differing")[0][0]
        for left, right in ((old, new), (new, old))
    )


def _done(connection: Warehouse, move: Move) -> str:
    """Copy, then drop; says how many rows moved where."""
    present = [source.relation for source in move.sources if _is_table(connection, source.relation)]
    if move.new is None:
        for relation in present:
            connection.execute(f"drop table {relation}")
        return f"{move.old}: dropped; it is built again under another name"
    columns = _moved_columns(connection, move)
    if _is_table(connection, move.new) and not connection.row_count(move.new):
        connection.execute(f"drop table {move.new}")
    # there with all of its rows: an earlier migration was killed between copy and drop
    if not _is_table(connection, move.new):
        is_daily = any(source.unit_type for source in move.sources)
        connection.store(_select(connection, move, columns), move.new, partitioned_by="unit_date" if is_daily else None)
        if _differing(connection, move):
            raise UserError(
                f"The rows of {move.new} are not those of {move.old}, which stay. Remedy: see whether the disk is full; then run "
                "the same command again."
            )
    rows = connection.row_count(move.new)
    for relation in present:
        connection.execute(f"drop table {relation}")
    return f"{move.new}: {rows:,} rows of {' and '.join(present)}"


def _lacks_what_was_asked(connection: Warehouse) -> bool:
    if not _is_table(connection, ASSIGNMENTS) or not connection.row_count(ASSIGNMENTS):
        return False
    # landing makes an empty one where it finds none
    return not _is_table(connection, ASKED) or not connection.row_count(ASKED)


def _record_what_was_asked(connection: Warehouse) -> list[str]:
    """Policies and versions of the days drawn so far: until now all of them were asked about the same ones."""
    if not _lacks_what_was_asked(connection) or not _is_table(connection, "draws.draw_units"):
        return []
    policies = "staging.stg_policies"
    titles = (
        f"select policy_id, max(title) as title, max(importance) as importance from {policies} group by policy_id"
        if connection.relation_type(*policies.split(".")) == "table"
        else "select cast(null as string) as policy_id, cast(null as string) as title, cast(null as double) as importance"
    )
    if _is_table(connection, ASKED):
        connection.execute(f"drop table {ASKED}")
    connection.store(
        f"""
        select
            drawn_days.plan_id, drawn_days.sample_date, asked.policy_id, asked.policy_version,
            coalesce(titles.title, asked.policy_id) as title, coalesce(titles.importance, 1.0) as importance,
            false as is_backfilled
        from (select distinct plan_id, sample_date from draws.draw_units) as drawn_days
        cross join (select distinct policy_id, policy_version from {ASSIGNMENTS}) as asked
        left join ({titles}) as titles on asked.policy_id = titles.policy_id
        """,
        ASKED,
    )
    return [f"{ASKED}: {connection.row_count(ASKED):,} rows recorded from {ASSIGNMENTS}"]


def _drop_broken_views(connection: Warehouse) -> list[str]:
    """Views that read what has moved; the next run makes them anew."""
    said = []
    for schema in sorted({source.relation.split(".")[0] for move in _moves() for source in move.sources} | {"quality"}):
        for name, kind in connection.relations(schema).items():
            if kind != "view":
                continue
            try:
                connection.rows(f"select * from {schema}.{name} limit 0")
            except EngineError:
                connection.execute(f"drop view {schema}.{name}")
                said.append(f"{schema}.{name}: a view of what has moved, dropped until the next run")
    return said
