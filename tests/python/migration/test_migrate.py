"""A warehouse of the earlier layout is brought to that of today with every row of what is for ever, and its draws replay."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from measured_world import run

from prevalence.engines.duckdb_warehouse import DuckDb
from prevalence.engines.settings import Settings, UserError
from prevalence.migration.migrate import migrate, refuse_old_layout

DRAWN = (
    *("draw_units", "draw_unit_exposures", "draw_unit_scores", "draw_user_days", "draw_user_day_interactions"),
    *("draw_user_day_components", "draw_plans", "draw_records"),
)
FOR_EVER = (
    *(f"draws.{name}" for name in (*DRAWN, "draw_audits", "draw_policies")), "labels.label_items", "calibration.learned_rates",
    *("releases.release_ledger", "raw.label_events"),
)  # fmt: skip
FRAMES = (
    "frames.frame_units",
    "frames.frame_unit_sizes",
    "frames.frame_user_days",
    "labels.label_possible_assignments",
)
OLD = [
    *(f"create table frames.{name} as select * from draws.{name}; drop table draws.{name}" for name in DRAWN),
    "create table labels.draw_audits as"
    " select * rename (maximum_overall_weighted_exposure as maximum_overall_weight) from draws.draw_audits",
    "drop schema draws cascade",
    "create schema if not exists estimates",
    "create table estimates.learned_rates as select * from calibration.learned_rates",
    "drop schema calibration cascade",
    "drop view marts.published_prevalence",
    "create table marts.published_prevalence as select * from releases.release_ledger",
    "drop schema releases cascade",
    "create table labels.label_tasks as select * from labels.label_possible_assignments",
    "drop table labels.label_possible_assignments",
    "create table reference.gate_limits as select 'raw_to_staging' as gate_name",
    *(
        f"create table frames.{old} as select * exclude (unit_type) from frames.{new} where unit_type = '{unit_type}'"
        for old, new, unit_type in (
            ("frame_content_days", "frame_units", "content_day"),
            ("frame_interactions", "frame_units", "interaction"),
            ("frame_content_day_sizes", "frame_unit_sizes", "content_day"),
            ("frame_interaction_sizes", "frame_unit_sizes", "interaction"),
        )
    ),
    "drop table frames.frame_units",
    "drop table frames.frame_unit_sizes",
    "drop table reference.designs",
]


def command(folder: Path, name: str, *arguments: str) -> tuple[int, str]:
    done = run(folder, name, "-m", "prevalence.command_line.cli", *arguments)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def contents(path: Path, relations: tuple[str, ...]) -> dict[str, list[tuple]]:
    """All rows, columns in the order of their names: a moved table may have them in another."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = {}
        for relation in relations:
            names = sorted(row[0] for row in connection.execute(f"describe {relation}").fetchall())
            found[relation] = connection.execute(f"select {', '.join(names)} from {relation} order by all").fetchall()
        return found


def relations(path: Path) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "select table_schema, table_name, table_type from information_schema.tables order by all"
        ).fetchall()


