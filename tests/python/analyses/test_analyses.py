"""Each analysis is compiled by dbt and says what it promises, on a small world that was measured and published."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml

from prevalence.engines.settings import PROJECT

PERIODS = {"day": "2026-10-06", "28_days": "2026-10-05"}


@pytest.fixture(scope="module")
def queries(measured_world: Path) -> dict[str, str]:
    return json.loads((measured_world / "analyses.json").read_text())


@pytest.fixture
def connection(measured_world: Path):
    with duckdb.connect(str(measured_world / "built.duckdb"), read_only=True) as connection:
        yield connection


def of_figure(query: str, plan_id: str, policy_id: str, period_type: str) -> str:
    """The query of another figure, as other vars would give it."""
    for old, new in {
        "'content_days_mixture'": f"'{plan_id}'",
        "'self_harm'": f"'{policy_id}'",
        "'28_days'": f"'{period_type}'",
        "'2026-10-05'": f"'{PERIODS[period_type]}'",
    }.items():
        assert old in query
        query = query.replace(old, new)
    return query


def row(connection: duckdb.DuckDBPyConnection, query: str) -> dict:
    (found,) = rows(connection, query)
    return found


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict]:
    answer = connection.execute(query)
    names = [column[0] for column in answer.description]
    return [dict(zip(names, values, strict=True)) for values in answer.fetchall()]


def test_every_analysis_is_compiled_and_has_its_columns_described(connection, queries):
    described = {
        analysis["name"]: [column["name"] for column in analysis["columns"]]
        for analysis in yaml.safe_load((PROJECT / "analyses" / "_analyses.yml").read_text())["analyses"]
    }
    assert described.keys() == queries.keys()
    for name, query in queries.items():
        assert [column[0] for column in connection.execute(query).description] == described[name], name


@pytest.mark.parametrize("period_type", PERIODS)
def test_every_published_figure_can_be_added_up_by_hand(connection, queries, period_type):
    figures = connection.execute(
        "select plan_id, prevalence.policy_id from marts.prevalence inner join staging.stg_sampling_plans as plans using (plan_id)"
        " where plans.unit_type <> 'user_day' and pivot_name = 'overall' and period_type = ?"
        " and cast(period_start as varchar) = ?",
        [period_type, PERIODS[period_type]],
    ).fetchall()
    assert len(figures) == 16
    given = 0
    for figure in figures:
        found = row(connection, of_figure(queries["recompute_one_figure"], *figure, period_type))
        assert found["recomputed_sampled_units"] == found["published_sampled_units"] > 0
        assert found["recomputed_positive_units"] == found["published_positive_units"]
        # a figure may be withheld for a reason that its sums do not know
        if found["published_prevalence"] is not None:
            assert found["recomputed_prevalence"] == pytest.approx(found["published_prevalence"], rel=1e-12)
            given += 1
    assert given >= 15


def test_a_unit_weighs_what_frame_draw_and_audit_say(connection, queries):
    plans = connection.execute(
        "select plan_id from staging.stg_sampling_plans where unit_type <> 'user_day'"
    ).fetchall()
    assert len(plans) == 4
    for (plan_id,) in plans:
        found = rows(connection, queries["what_a_unit_weighs"].replace("'content_days_mixture'", f"'{plan_id}'"))
        assert found, plan_id
        for policy in found:
            assert policy["probability_by_size"] == pytest.approx(policy["inclusion_probability"], rel=1e-9)
            assert policy["probability_in_frame"] == policy["inclusion_probability"]
            assert policy["design_weight"] == 1 / policy["inclusion_probability"]
            weight = policy["draws"] * policy["design_weight"] / policy["audit_probability"]
            assert policy["weight"] == pytest.approx(weight, rel=1e-12)
            stored, audited, exposure = connection.execute(
                "select design_weight, audit_probability, draws.exposure from draws.draw_units as draws"
                " inner join draws.draw_audits using (plan_id, unit_id) where plan_id = ? and unit_id = ? and policy_id = ?",
                [plan_id, policy["unit_id"], policy["policy_id"]],
            ).fetchone()
            assert (policy["design_weight"], policy["audit_probability"]) == (stored, audited)
            assert policy["weighted_exposure"] == pytest.approx(weight * exposure, rel=1e-12)
            assert 0 < policy["share_of_day"] <= 1


def test_coverage_is_the_share_of_intervals_that_hold_the_truth(connection, queries):
    found = rows(connection, queries["interval_coverage"])
    by_hand = {
        (plan_id, unit_type, policy_id): (intervals, covered)
        for plan_id, unit_type, policy_id, intervals, covered in connection.execute(
            """
            with truths as (
                select *, false as is_signed_in from truth.prevalence
                union all by name
                select *, true as is_signed_in from truth.signed_in_prevalence
            )
            select
                figures.plan_id, figures.unit_type, figures.policy_id, count(*),
                avg(cast(true_prevalence between interval_lower and interval_upper as integer))
            from estimates.est_prevalence as figures
            inner join truths using (period_type, period_start, policy_id, unit_type, pivot_name, pivot_value)
            where
                period_type = 'day' and pivot_name = 'overall' and estimator <> 'judge'
                and (plan_id = 'user_days_nested') = is_signed_in
            group by all
            """
        ).fetchall()
    }
    days = {
        (row["plan_id"], row["unit_type"], row["policy_name"]): (row["intervals"], row["coverage"])
        for row in found
        if row["period_type"] == "day"
    }
    assert by_hand == {key: value for key, value in days.items() if key[2] != "all"}
    assert len(by_hand) == 4 * 8
    for plan_id, unit_type, policy_name in days:
        if policy_name == "all":
            own = [value for key, value in by_hand.items() if key[:2] == (plan_id, unit_type)]
            assert days[plan_id, unit_type, "all"][0] == sum(intervals for intervals, _ in own)


# --- a figure that moves ----------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(measured_world: Path, tmp_path: Path):
    """A copy of the warehouse whose ledger can be written on: a release after the first, with one figure changed."""
    shutil.copy(measured_world / "built.duckdb", tmp_path / "built.duckdb")
    with duckdb.connect(str(tmp_path / "built.duckdb")) as connection:

        def release(changes: str) -> None:
            connection.execute(
                "insert into releases.release_ledger select * replace (release_number + 1 as release_number, "
                f"'rel_later' as release_id, {changes}) from releases.release_ledger where release_number = 1"
            )

        yield connection, release


def moving(queries: dict[str, str]) -> str:
    """Of a figure with violations."""
    query = of_figure(queries["why_a_figure_moved"], "interactions_mixture", "harassment", "28_days")
    return query.replace("'content_day'", "'interaction'")


def test_a_figure_that_was_released_once_has_not_moved(connection, queries):
    assert rows(connection, moving(queries)) == []


@pytest.mark.parametrize(
    "changes, what_changed, violating_share, relative_weight",
    [
        ("release_status as release_status", "nothing", 1, 1),
        ("prevalence * 1.5 as prevalence, 'other' as row_fingerprint", "which of the units violate", 1, 1.5),
        ("interval_upper * 2 as interval_upper, 'other' as row_fingerprint", "the interval alone", 1, 1),
        (
            "prevalence * 3 as prevalence, positive_units * 2 as positive_units, 'other' as row_fingerprint",
            "labels of the same units", 2, 1.5,
        ),
        (
            "sampled_units * 2 as sampled_units, positive_units * 2 as positive_units, 'other' as row_fingerprint",
            "units that are labeled", 1, 1,
        ),
        (
            "'lp_other' as label_protocol_id, sampled_units * 2 as sampled_units, 'other' as row_fingerprint",
            "policy or protocol of the labels", 0.5, 2,
        ),
    ],
)  # fmt: skip
def test_why_a_figure_moved(ledger, queries, changes, what_changed, violating_share, relative_weight):
    connection, release = ledger
    release(changes)
    found = row(connection, moving(queries))
    assert found["what_changed"] == what_changed
    assert found["later_release_id"] == "rel_later"
    assert found["log_change_of_violating_share"] == pytest.approx(math.log(violating_share), abs=1e-12)
    assert found["log_change_of_relative_weight"] == pytest.approx(math.log(relative_weight), abs=1e-12)
    assert found["log_change"] == pytest.approx(math.log(violating_share * relative_weight), abs=1e-12)
    assert found["change"] == found["later_prevalence"] - found["earlier_prevalence"]


def test_a_figure_that_was_withdrawn_says_so(ledger, queries):
    connection, release = ledger
    release("'withdrawn' as release_status, null as prevalence, 'withdrawn' as row_fingerprint")
    found = row(connection, moving(queries))
    assert found["what_changed"] == "withdrawn"
    assert found["later_prevalence"] is None and found["log_change"] is None
