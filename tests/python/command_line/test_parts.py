"""Part by part: what is ready is published, and the rest waits or is held back alone, with its reason, in every run."""

from __future__ import annotations

import contextlib
import importlib
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import own_logs
import pytest
from conftest import in_test_all

from prevalence.command_line import cli
from prevalence.command_line.exits import EXIT_BLOCKED, EXIT_FAILED, EXIT_WAITING, EXITS, outcome
from prevalence.engines.settings import PROJECT
from prevalence.release.parts import Parts, Reason
from prevalence_evidence.nights.contents import differences

# the day of every third interaction, of which a twentieth is left
CUT_DAY = "2026-03-03"
CUT = f"select * from {{table}} where cast(occurred_at as date) <> date '{CUT_DAY}' or hash(interaction_id) % 25 = 0"
PLANS = """
    select plan_id, 'interaction' as unit_type, design, cast(units as bigint) as expected_units,
        cast(null as double) as defence_share, cast(null as bigint) as audit_units, cast(null as double) as audit_floor
    from (values ('sound', 'simple_random', 20), ('word', 'lottery', 10)) as plans (plan_id, design, units)
"""


@dataclass
class World:
    folder: Path
    said: dict[str, tuple[int, str]]

    @property
    def warehouse(self) -> Path:
        return self.folder / "prevalence.duckdb"

    def run(self, name: str, *arguments: str) -> None:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = cli.main([*(arguments or ("run", "--raw-folder", str(self.folder / "raw")))])
        self.said[name] = (code, said.getvalue())

    def rows(self, query: str, name: str = "prevalence") -> list[tuple]:
        with duckdb.connect(str(self.folder / f"{name}.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def keep(self, name: str) -> None:
        shutil.copy(self.warehouse, self.folder / f"{name}.duckdb")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    """Three days: nothing is answered; then the first is, and of the second a policy by answers that cannot be used; then again."""
    world = World(tmp_path_factory.mktemp("parts"), {})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        patch.setenv("PREVALENCE_DUCKDB_PATH", str(world.warehouse))
        patch.setenv("DBT_TARGET_PATH", str(world.folder / "target"))
        patch.setenv("DBT_LOG_PATH", str(world.folder / "logs"))
        raw = own_logs.write(world.folder / "raw")
        world.run("unanswered")
        world.keep("unanswered")
        own_logs.answer(world.warehouse, raw, "day_1", "sample_date = '2026-03-02'")
        own_logs.answer(world.warehouse, raw, "day_2", "sample_date = '2026-03-03' and policy_id <> 'self_harm'")
        own_logs.answer(
            world.warehouse,
            raw,
            "unusable",
            "sample_date = '2026-03-03' and policy_id = 'self_harm'",
            item_hash="'stale'",
        )
        world.run("answered")
        world.keep("answered")
        world.run("again")
        world.run("status", "status")
    return world


@in_test_all
@pytest.mark.slow
def test_a_run_without_answers_goes_to_its_end_and_says_that_it_waits(world):
    code, said = world.said["unanswered"]
    assert code == EXIT_WAITING, said
    assert "Open assignments" in said and "held back" in said.splitlines()[-6:][0] + said
    assert world.rows("select count(*) from marts.prevalence", "unanswered") == [(0,)]
    assert world.rows("select count(*) > 0, sum(unaccounted_rows) from quality.row_accounting", "unanswered") == [
        (True, 0)
    ]
    assert world.rows("select distinct state, reason from quality.part_states", "unanswered") == [
        ("waiting", "expert_answers_open")
    ]


@in_test_all
@pytest.mark.slow
def test_days_whose_answers_are_in_are_published_and_the_others_wait(world):
    code, said = world.said["answered"]
    assert code == 0, said
    days = world.rows(
        "select distinct policy_id, cast(period_start as varchar) from marts.prevalence where period_type = 'day' order by all",
        "answered",
    )
    policies = ("adult_content", "harassment", "misinformation", "self_harm")
    assert days == sorted(
        [(policy, "2026-03-02") for policy in policies] + [(policy, "2026-03-03") for policy in policies[:3]]
    )
    assert "waiting by expert_answers_open: 2026-03-04; plan all_interactions; policy adult_content" in said


@in_test_all
@pytest.mark.slow
def test_one_policys_unusable_answers_hold_back_its_day_alone(world):
    held = world.rows(
        "select policy_id, cast(sample_date as varchar), reason, is_published from quality.part_states where state = 'held'"
    )
    assert held == [("self_harm", "2026-03-03", "answers_are_usable", False)]
    code, said = world.said["answered"]
    assert "held back by answers_are_usable, found 1: 2026-03-03; plan all_interactions; policy self_harm." in said
    assert "Remedy: quality.quarantined_label_events" in said


@in_test_all
@pytest.mark.slow
def test_the_same_run_again_changes_no_table_and_says_what_needs_a_person(world):
    code, said = world.said["again"]
    assert code == EXIT_BLOCKED, said
    assert differences(world.folder / "answered.duckdb", world.warehouse) == []
    assert [line for line in said.splitlines() if "held back by answers" in line]


@in_test_all
@pytest.mark.slow
def test_status_prints_the_table_of_the_last_run(world):
    code, said = world.said["status"]
    assert code == 0
    table = said[said.index("days by plan and policy:") :]
    assert table.strip() in world.said["again"][1]


@pytest.fixture
def command(monkeypatch, tmp_path) -> Callable[..., tuple[int, World]]:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("PREVALENCE_DUCKDB_PATH", str(tmp_path / "prevalence.duckdb"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
    world = World(tmp_path, {})

    def run(*arguments: str) -> tuple[int, World]:
        world.run("last", *arguments)
        return world.said["last"][0], world

    return run


@in_test_all
@pytest.mark.slow
def test_a_day_cut_short_and_a_plan_of_unknown_words_hold_back_themselves(command, tmp_path):
    components = "select * from {table} where hash(interaction_id) % 25 = 0 or cast(substr(interaction_id, 2) as bigint) % 3 <> 1"
    own_logs.write(tmp_path / "raw", interactions=CUT, components=components, sampling_plans=PLANS)
    code, world = command("run", "--raw-folder", str(tmp_path / "raw"))
    said = world.said["last"][1]
    # nothing is answered yet, but somebody has to mend a day and a plan
    assert code == EXIT_BLOCKED, said
    assert world.rows("select distinct plan_id, cast(sample_date as varchar) from draws.draw_units order by all") == [
        ("sound", "2026-03-02"),
        ("sound", "2026-03-04"),
    ]
    states = world.rows(
        "select plan_id, cast(sample_date as varchar), state, reason from quality.part_states group by all order by all"
    )
    assert states == [
        ("sound", "2026-03-02", "waiting", "expert_answers_open"),
        ("sound", CUT_DAY, "held", "day_volume"),
        ("sound", "2026-03-04", "waiting", "expert_answers_open"),
        ("word", "2026-03-02", "held", "plans_can_work"),
        ("word", CUT_DAY, "held", "day_volume"),
        ("word", "2026-03-04", "held", "plans_can_work"),
    ]
    assert "held back by day_volume" in said and "land" in said
    assert "design is lottery; put one of" in said
    # mended, both are drawn, and what was drawn before stays as it was
    drawn = world.rows("select * from draws.draw_units order by all")
    own_logs.write(tmp_path / "raw", sampling_plans=PLANS.replace("lottery", "simple_random"))
    code, world = command("run", "--raw-folder", str(tmp_path / "raw"))
    assert code == EXIT_WAITING, world.said["last"][1]
    assert world.rows(
        "select plan_id, count(distinct sample_date) from draws.draw_units group by all order by all"
    ) == [
        ("sound", 3),
        ("word", 3),
    ]
    assert set(drawn) <= set(world.rows("select * from draws.draw_units"))


def test_status_of_a_warehouse_that_has_measured_nothing(command, tmp_path):
    own_logs.write(tmp_path / "raw")
    assert command("land", "--raw-folder", str(tmp_path / "raw"))[0] == 0
    code, world = command("status")
    assert code == 0 and "Nothing has been measured" in world.said["last"][1]


def test_a_program_that_fails_is_told_apart_from_a_gate_that_blocks(command, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("a fault of the program")

    # a module that is imported first while this stands keeps it
    importlib.import_module("prevalence.command_line.steps")
    monkeypatch.setattr("prevalence.engines.landing.land", fail)
    assert command("land")[0] == EXIT_FAILED


# --- exit codes ---------------------------------------------------------------------------------------------------------------------


def reason(state: str) -> Reason:
    days = date(2026, 3, 2)
    return Reason(state, "r", "e", "r", ("plan",), ("policy",), 1, 1, days, days, None, 3, 9, None)


@pytest.mark.parametrize(
    ("states", "published_before", "published_now", "code"),
    [
        ((), 4, True, 0),
        ((), 4, False, 0),
        (("waiting", "held"), 0, True, 0),
        (("waiting",), 4, False, EXIT_WAITING),
        (("waiting", "withheld"), 4, False, EXIT_WAITING),
        (("waiting", "held"), 4, False, EXIT_BLOCKED),
        (("held",), 4, False, EXIT_BLOCKED),
        (("withheld",), 4, False, 0),
        (("withheld",), 0, False, EXIT_BLOCKED),
    ],
)
def test_exit_codes_say_what_a_scheduler_has_to_know(states, published_before, published_now, code):
    parts = Parts((("plan", "policy", published_before, 0, 0, 0, 0),), tuple(map(reason, states)))
    assert outcome(parts, published_now) == code
    assert outcome(None, published_now) == 0


def test_the_readme_and_the_help_list_every_exit_code():
    readme = (PROJECT / "README.md").read_text()
    help_text = cli.prevalence.commands["run"].epilog
    for code, meaning in EXITS.items():
        assert f"| {code} | {meaning} |" in readme and f"{code}  {meaning}" in help_text
