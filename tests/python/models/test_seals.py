"""What is for ever is compared with what was recorded of it: each of these edits is named before anything is published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import in_test_all
from measured_world import BUILD, run

# what a run builds again before it publishes, in this order; the rest of the seals are views
SEALS = (
    *("stg_label_events_classified", "broken_draw_seals", "broken_answers", "broken_seals", "broken_release_seals"),
)
COMPILE = (
    BUILD.split("dbt = Dbt")[0]
    + f"""
from prevalence.engines.dbt import Dbt

dbt = Dbt(settings, world.window, world.variables, None)
results = dbt._invoke(["compile", "--select", "{" ".join(SEALS)}"]).results
seals = {{
    result.node.name: [result.node.relation_name, result.node.compiled_code, result.node.config.meta.get("grain")]
    for result in results
}}
settings.warehouse.with_name("seals.json").write_text(json.dumps(seals))
"""
)


@pytest.fixture(scope="module")
def folder(measured_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seals")
    shutil.copy(measured_world / "built.duckdb", folder / "seals.duckdb")
    done = run(folder, "seals", "-c", COMPILE)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def connection(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(folder / "seals.duckdb")) as connection:
        connection.execute("begin")
        yield connection
        connection.execute("rollback")


@pytest.fixture(scope="module")
def statements(folder: Path) -> list[tuple[str, str, list[str]]]:
    """What builds a seal, its relation and its grain."""
    seals = json.loads((folder / "seals.json").read_text())
    return [
        (f"create or replace table {relation} as {text}", relation, grain)
        for relation, text, grain in (seals[name] for name in SEALS)
    ]


def broken(connection: duckdb.DuckDBPyConnection, statements: list[tuple]) -> tuple[list[tuple], list[tuple]]:
    """Days that are held back, and rows for which nothing is published. A run would stop where they break their grain."""
    for statement, relation, grain in statements:
        connection.execute(statement)
        if "broken" in relation:
            key = ", ".join(grain)
            nulls = " or ".join(f"{column} is null" for column in grain)
            query = f"select {key} from {relation} group by all having count(*) > 1 or {nulls}"
            assert connection.execute(query).fetchall() == [], relation
    days = connection.execute(
        "select table_name, plan_id, policy_id, cast(sample_date as varchar), reason from quality.broken_seals order by all"
    ).fetchall()
    rows = connection.execute(
        "select table_name, row_name, severity, reason from quality.broken_release_seals order by all"
    ).fetchall()
    return days, rows


def one(table: str, condition: str = "true", nth: int = 0) -> str:
    """A condition that one row of the table meets, the same in each run."""
    return f"rowid = (select rowid from {table} where {condition} order by rowid limit 1 offset {nth})"


DRAWN = {
    "draw_units": (
        *("inclusion_probability = inclusion_probability / 20", "design_weight = design_weight * 20"),
        *("inclusion_probability = inclusion_probability / 20, design_weight = design_weight * 20",),
        *("inclusion_probability = nextafter(inclusion_probability, 0)", "exposure = exposure + 1"),
        *("stratum_number = stratum_number + 1", "is_certainty = not is_certainty", "unit_id = unit_id || 'x'"),
        *("unit_key = 'other'", "frame_exposure = frame_exposure * 2", "maximum_weighted_exposure = null"),
        *("random_number = random_number / 2", "draws = draws + 1", "design = 'logged'"),
    ),
    "draw_unit_exposures": ("exposure = exposure + 1", "pivot_value = 'elsewhere'"),
    "draw_unit_scores": ("score_millionths = score_millionths + 1", "is_score_imputed = not is_score_imputed"),
    "draw_user_days": ("is_whole = not is_whole", "maximum_component_weight = 1"),
    "draw_user_day_interactions": ("whole_inclusion_probability = 1", "session_id = 'other'"),
    "draw_user_day_components": ("inclusion_probability = inclusion_probability / 2",),
    "draw_plans": ("column_value = '1'",),
    "draw_policies": ("importance = 99", "policy_version = '9'", "is_backfilled = true"),
    "draw_audits": (
        *(
            "audit_probability = audit_probability / 20",
            "maximum_overall_weighted_exposure = 1",
            "missed_weight = 1e-9",
        ),
        *("judge_is_violating = not coalesce(judge_is_violating, false)",),
    ),
}
# of each table one edit each time, of some a row that is gone; all of them with `make test-all`
EDITS = [
    pytest.param(table, f"update draws.{table} set {change} where ", marks=[in_test_all] if number else [])
    for table, changes in DRAWN.items()
    for number, change in enumerate(changes)
]
REMOVALS = [
    pytest.param(
        table,
        f"delete from draws.{table} where ",
        marks=[] if table in ("draw_units", "draw_policies", "draw_audits") else [in_test_all],
    )
    for table in DRAWN
]
COPIES = [(table, "") for table in ("draw_units", "draw_audits", "draw_unit_exposures")]


def test_an_untouched_warehouse_holds(connection, statements):
    assert broken(connection, statements) == ([], [])


@pytest.mark.parametrize(
    ("table", "statement"), [*EDITS, *REMOVALS, *COPIES], ids=lambda value: value.replace(" ", "_")[:60]
)
def test_a_drawn_row_that_is_edited_removed_or_added_is_named_with_plan_and_day(
    connection, statements, table, statement
):
    condition = one(f"draws.{table}", "column_name = 'design'" if table == "draw_plans" else "true", nth=7)
    columns = "plan_id, cast(sample_date as varchar)" + (", policy_id" if table == "draw_audits" else ", null")
    (touched,) = connection.execute(f"select {columns} from draws.{table} where {condition}").fetchall()
    connection.execute(
        statement + condition
        if statement
        else f"insert into draws.{table} select * from draws.{table} where {condition}"
    )
    days, _ = broken(connection, statements)
    plan_id, sample_date, policy_id = touched
    assert [day[:4] for day in days] == [(table, plan_id, policy_id, sample_date)]
    assert "recorded" in days[0][4] and plan_id in days[0][4]


def test_a_policy_that_is_asked_about_later_breaks_no_seal(connection, statements):
    """A backfill comes after the record of the day; its own rows are not compared."""
    condition = one("draws.draw_policies", nth=2)
    connection.execute(
        "insert into draws.draw_policies select * replace ('later' as policy_id, true as is_backfilled) from "
        f"draws.draw_policies where {condition}"
    )
    assert broken(connection, statements) == ([], [])


def test_a_whole_day_that_is_gone_is_named(connection, statements):
    connection.execute(
        "delete from draws.draw_units where plan_id = 'content_days_mixture' and sample_date = '2026-10-06'"
    )
    days, _ = broken(connection, statements)
    assert days[0][:4] == ("draw_units", "content_days_mixture", None, "2026-10-06")
    assert ": 0 rows, and" in days[0][4]


@pytest.mark.parametrize(
    "statement",
    [
        "update labels.label_items set components = replace(components, 'text', 'words') where ",
        "update labels.label_items set item_hash = item_hash || '0' where ",
        "update labels.label_items set component_count = component_count + 1 where ",
        "update labels.label_items set unit_key = 'other' where ",
        "delete from labels.label_items where ",
    ],
)
def test_an_item_that_is_not_what_was_shown_is_named(connection, statements, statement):
    condition = one("labels.label_items", "unit_type = 'content_day'")
    item_id, unit_id = connection.execute(
        f"select item_id, unit_id from labels.label_items where {condition}"
    ).fetchone()
    drawn = connection.execute(
        "select distinct plan_id, cast(sample_date as varchar) from draws.draw_units where unit_id = ? order by all",
        [unit_id],
    ).fetchall()
    connection.execute(statement + condition)
    days, _ = broken(connection, statements)
    assert sorted({(plan_id, day) for table, plan_id, _, day, _ in days if table == "label_items"}) == drawn
    assert all(item_id in reason for table, *_, reason in days if table == "label_items")


@pytest.mark.parametrize(
    "statement",
    [
        "update raw.label_events set decision = case decision when 'violating' then 'non_violating' else 'violating' end where ",
        "update raw.label_events set outcome = 'skipped', decision = null where ",
        "update raw.label_events set rater_id = 'another' where ",
        "update raw.label_events set submitted_at = submitted_at + interval 1 microsecond where ",
        "update raw.label_events set component_refs = 'c0' where component_refs is distinct from 'c0' and ",
        "update raw.label_events set policy_id = 'no_such_policy' where ",
        "delete from raw.label_events where ",
    ],
)
def test_an_answer_that_was_read_and_is_changed_or_gone_is_named(connection, statements, statement):
    condition = one(
        "raw.label_events", "pool = 'sme' and decision = 'violating' and coalesce(component_refs, '') <> 'c0'"
    )
    label_event_id, policy_id = connection.execute(
        f"select label_event_id, policy_id from raw.label_events where {condition}"
    ).fetchone()
    connection.execute(statement + condition)
    days, _ = broken(connection, statements)
    assert days and {day[0] for day in days} == {"label_events"} and {day[2] for day in days} == {policy_id}
    assert all(label_event_id in day[4] for day in days)
    (problem,) = connection.execute("select problem from quality.broken_answers").fetchone()
    assert problem == ("gone" if statement.startswith("delete") else "changed")


def test_what_a_delivery_says_of_itself_may_be_mended(connection, statements):
    connection.execute(
        "update raw.label_events set cost_minor_units = 7, ingest_file_sha256 = 'other', lead_time_s = 1"
    )
    assert broken(connection, statements) == ([], [])


PUBLISHED = [
    ("release_ledger", "update releases.release_ledger set prevalence = prevalence / 10 where "),
    ("release_ledger", "update releases.release_ledger set interval_upper = 1 where "),
    ("release_ledger", "update releases.release_ledger set std_error = 0 where "),
    ("release_ledger", "update releases.release_ledger set sampled_units = sampled_units * 2 where "),
    ("release_ledger", "update releases.release_ledger set row_fingerprint = 'x' where "),
    ("release_ledger", "update releases.release_ledger set release_status = 'restated' where "),
    ("release_ledger", "update releases.release_ledger set effective_n = 1e9 where "),
    ("release_ledger", "delete from releases.release_ledger where "),
    ("est_prevalence", "update estimates.est_prevalence set prevalence = prevalence / 10 where "),
    ("est_prevalence", "update estimates.est_prevalence set interval_upper = 1 where "),
    ("est_prevalence", "update estimates.est_prevalence set positive_units = 0, std_error = 0 where "),
    ("gate_results", "update quality.gate_results set is_passed = false where "),
    ("gate_results", "update quality.gate_results set message = 'broken' where "),
]


@pytest.mark.parametrize(("table", "statement"), PUBLISHED, ids=lambda value: value.replace(" ", "_")[:60])
def test_what_was_published_estimated_and_found_by_gates_is_held_to_what_it_was(
    connection, statements, table, statement
):
    relation = statement.split(" set ")[0].removeprefix("update ").removeprefix("delete from ").removesuffix(" where ")
    connection.execute(statement + one(relation, "true" if table == "gate_results" else "prevalence > 0"))
    _, rows = broken(connection, statements)
    assert [row for row in rows if row[0] == table and row[2] == 2], rows


def test_a_ledger_and_a_mart_that_were_edited_alike_are_named(connection, statements):
    for relation in ("marts.prevalence", "releases.release_ledger"):
        connection.execute(f"update {relation} set prevalence = 0.0156 where period_type = '28_days'")
    _, rows = broken(connection, statements)
    assert {row[0] for row in rows} == {"release_ledger"}
    assert any("fingerprint" in row[3] and "28_days" in row[1] for row in rows)


@pytest.mark.parametrize(
    "statement",
    [
        "update marts.prevalence set prevalence = prevalence / 10 where ",
        "update marts.prevalence set release_status = 'final' where ",
        "delete from marts.prevalence where ",
    ],
)
def test_a_mart_that_is_not_the_ledger_is_named_and_written_anew(connection, statements, statement):
    connection.execute(statement + one("marts.prevalence", "prevalence > 0"))
    _, rows = broken(connection, statements)
    assert [(row[0], row[2]) for row in rows] == [("prevalence", 1)]
    assert rows[0][1].split()[0] in ("day", "week", "28_days")


def test_a_change_that_somebody_answers_for_counts_until_there_is_another(connection, statements):
    condition = one("draws.draw_units", nth=7)
    connection.execute(f"update draws.draw_units set exposure = exposure + 1 where {condition}")
    assert len(broken(connection, statements)[0]) == 1
    connection.execute(
        "insert into quality.accepted_changes by name select table_name, plan_id, policy_id, sample_date, found, "
        "'a reason' as reason from quality.broken_seals"
    )
    assert broken(connection, statements)[0] == []
    connection.execute(f"update draws.draw_units set exposure = exposure + 1 where {condition}")
    assert len(broken(connection, statements)[0]) == 1
