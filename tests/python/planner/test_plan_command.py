"""`prevalence plan` on a person's own logs before any label is bought: what it builds, says, stores and refuses."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import duckdb
import own_logs
import pytest

from prevalence.command_line import cli
from prevalence.engines import warehouse
from prevalence.engines.settings import Settings, UserError
from prevalence.planner import command as planner
from prevalence.planner.plan_text import sentence

DAY = date(2026, 3, 4)
ENVIRONMENT = {
    "PREVALENCE_DUCKDB_PATH": "prevalence.duckdb",
    "DBT_TARGET_PATH": "target",
    "DBT_LOG_PATH": "logs",
}


class Planned:
    def __init__(self, folder: Path, code: int, text: str) -> None:
        self.folder, self.code, self.text = folder, code, text

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.folder / "prevalence.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> Planned:
    """Three days of logs, landed and planned for in one command."""
    import contextlib
    import io

    folder = tmp_path_factory.mktemp("plan")
    raw = own_logs.write(
        folder / "raw",
        # more contents than one a view, and scores that are plausible rates
        risk_scores="select * replace (score / 20 as score) from {table}",
        sampling_plans="select * replace (cast(40 as bigint) as expected_units) from {table}",
    )
    before = dict(os.environ)
    os.environ.update({name: str(folder / value) for name, value in ENVIRONMENT.items()})
    printed = io.StringIO()
    here = os.getcwd()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = cli.main(
                ["plan", "--raw-folder", str(raw), "--unit-type", "interaction", "--budgets", "40", "60", "--days", "7"]
            )
        yield Planned(folder, code, printed.getvalue())
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


def test_it_plans_before_any_label(planned):
    assert planned.code == 0, planned.text
    for part in (
        "80 units of type interaction",
        "2026-03-04",
        "for 7 days",
        "Recommended: draw 60 units a day by raw root, half by exposure",
        "As a row of sampling_plans: unit_type interaction, design poisson, expected_units 60, score_basis raw, defence_share 0.5,",
        "rates_are_raw_scores",
        "judge_is_assumed",
        # three of the four policies have no score in these logs
        "policy_without_scores: no unit has a score of adult_content, misinformation, self_harm",
        "placeholders",
        "all_interactions",
    ):
        assert part in planned.text
    chart = (planned.folder / "prevalence_plan.svg").read_text()
    # letters are paths: no font of the machine
    assert chart.startswith("<?xml") and "Precision for money" in chart and "<text" not in chart
    # one day alone was built, and nothing was drawn
    assert planned.query("select distinct unit_date from frames.frame_content_scores") == [(DAY,)]
    tables = {name for (name,) in planned.query("select table_name from information_schema.tables")}
    assert tables & {"draw_units", "label_items", "fct_unit_labels", "est_prevalence"} == set()


def test_rows_are_stored_once_per_grain(planned):
    (counts,) = planned.query(
        "select count(*), count(distinct (design, budget, labeled_by, policy_id)), count_if(is_recommended),"
        " min(period_days), max(frame_date), count_if(expected_coverage is null) from planning.plan_expectations"
    )
    # four designs without learned rates, two budgets, two ways to label, and the plan in force
    assert counts == (4 * 2 * 2 + 1, 4 * 2 * 2 + 1, 1, 7, DAY, 0)
    (cheap,) = planned.query(
        "select max(abs(cost - (0.01 * judge_labels + 0.4 * rater_labels + 2 * expert_labels))) from planning.plan_expectations"
    )
    assert cheap[0] < 1e-9
    assert planned.query("select distinct rate_source from planning.plan_expectations") == [("raw_scores",)]


def test_cells_add_up_to_the_frame(planned):
    units = planned.query(
        "select count(*), sum(exposure) from frames.frame_unit_sizes where unit_type = 'interaction' and risk_scope = 'all'"
    )
    for policy in ("harassment", "self_harm"):
        assert (
            planned.query(
                "select cast(sum(units) as bigint), sum(exposure) from planning.plan_cells"
                f" where unit_type = 'interaction' and policy_id = '{policy}' and risk_scope = 'all'"
            )
            == units
        )
    # a plan's expected prevalence is the mean score of the riskiest component
    (expected,) = planned.query("select distinct round(expected_prevalence, 9) from planning.plan_expectations")
    (mean,) = planned.query(
        """
        select round(avg(score), 9) from (
            select max(scores.score_millionths) / 1e6 as score
            from staging.stg_components as components
            inner join frames.frame_content_scores as scores
                on components.content_id = scores.content_id and components.unit_date = scores.unit_date
            where components.was_viewed and scores.policy_id = 'harassment'
            group by components.interaction_id
        )
        """
    )
    assert expected == mean


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (planner.Request("interaction", budgets=(40, 81)), ("81", "80 units of type interaction", "--budgets")),
        (planner.Request("interaction", budgets=(29,)), ("29", "30", "--budgets")),
        (planner.Request("interaction", policies=("nonsense",)), ("nonsense", "4 policies", "harassment")),
        (planner.Request("interaction", policies=("self_harm",)), ("0 units", "self_harm", "risk_scores")),
    ],
)
def test_what_cannot_be_planned_is_refused_with_numbers(planned, request_, named):
    with warehouse.connect(Settings.from_environment(), read_only=True) as connection:
        with pytest.raises(UserError) as refused:
            planner._compare(request_, DAY, planner._frame(connection, request_, DAY))
    for part in (*named, "Remedy"):
        assert part in str(refused.value)


def test_a_day_or_a_frame_that_is_not_there_is_refused(planned, tmp_path, monkeypatch):
    settings = Settings.from_environment()
    with pytest.raises(UserError, match="3 days, 2026-03-02 to 2026-03-04.*Remedy"):
        planner.make(settings, planner.Request("interaction", day=date(2026, 4, 1)), {}, None)
    monkeypatch.setenv("PREVALENCE_DUCKDB_PATH", str(tmp_path / "none.duckdb"))
    with pytest.raises(UserError, match="no frame to plan for. Remedy"):
        planner.make(Settings.from_environment(), planner.Request(), {}, None)
    for wrong in (
        planner.Request(days=0),
        planner.Request(target=0.0),
        planner.Request(sensitivity=1.5),
        planner.Request(false_positive_rate=-0.1),
    ):
        with pytest.raises(UserError, match="Remedy"):
            planner.make(settings, wrong, {}, None)


def test_a_target_decides(planned):
    with warehouse.connect(Settings.from_environment(), read_only=True) as connection:
        results = {}
        for target in (2.0, 0.000001):
            request = planner.Request("interaction", budgets=(40, 60), target=target)
            results[target] = planner._compare(request, DAY, planner._frame(connection, request, DAY))
    loose = results[2.0]
    assert loose.recommended.relative_error <= 2.0
    assert loose.recommended.cost == min(one.cost for one in loose.plans if one.relative_error <= 2.0)
    assert "within the target of 200 %" in sentence(loose)
    assert "None of these plans reaches the target" in sentence(results[0.000001])
    assert "it takes 80 units a day" in sentence(results[0.000001])
