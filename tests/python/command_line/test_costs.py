"""What a draw and a backfill ask and cost is said before anybody is asked, and a budget stops both."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import in_test_all
from daily_life import POLICY, Life, day

from prevalence.engines.settings import PROJECT


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