@pytest.fixture(scope="module")
def folder(measured_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A measured world as it is now, new.duckdb, and as the earlier layout held it, old.duckdb."""
    folder = tmp_path_factory.mktemp("migration")
    shutil.copy(measured_world / "built.duckdb", folder / "new.duckdb")
    with duckdb.connect(str(folder / "new.duckdb")) as connection:
        # so small a world teaches nothing
        names = [row[0] for row in connection.execute("describe calibration.learned_rates").fetchall()]
        listed = ", ".join(f"1 as {name}" if name == "set_number" else f"null as {name}" for name in names)
        connection.execute(f"insert into calibration.learned_rates select {listed}")
    shutil.copy(folder / "new.duckdb", folder / "old.duckdb")
    with duckdb.connect(str(folder / "old.duckdb")) as connection:
        for statement in OLD:
            connection.execute(statement)
    return folder


def settings_of(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PREVALENCE_DUCKDB_PATH", str(folder / f"{name}.duckdb"))
    return Settings.from_environment()


def test_all_that_is_for_ever_moves_and_replays(folder: Path) -> None:
    shutil.copy(folder / "old.duckdb", folder / "moved.duckdb")
    code, said = command(folder, "moved", "run")
    assert code == 2 and "prevalence migrate" in said
    done = run(folder, "moved", "-m", "dbt.cli.main", "run", "--select", "draw_units")
    assert done.returncode != 0 and "prevalence migrate" in done.stdout
    assert contents(folder / "moved.duckdb", ("frames.draw_units",))  # nothing was touched by either

    code, said = command(folder, "moved", "migrate")
    assert code == 0, said
    assert "draws.draw_units: " in said and "rows of frames.draw_units" in said
    for relation, rows in contents(folder / "new.duckdb", (*FOR_EVER, *FRAMES)).items():
        assert contents(folder / "moved.duckdb", (relation,))[relation] == rows != [], relation
    names = {f"{schema}.{name}" for schema, name, _ in relations(folder / "moved.duckdb")}
    old = {f"frames.{name}" for name in DRAWN} | {"labels.draw_audits", "labels.label_tasks", "reference.gate_limits"}
    assert not names & (old | {"frames.frame_content_days", "frames.frame_interaction_sizes"})

    before = relations(folder / "moved.duckdb")
    code, said = command(folder, "moved", "migrate")
    assert code == 0 and "nothing to do" in said and relations(folder / "moved.duckdb") == before
    code, said = command(folder, "moved", "replay")
    assert code == 0 and "same" in said and "differs" not in said, said


def test_a_killed_migration_changes_nothing_and_is_repeated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(folder / "old.duckdb", folder / "killed.duckdb")
    settings = settings_of(folder, "killed", monkeypatch)
    before = relations(settings.warehouse)
    stored, store = [], DuckDb.store

    def killed(self: DuckDb, select: str, relation: str, partitioned_by: str | None = None) -> None:
        stored.append(relation)
        if len(stored) == 5:
            raise KeyboardInterrupt
        store(self, select, relation, partitioned_by)

    monkeypatch.setattr(DuckDb, "store", killed)
    with pytest.raises(KeyboardInterrupt):
        migrate(settings)
    assert relations(settings.warehouse) == before
    with pytest.raises(UserError, match="prevalence migrate"):
        refuse_old_layout(settings)


def test_a_copy_that_was_finished_before_the_kill_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on an engine without transactions: the new table is there whole, the old one not dropped yet."""
    shutil.copy(folder / "old.duckdb", folder / "half.duckdb")
    settings = settings_of(folder, "half", monkeypatch)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "create schema draws; create table draws.draw_user_days as select * from frames.draw_user_days"
        )
        # landing makes this one where it finds none
        connection.execute(
            "create schema calibration; create table calibration.learned_rates as"
            " select * from estimates.learned_rates where false"
        )
    assert any(line.startswith("draws.draw_user_days: ") for line in migrate(settings))
    new = contents(folder / "new.duckdb", FOR_EVER)
    assert contents(settings.warehouse, FOR_EVER) == new
    refuse_old_layout(settings)


def test_what_drawn_days_are_asked_about_is_recorded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warehouse from before draws.draw_policies: its days stay asked about what they were asked about."""
    shutil.copy(folder / "new.duckdb", folder / "unrecorded.duckdb")
    settings = settings_of(folder, "unrecorded", monkeypatch)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("drop table draws.draw_policies")
    code, said = command(folder, "unrecorded", "run")
    assert code == 2 and "draws.draw_policies" in said and "prevalence migrate" in said
    done = run(folder, "unrecorded", "-m", "dbt.cli.main", "run", "--select", "draw_policies")
    assert done.returncode != 0 and "prevalence migrate" in done.stdout
    with duckdb.connect(str(settings.warehouse)) as connection:
        # the policies of today are not what was asked
        connection.execute("update staging.stg_policies set policy_version = '2.0.0'")
    assert any(line.startswith("draws.draw_policies: ") for line in migrate(settings))
    recorded = contents(settings.warehouse, ("draws.draw_policies",))
    assert recorded == contents(folder / "new.duckdb", ("draws.draw_policies",))
    refuse_old_layout(settings)
    assert migrate(settings) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "alter table frames.draw_units drop column frame_fingerprint",
            "frames.draw_units cannot .* missing frame_fingerprint",
        ),
        ("alter table labels.draw_audits add column mine bigint", "labels.draw_audits cannot .* unknown mine"),
        (
            "create schema draws; create table draws.draw_units as select * from frames.draw_units limit 3",
            "draws.draw_units, which holds other rows already",
        ),
    ],
)
def test_what_is_not_known_is_refused_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, change: str, sentence: str
) -> None:
    shutil.copy(folder / "old.duckdb", folder / "refused.duckdb")
    settings = settings_of(folder, "refused", monkeypatch)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(change)
    before = relations(settings.warehouse)
    with pytest.raises(UserError, match=sentence):
        migrate(settings)
    assert relations(settings.warehouse) == before
