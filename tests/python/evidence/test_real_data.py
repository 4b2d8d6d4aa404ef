"""Published data sets, mapped to the input contract, measure what is known of them."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest
from conftest import in_test_all

from prevalence.engines.settings import PROJECT
from prevalence_evidence.real_data import measure as real_data

DATA = Path(os.environ.get("PREVALENCE_SHARED", PROJECT.parent / "shared")) / "data"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not DATA.is_dir(),
        reason=f"the data sets are not in {DATA}; PREVALENCE_SHARED says where their folder `data` is",
    ),
]


@pytest.fixture
def measure(tmp_path, monkeypatch):
    """Measures a set in a folder of its own; returns the comparisons and the warehouse."""
    monkeypatch.chdir(PROJECT)
    for variable in ("PREVALENCE_DUCKDB_PATH", "PREVALENCE_SPARK_FOLDER", "PREVALENCE_RAW_FOLDER"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("PREVALENCE_TARGET", "duckdb")
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))

    def run(name: str, draws: int = 1):
        comparisons = real_data.measure(name, DATA, tmp_path, draws)
        assert_every_row_is_accounted_for(tmp_path)
        return {(row.plan_id, row.policy_id, row.estimator): row for row in comparisons}

    return run


def assert_every_row_is_accounted_for(work: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{work / 'prevalence.duckdb'}' as warehouse (read_only)")
        accounting = dict(
            connection.execute(
                "select source_name, sum(landed_rows) from warehouse.quality.row_accounting group by source_name"
            ).fetchall()
        )
        unaccounted = connection.execute(
            "select sum(abs(unaccounted_rows)), sum(duplicate_rows + quarantined_rows)"
            " from warehouse.quality.row_accounting"
        ).fetchone()
        for source in ("interactions", "components", "label_events"):
            files = work / "raw" / (f"{source}/*.parquet" if source == "label_events" else f"{source}.parquet")
            rows = connection.execute(f"select count(*) from read_parquet('{files}')").fetchone()[0]
            assert accounting[source] == rows, source
    assert unaccounted == (0, 0)


@in_test_all
def test_a_random_half_of_the_tweets_of_2017(measure):
    draws = 20
    figures = measure("hsol_a", draws)
    # each of 80 intervals holds with probability 0.95: fewer than 70 would happen once in 600 times
    measured = [row for row in figures.values() if row.estimator in ("expert", "two_phase")]
    assert len(measured) == 4 * draws
    assert sum(row.covers for row in measured) >= 70
    for row in measured:
        assert abs(row.prevalence - row.known) < 5 * row.std_error
    # the judge alone, here one crowd judgement, is wrong, and no interval around it helps
    judged = [row for row in figures.values() if row.estimator == "judge" and row.policy_id == "hate_speech"]
    assert len(judged) == draws
    assert not any(row.covers for row in judged)


def test_query_and_response(measure):
    figures = measure("xstest_dev")
    for policy in ("exaggerated_refusal", "unsafe_compliance"):
        for plan, estimator in (("turns_experts", "expert"), ("turns_judge", "two_phase")):
            assert figures[plan, policy, estimator].covers


@in_test_all
def test_conversations_of_several_turns(measure):
    figures = measure("dices_350")
    (row,) = figures.values()
    assert row.estimator == "expert" and row.sampled_units == 150
    assert row.covers


@in_test_all
def test_impressions_with_logged_probabilities(measure):
    figures = measure("obd_men")
    assert set(figures) == {
        ("impressions_bts", "clicked", "expert"),
        ("impressions_random", "clicked", "expert"),
    }
    for row in figures.values():
        assert row.sampled_units == 10_000
        assert row.prevalence == pytest.approx(row.known, abs=1e-6)
        assert row.std_error == pytest.approx(row.known_std_error, abs=1e-6)
    # two logs of one week, reweighted to one question, agree within what they can know
    bts, uniform = (figures[f"impressions_{log}", "clicked", "expert"] for log in ("bts", "random"))
    assert abs(bts.prevalence - uniform.prevalence) < 3 * (bts.std_error**2 + uniform.std_error**2) ** 0.5
