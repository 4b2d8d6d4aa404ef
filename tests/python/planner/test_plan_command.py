"""`prevalence plan` on a person's own logs before any label is bought: what it builds, says, stores and refuses."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import duckdb
import own_logs
import pytest

from prevalence.command_line import cli
from prevalence.command_line.exits import EXIT_USER, EXIT_WAITING
from prevalence.engines import warehouse
from prevalence.engines.settings import Settings, UserError
from prevalence.planner import command as planner
from prevalence.planner.plan_text import plan_values, sentence, text

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
    # three designs without learned rates, two budgets, two ways to label where a run audits what is drawn, and the plan in force; the
    # scores of three policies are missing, so that no bounds part units by their highest score
    assert counts == ((3 + 2) * 2 + 1, (3 + 2) * 2 + 1, 1, 7, DAY, 0)
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


def _compared(request: planner.Request):
    with warehouse.connect(Settings.from_environment(), read_only=True) as connection:
        return planner._compare(request, DAY, planner._frame(connection, request, DAY))


@pytest.mark.parametrize("given", [{"": 0.01}, {"self_harm": 0.01, "harassment": 0.2}])
def test_a_prevalence_that_is_given_is_planned_for(planned, given):
    result = _compared(
        planner.Request("interaction", budgets=(60,), policies=("harassment", "self_harm"), expected_prevalence=given)
    )
    for policy, expected in result.recommended.policies.items():
        assert expected.prevalence == pytest.approx(given.get(policy, given.get("")), abs=1e-12)
    assert {cells.rate_source for cells in result.frame.cells.values()} == {"given"}
    # of self-harm no unit has a score: nothing tells its units apart
    assert len(set(result.frame.cells["self_harm"].rate.tolist())) == 1
    assert "prevalence_is_given" in text(result) and "policy_without_scores" not in text(result)


@pytest.mark.parametrize("wrong", [{"": 0.0}, {"": 1.0}, {"harassment": -0.5}, {"harassment": float("nan")}])
def test_a_prevalence_that_cannot_be_is_refused(planned, wrong):
    with pytest.raises(UserError, match="--expected-prevalence.*Remedy"):
        planner.make(Settings.from_environment(), planner.Request(expected_prevalence=wrong), {}, None)


def test_a_prevalence_of_an_unknown_policy_is_refused(planned):
    with pytest.raises(UserError, match="Unknown policy nonsense"):
        _compared(planner.Request("interaction", expected_prevalence={"nonsense": 0.1}))


def test_every_plan_that_is_compared_can_be_run(tmp_path, monkeypatch, capsys):
    """A row of sampling_plans for each of them, all in one run: each plan draws, and no check of plans finds fault."""
    for name, place in ENVIRONMENT.items():
        monkeypatch.setenv(name, str(tmp_path / place))
    policies = "select 'harassment' as policy_id, '1.0.0' as policy_version, 'Harassment' as title, 1.0 as importance"
    scores = "select * replace (score / 20 as score) from {table}"
    raw = own_logs.write(tmp_path / "raw", risk_scores=scores, policies=policies)
    assert cli.main(["plan", "--raw-folder", str(raw), "--budgets", "40"]) == 0, capsys.readouterr().out
    rows = []
    for unit_type in ("interaction", "content_day"):
        result = _compared(planner.Request(unit_type, budgets=(40,)))
        for number, one in enumerate(result.plans):
            rows.append({"plan_id": f"{unit_type}_{number}", **plan_values(result, one)})
    assert {row["design"] for row in rows} == {"poisson", "simple_random", "stratified"}
    assert {row["design"] for row in rows if "audit_units" in row} == {"poisson"}
    texts = {"plan_id", "unit_type", "design", "score_basis", "stratum_bounds", "allocation"}
    numbers = {"expected_units", "audit_units"}
    columns = sorted(set().union(*rows))

    def value(row: dict[str, str], name: str) -> str:
        kind = "varchar" if name in texts else "bigint" if name in numbers else "double"
        return f"cast({'null' if name not in row else repr(row[name])} as {kind}) as {name}"

    own_logs.write(
        raw,
        risk_scores=scores,
        policies=policies,
        sampling_plans=" union all ".join("select " + ", ".join(value(row, name) for name in columns) for row in rows),
    )
    code = cli.main(["run", "--raw-folder", str(raw)])
    said = capsys.readouterr().out
    assert code == EXIT_WAITING, said
    planned = Planned(tmp_path, code, said)
    drawn = planned.query(
        "select plan_id, count(distinct sample_date) from draws.draw_units group by plan_id order by plan_id"
    )
    assert drawn == [(row["plan_id"], 3) for row in sorted(rows, key=lambda row: row["plan_id"])], said
    assert planned.query("select * from quality.held_plan_days") == []


def test_a_plan_is_made_where_no_score_has_been_landed(planned, tmp_path, monkeypatch, capsys):
    for name, value_ in ENVIRONMENT.items():
        monkeypatch.setenv(name, str(tmp_path / value_))
    raw = own_logs.write(tmp_path / "raw", risk_scores=None)
    arguments = ["plan", "--raw-folder", str(raw), "--unit-type", "interaction", "--budgets", "60"]
    assert cli.main(arguments) == EXIT_USER
    assert "Remedy: --expected-prevalence adult_content=SHARE" in capsys.readouterr().err
    assert cli.main([*arguments, "--expected-prevalence", "0.02", "self_harm=0.05"]) == 0
    said = capsys.readouterr().out
    for part in ("5.0000 %", "2.0000 %", "prevalence_is_given", "Recommended: draw 60 units"):
        assert part in said, said
