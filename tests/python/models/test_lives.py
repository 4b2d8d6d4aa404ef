"""Own logs over four days, then one ordinary change of plans and policies at a time: what was drawn, asked and answered stays.

Each night is the steps of `prevalence run` up to the labels, without data tests; what becomes of a change is read from the tables.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import own_logs
import pytest
from measured_world import run

DAYS = 6
# the days of the logs in own_logs, but more of them, and as many interactions on each
LOGS = {
    "interactions": own_logs.TABLES["interactions"].replace(f"n % {own_logs.DAYS}", f"n % {DAYS}"),
}
NIGHT = """
import sys, json
from pathlib import Path
from prevalence.command_line.due_days import choose_days
from prevalence.engines.dbt import Dbt
from prevalence.engines.landing import land
from prevalence.engines.settings import Settings

settings = Settings.from_environment()
settings.enter()
land(settings, Path(sys.argv[1]))
variables = json.loads(sys.argv[2])
dbt = Dbt(settings, None, variables, None)
dbt.seed()
print(choose_days(settings, dbt, None, None, variables))
for step in ("stage", "frame"):
    for window in dbt.windows:
        dbt.within(window).run(selector=step)
    if not dbt.windows:
        dbt.run(selector=f"{step}_of_no_day")
for step in ("draw", "audit", "label"):
    dbt.run(selector=step)
