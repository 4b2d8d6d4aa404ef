"""A replay proves a draw that is untouched, names every row that is not, and tells a change of the frame from an edit."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from measured_world import BUILD, run

# the tables of drawn rows, which are drawn again
AGAIN = (
    *("draw_units", "draw_unit_exposures", "draw_unit_scores", "draw_user_days"),
    *("draw_user_day_interactions", "draw_user_day_components", "draw_audits"),
)
SCHEMAS = dict.fromkeys(AGAIN, "draws")


def replay(folder: Path, name: str, *arguments: str) -> tuple[int, str]:
    done = run(folder, name, "-m", "prevalence.command_line.cli", "replay", *arguments)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(measured_world: Path) -> Path:
    return measured_world


@pytest.fixture(scope="module")
def proven(folder: Path) -> Path:
    """A copy that was replayed without any change."""
    shutil.copy(folder / "built.duckdb", folder / "proven.duckdb")
    code, said = replay(folder, "proven")
    assert code == 0, said
    return folder / "proven.duckdb"


def columns(connection: duckdb.DuckDBPyConnection, model: str) -> list[tuple[str, str]]:
    return connection.execute(
        "select column_name, data_type from information_schema.columns where table_schema = ? and table_name = ?",
        [SCHEMAS[model], model],
    ).fetchall()


def test_an_untouched_draw_is_the_same_row_by_row(proven):
    with duckdb.connect(str(proven), read_only=True) as connection:
        replays = connection.execute(
            "select table_name, sum(stored_rows), sum(drawn_again_rows), bool_and(status = 'same'),"
            " bool_and(not is_frame_changed), bool_and(is_as_recorded)"
            " from replays.draw_replays group by all"
        ).fetchall()
        assert connection.execute("select count(*) from replays.draw_differences").fetchone() == (0,)
        # every table of drawn rows is there with all of its rows, and its copy holds the same, whatever the command says
        assert {name for name, *_ in replays} == set(AGAIN)
        for name, stored, again, *all_good in replays:
            assert all_good == [True, True, True]
            relation = f"{SCHEMAS[name]}.{name}"
            assert stored == again == connection.execute(f"select count(*) from {relation}").fetchone()[0] > 0
            differing = f"(from {relation} except all from replays.{name})"
            if name != "draw_audits":
                assert connection.execute(f"select count(*) from {differing}").fetchone() == (0,)


def other_value(model: str, data_type: str, column: str) -> str:
    """Another value of the column; of a double the nearest one, because the last bit counts.

    Weights of an audit are sums of doubles, which count to 10^-9.
    """
    nearest = f"nextafter(coalesce({column}, 0.5), 1e9)"
    return {
        "VARCHAR": f"coalesce({column}, '') || 'x'",
        "BIGINT": f"coalesce({column}, 0) + 1",
        "BOOLEAN": f"not coalesce({column}, false)",
        "DOUBLE": f"{column} * (1 + 1e-8)" if model == "draw_audits" else nearest,
        "DATE": f"{column} + 1",
    }[data_type]


def test_an_edit_of_any_column_and_a_row_added_or_removed_are_named(folder, proven):
    with duckdb.connect(str(proven), read_only=True) as connection:
        kept = {model: columns(connection, model) for model in AGAIN}
    shutil.copy(folder / "built.duckdb", folder / "edited.duckdb")
    with duckdb.connect(str(folder / "edited.duckdb")) as connection:
        for model, names in kept.items():
            relation = f"{SCHEMAS[model]}.{model}"
            # a row of its own for each column, from the end, so that every edit is one row
            # what a judge says is part of the draw of a plan with an audit alone
            where = "where plan_id = 'content_days_mixture'" if model == "draw_audits" else ""
            query = f"select rowid from {relation} {where} order by rowid"
            rows = [row for (row,) in connection.execute(query).fetchall()]
            assert len(rows) > len(names) + 2
            connection.execute(f"insert into {relation} from {relation} where rowid = {rows[0]}")
            connection.execute(f"delete from {relation} where rowid = {rows[1]}")
            for (name, data_type), row in zip(names, rows[2:], strict=False):
                connection.execute(
                    f"update {relation} set {name} = {other_value(model, data_type, name)} where rowid = {row}"
                )
    code, said = replay(folder, "edited", "--start-date", "2026-10-05", "--end-date", "2026-10-10")
    assert code == 1 and "edited" in said and "differs" in said
    with duckdb.connect(str(folder / "edited.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select table_name, problem, copy_number, details from replays.draw_differences"
        ).fetchall()
        # nothing of it is put down to a change of the logs
        statuses = connection.execute(
            "select table_name, status, count(*) from replays.draw_replays"
            " where missing_rows + extra_rows + differing_rows + broken_rows > 0 group by all"
        ).fetchall()
    for model, names in kept.items():
        ours = [(problem, copy, details or "") for name, problem, copy, details in found if name == model]
        assert any(problem == "extra" and copy == 2 for problem, copy, _ in ours), model
        assert any(problem == "missing" for problem, *_ in ours), model
        # columns of the key move a row: one is missing and another is extra
        named = {
            name for problem, _, details in ours if problem == "differs" for name, _ in names if f"{name} is" in details
        }
        keys = {name for name, _ in names} - named
        assert keys <= {
            *(
                "plan_id",
                "sample_date",
                "unit_id",
                "policy_id",
                "pivot_name",
                "pivot_value",
                "interaction_id",
                "position",
            )
        }, f"macros/sampling/_replay.sql does not compare these columns of {model}: {sorted(keys)}"
    assert {name for name, *_ in statuses} == set(AGAIN)
    # but for audits that were drawn on draws which have been edited since: they are what was recorded of them
    assert {status for name, status, _ in statuses if name != "draw_audits"} <= {"edited", "broken", "differs"}
    assert {name for name, status, _ in statuses if status == "edited"} == set(AGAIN)


def test_a_frame_and_a_plan_that_have_changed_are_said_and_edits_are_still_found(folder, proven):
    shutil.copy(folder / "built.duckdb", folder / "changed.duckdb")
    with duckdb.connect(str(folder / "changed.duckdb")) as connection:
        connection.execute(
            "update frames.frame_units set inclusion_probability = inclusion_probability * 0.999"
            " where plan_id = 'content_days_holdout' and unit_date = '2026-10-05' and not is_certainty"
        )
        connection.execute(
            "update staging.stg_sampling_plans set expected_units = 99 where plan_id = 'interactions_mixture'"
        )
    code, said = replay(folder, "changed", "--plan", "content_days_holdout", "--plan", "interactions_mixture")
    # the stored draws are as recorded: nothing is wrong with them, and the replay says why it is not the same
    assert code == 0, said
    assert "the frame has changed" in said and "plan: expected_units was 600 and is 99" in said
    with duckdb.connect(str(folder / "changed.duckdb")) as connection:
        statuses = {
            (plan, str(day)): (status, frame, change, recorded)
            for plan, day, status, frame, change, recorded in connection.execute(
                "select plan_id, sample_date, status, is_frame_changed, plan_changes, is_as_recorded"
                " from replays.draw_replays where table_name = 'draw_units'"
            ).fetchall()
        }
        assert set(plan for plan, _ in statuses) == {"content_days_holdout", "interactions_mixture"}
        assert statuses["content_days_holdout", "2026-10-05"] == ("inputs_changed", True, None, True)
        assert statuses["content_days_holdout", "2026-10-06"] == ("same", False, None, True)
        # the stored frame is still that of the old plan, so the draw is the same, and the change is said
        assert statuses["interactions_mixture", "2026-10-05"] == (
            "same",
            False,
            "expected_units was 600 and is 99",
            True,
        )
        # an edit within the changed frame: the row breaks its own rules and is not as recorded
        ((unit,),) = connection.execute(
            "select min(unit_id) from draws.draw_units where plan_id = 'content_days_holdout'"
            " and sample_date = '2026-10-05' and not is_certainty"
        ).fetchall()
        connection.execute(
            "update draws.draw_units set random_number = random_number / 2"
            f" where plan_id = 'content_days_holdout' and unit_id = '{unit}'"
        )
    code, said = replay(folder, "changed", "--plan", "content_days_holdout", "--plan", "interactions_mixture")
    assert code == 1
    assert f"row {unit}: broken: random_number is not the hash of random_number_key" in said and "edited" in said


def test_what_a_judge_said_of_a_plan_without_an_audit_is_no_part_of_its_draw(folder, proven):
    """Another plan has asked, and the answers came after the day of this plan was drawn."""
    shutil.copy(folder / "built.duckdb", folder / "later.duckdb")
    with duckdb.connect(str(folder / "later.duckdb")) as connection:
        holdout = "plan_id = 'content_days_holdout'"
        (rows,) = connection.execute(f"select count(*) from draws.draw_audits where {holdout}").fetchone()
        connection.execute(f"update draws.draw_audits set judge_is_violating = null where {holdout}")
        # as it was drawn, so it was recorded
        connection.execute(f"delete from draws.draw_audit_records where {holdout}")
        assert rows > 0
    code, said = replay(folder, "later", "--plan", "content_days_holdout")
    assert code == 0 and "draw_audits" not in said, said
    with duckdb.connect(str(folder / "later.duckdb")) as connection:
        connection.execute(f"update draws.draw_audits set audit_probability = 0.5 where {holdout}")
    code, said = replay(folder, "later", "--plan", "content_days_holdout")
    assert code == 1 and "audit_probability is 0.5" in said


def test_a_plan_that_never_drew_is_refused_with_the_ones_that_did(folder, proven):
    code, said = replay(folder, "proven", "--plan", "nobody")
    assert code == 2 and "nobody" in said and "content_days_mixture" in said and "Remedy" in said
    code, said = replay(folder, "proven", "--start-date", "2027-01-01", "--end-date", "2027-01-02")
    assert code == 2 and "No day from 2027-01-01" in said and "Remedy" in said


def test_what_was_recorded_is_not_recorded_again(folder, proven):
    done = run(
        folder,
        "proven",
        "-c",
        BUILD.split("write_world(")[0] + "dbt.run('draw_plans', 'draw_records', 'draw_audit_records', 'draw_units')",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(proven)) as connection, duckdb.connect(str(folder / "built.duckdb")) as built:
        for name in ("draw_plans", "draw_records", "draw_audit_records", "draw_units"):
            query = f"select * from draws.{name} order by all"
            assert connection.execute(query).fetchall() == built.execute(query).fetchall() != []
