"""What a draw and a backfill ask and cost is said before anybody is asked, and a budget stops both."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import in_test_all
from daily_life import POLICY, Life, day

from prevalence.engines import warehouse
from prevalence.engines.settings import PROJECT, Settings
from prevalence.release.costs import asked_lines, cost_lines


def test_the_plans_that_own_logs_begin_with_are_modest() -> None:
    """At the prices and policies of the seeds, a month asks experts a few thousand questions, not 73,994."""

    def rows(name: str) -> list[dict[str, str]]:
        with (PROJECT / "seeds" / f"{name}.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    prices = {row["pool"]: float(row["cost_per_label"]) for row in rows("label_costs")}
    monthly = 30 * len(rows("policies"))
    # a plan without an audit asks experts about all that it draws
    experts = sum(float(plan["audit_units"] or plan["expected_units"]) for plan in rows("sampling_plans")) * monthly
    judge = sum(float(plan["expected_units"]) for plan in rows("sampling_plans")) * monthly
    assert 0 < experts <= 3000
    assert experts * prices["sme"] + judge * prices["llm"] + 0.2 * experts * prices["bpo"] <= 6000


def test_what_was_drawn_is_asked_and_the_rest_is_to_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of costs are older than the draw of their run: of two days one was drawn since, of two backfills one was asked."""
    monkeypatch.setenv("PREVALENCE_DUCKDB_PATH", str(tmp_path / "prevalence.duckdb"))
    with warehouse.connect(Settings.from_environment()) as connection:
        assert (cost_lines(connection), asked_lines(connection)) == ([], [])
        for statement in (
            "create schema quality",
            "create schema draws",
            "create schema reference",
            "create table reference.label_costs as select 'EUR' as currency",
            "create table quality.draw_costs as select 'a' as plan_id, date '2026-03-02' + cast(n as integer) as unit_date,"
            " false as is_drawn, 10.0::double as judge_questions, 4.0::double as expert_questions, 1.0::double as rater_questions, 9.5::double as cost"
            " from range(3) as days (n)",
            "create table quality.held_plan_days as select 'a' as plan_id, date '2026-03-04' as unit_date",
            "create table quality.backfill_costs as select 'a' as plan_id, date '2026-03-02' as unit_date, policy_id,"
            " false as is_asked, 5.0::double as questions, 2.0::double as expert_questions, 4.5::double as cost, policy_id <> 'dear' as is_within_budget"
            " from (values ('asked'), ('next'), ('dear')) as policies (policy_id)",
        ):
            connection.execute(statement)
        first = (
            "plan a: 2 days, 2026-03-02 to 2026-03-03: about 30 questions, 8 of them to experts, 19.00 EUR, and to experts besides "
            "what the judge calls violating; its first draw, and a month of such days about 450 questions, 120 of them to experts, "
            "285.00 EUR"
        )
        assert cost_lines(connection)[0] == first
        assert asked_lines(connection) == []
        connection.execute("create table draws.draw_plans as select 'a' as plan_id, date '2026-03-02' as sample_date")
        connection.execute(
            "create table draws.draw_policies as select 'a' as plan_id, date '2026-03-02' as sample_date, policy_id, is_backfilled"
            " from (values ('drawn', false), ('asked', true)) as policies (policy_id, is_backfilled)"
        )
        assert cost_lines(connection) == [
            "plan a: 2026-03-03: about 15 questions, 4 of them to experts, 9.50 EUR, and to experts besides what the judge calls "
            "violating",
            "backfill of policy next: 2026-03-02: about 5 questions, 2 of them to experts, 4.50 EUR",
            "not asked for want of budget (vars cost_budget, question_budget): backfill of policy dear: 2026-03-02: about 5 "
            "questions, 2 of them to experts, 4.50 EUR",
        ]
        assert asked_lines(connection) == [
            "asked about days of 2026-03: about 20 questions, 6 of them to experts, 14.00 EUR"
        ]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREVALENCE_DUCKDB_PATH", str(tmp_path / "prevalence.duckdb"))
        environment.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
        environment.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
        yield Life(tmp_path)


@in_test_all
def test_costs_are_said_before_a_draw_and_before_a_backfill(life: Life) -> None:
    life.write(0, 1)
    # 12 units under one policy: as many questions to the judge and to experts, and two raters for a tenth of these
    said = life.run("--costs-only", code=0)
    assert f"plan holdout: 2 days, {day(0)} to {day(1)}: about 53 questions, 24 of them to experts, 50.16 USD" in said
    assert "its first draw, and a month of such days about 792 questions, 360 of them to experts, 752.40 USD" in said
    assert life.rows("select count(*) from information_schema.tables where table_name = 'draw_units'") == [(0,)]

    assert "plan holdout: 2 days" in life.run()
    assert "nothing new is asked" in life.run("--costs-only", code=0)
    life.put(
        "policies",
        f"select '{POLICY}' as policy_id, '1.0.0' as policy_version, 'Harassment' as title, 1.0::double as importance,"
        " cast(null as date) as valid_from"
        f" union all select 'spam', '1.0.0', 'Spam', 1.0::double, date '{day(0)}'",
    )
    asked = "select policy_id, count(*) from draws.draw_policies where is_backfilled group by all"
    budget = ("--vars", "{question_budget: 80}")
    said = life.run(*budget)
    assert f"backfill of policy spam: {day(0)}: about 26 questions" in said
    assert (
        f"not asked for want of budget (vars cost_budget, question_budget): backfill of policy spam: {day(1)}" in said
    )
    assert life.rows(asked) == [("spam", 1)]
    assert (
        life.run().count(f"backfill of policy spam: {day(1)}: about 26 questions, 12 of them to experts, 25.08 USD")
        == 1
    )
    assert life.rows(asked) == [("spam", 2)]