"""


def plans(*rows: str) -> str:
    """A SELECT of plans: name, expected units, valid_from, valid_until, renamed_from."""
    listed = ", ".join(f"({row})" for row in rows)
    return f"""
        select plan_id, 'interaction' as unit_type, 'simple_random' as design, expected_units::bigint as expected_units,
            cast(null as double) as defence_share, cast(null as bigint) as audit_units, cast(null as double) as audit_floor,
            valid_from::date as valid_from, valid_until::date as valid_until, renamed_from::varchar as renamed_from
        from (values {listed}) as t (plan_id, expected_units, valid_from, valid_until, renamed_from)
    """


def policies(*rows: str) -> str:
    """A SELECT of policies: id, version, valid_from, valid_until."""
    listed = ", ".join(f"({row})" for row in rows)
    return f"""
        select policy_id, policy_version, policy_id as title, valid_from::date as valid_from, valid_until::date as valid_until
        from (values {listed}) as t (policy_id, policy_version, valid_from, valid_until)
    """


PLANS = ("'p', 8, null, null, null", "'q', 5, null, null, null")
POLICIES = ("'harassment', 'v9', null, null", "'spam', 'v1', null, null")


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def night(
        self, days: int, plan_rows: tuple[str, ...] = PLANS, policy_rows: tuple[str, ...] = POLICIES, **changed: object
    ) -> str:
        """Land the logs of the first `days` days, and go through the night."""
        variables = changed.pop("variables", {})
        until = f"timestamp '2026-03-02 00:00:00' + to_days({days})"
        raw = own_logs.write(
            self.folder / "raw",
            interactions=f"select * from ({LOGS['interactions']}) where occurred_at < {until}",
            components=f"select c.* from ({own_logs.TABLES['components']}) as c where c.interaction_id in "
            f"(select interaction_id from ({LOGS['interactions']}) where occurred_at < {until})",
            sampling_plans=plans(*plan_rows),
            policies=policies(*policy_rows),
            **changed,  # type: ignore[arg-type]
        )
        done = run(self.folder, "world", "-c", NIGHT, str(raw), json.dumps(variables))
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def rows(self, query: str) -> list[tuple]:
        with duckdb.connect(str(self.folder / "world.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def drawn(self) -> dict[str, list[int]]:
        """The days of March that each plan has drawn."""
        return dict(
            self.rows(
                "select plan_id, list(distinct day(sample_date) order by day(sample_date)) from draws.draw_units group by all"
            )
        )

    def draws(self, last_day: int) -> list[tuple]:
        return self.rows(f"select * from draws.draw_units where day(sample_date) <= {last_day} order by all")

    def asked(self) -> dict[tuple[str, str], list[int]]:
        """The days that each policy is asked about, by version."""
        found = self.rows(
            "select policy_id, policy_version, list(distinct day(sample_date) order by day(sample_date)) "
            "from labels.label_possible_assignments group by all"
        )
        return {(policy, version): days for policy, version, days in found}


@pytest.fixture(scope="module")
def four_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lives")
    World(folder).night(4)
    return folder


@pytest.fixture
def world(four_days: Path, tmp_path: Path) -> Iterator[World]:
    """A copy of the world as four nights left it."""
    shutil.copy(four_days / "world.duckdb", tmp_path / "world.duckdb")
    shutil.copytree(four_days / "target", tmp_path / "target")
    yield World(tmp_path)


def test_a_new_version_asks_about_the_days_that_follow(world: World) -> None:
    ((assignment, item, item_hash, protocol),) = world.rows(
        "select assignment_id, item_id, item_hash, label_protocol_id from labels.label_possible_assignments "
        "where policy_id = 'harassment' and purpose = 'audit' order by assignment_id limit 1"
    )
    before = world.draws(4)
    changed = ("'harassment', 'v10', null, null", POLICIES[1])
    # an answer under the old version that arrives after the new one has come
    late = own_logs.label_event(
        label_event_id="late", assignment_id=assignment, item_id=item, item_hash=item_hash, policy_id="harassment",
        policy_version="v9", label_protocol_id=protocol, source="human", rater_id="r", pool="sme",
        decision="violating", outcome="ok", submitted_at="2026-03-20 10:00:00",
    )  # fmt: skip
    world.night(5, policy_rows=changed, label_events=late)
    assert world.draws(4) == before
    assert world.asked() == {
        ("harassment", "v9"): [2, 3, 4, 5], ("harassment", "v10"): [6], ("spam", "v1"): [2, 3, 4, 5, 6],
    }  # fmt: skip
    assert world.rows("select row_disposition from staging.stg_label_events_classified") == [("used",)]
    assert world.rows("select policy_version from labels.fct_unit_labels where expert_is_violating") == [("v9",)]
    versions = "select policy_version, count(*) > 0 from labels.fct_unit_labels where policy_id = 'harassment' group by 1 order by 1"
    assert world.rows(versions) == [("v10", True), ("v9", True)]


def test_a_new_policy_begins_with_the_next_day_and_one_dated_back_is_a_backfill(world: World) -> None:
    changed = (*POLICIES, "'new', '1', null, null", "'dated', '1', date '2026-03-04', null")
    # the policy 'spam' is gone with it: what it was asked about stays
    world.night(5, policy_rows=(changed[0], *changed[2:]))
    assert world.asked() == {
        ("harassment", "v9"): [2, 3, 4, 5, 6], ("spam", "v1"): [2, 3, 4, 5], ("new", "1"): [6], ("dated", "1"): [4, 5, 6],
    }  # fmt: skip


def test_a_policy_that_stands_twice_holds_back_itself(world: World) -> None:
    world.night(5, policy_rows=(*POLICIES, "'spam', 'v2', null, null"))
    assert world.asked()["spam", "v1"] == [2, 3, 4, 5] and ("spam", "v2") not in world.asked()
    assert world.asked()["harassment", "v9"] == [2, 3, 4, 5, 6]
    ((policy, message),) = world.rows("select policy_id, message from quality.policy_row_problems")
    assert policy == "spam" and "keep one of them" in message


def test_a_plan_is_changed_retired_and_added(world: World) -> None:
    before = world.draws(4)
    sizes = "select day(sample_date), count(*) from draws.draw_units where plan_id = 'p' group by 1 order by 1"
    # p asks for more, q is gone, r comes, s is dated back, t stands twice
    world.night(5, plan_rows=(
        "'p', 9, null, null, null", "'r', 4, null, null, null", "'s', 3, date '2026-03-04', null, null",
        "'t', 3, null, null, null", "'t', 4, null, null, null",
    ))  # fmt: skip
    assert [row for row in world.draws(4) if row[0] in ("p", "q")] == before
    assert world.rows(sizes) == [(2, 8), (3, 8), (4, 8), (5, 8), (6, 9)]
    assert world.drawn() == {"p": [2, 3, 4, 5, 6], "q": [2, 3, 4, 5], "r": [6], "s": [4, 5, 6]}
    assert world.rows(
        "select min(uncovered_exposure_share), max(uncovered_exposure_share) from quality.frame_coverage"
    ) == [(0, 0)]
    assert [row[0] for row in world.rows("select plan_id from quality.plan_problems where severity > 1")] == ["t"]
    ((settings,),) = world.rows(
        "select list(distinct expected_units order by expected_units) from draws.draw_plan_settings where plan_id = 'p'"
    )
    assert settings == [8, 9]


def test_a_plan_is_renamed(world: World) -> None:
    before = world.draws(4)
    world.night(5, plan_rows=("'p2', 8, null, null, 'p'", PLANS[1], "'lost', 3, null, null, 'nobody'"))
    assert world.draws(4) == before
    assert world.drawn() == {"p": [2, 3, 4, 5], "p2": [6], "q": [2, 3, 4, 5, 6]}
    # its random numbers go on
    ((key,),) = world.rows(
        "select distinct split_part(random_number_key, '|', 1) from draws.draw_units where plan_id = 'p2'"
    )
    assert key == "p"
    assert world.rows("select plan_id, problem from quality.plan_problems where severity > 1") == [
        ("lost", "renamed_from_unknown")
    ]


def test_a_salt_is_rotated(world: World) -> None:
    before = world.draws(4)
    overlap = "select * from labels.label_audit_assignments where day(sample_date) <= 5 order by all"
    asked = world.rows(overlap)
    world.night(5, variables={"sampling_salt": "rotated", "rater_overlap_share": 0.9})
    assert world.draws(4) == before and world.rows(overlap) == asked != []
    salts = "select sampling_salt, list(distinct day(sample_date) order by day(sample_date)) from draws.draw_plan_settings group by 1"
    assert dict(world.rows(salts)) == {"prevalence": [2, 3, 4, 5], "rotated": [6]}
    # each day is drawn again under its own salt
    done = run(world.folder, "world", "-m", "prevalence.command_line.cli", "replay")
    assert done.returncode == 0, done.stdout + done.stderr
