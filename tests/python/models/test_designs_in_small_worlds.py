"""Each design of a plan, from the draw to the interval, in small worlds whose truth is known.

Worlds are days of one warehouse, with random numbers and units of their own, so that one run of the pipeline tries every
plan once a day. `make test-all` alone builds them: there is little to learn that the cheaper tests of draws and of estimators
do not say.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest
from conftest import in_test_all

from prevalence.engines.settings import Settings
from prevalence_evidence import coverage

WORLDS = 40

pytestmark = [pytest.mark.slow, in_test_all]

COLUMNS = ("plan_id", "unit_type", "design", "expected_units", "defence_share", "stratum_bounds")
PLANS = (
    ("contents_poisson", "content_day", "poisson", 400, 0.5, None),
    ("contents_sequential", "content_day", "sequential_poisson", 400, 0.5, None),
    ("contents_repeated", "content_day", "pps_with_replacement", 400, 0.5, None),
    ("contents_strata", "content_day", "stratified", 400, None, "0.1;0.4"),
    ("interactions_sequential", "interaction", "sequential_poisson", 250, 0.5, None),
    ("interactions_repeated", "interaction", "pps_with_replacement", 250, 0.5, None),
    ("interactions_strata", "interaction", "stratified", 250, None, "0.1;0.4"),
)

ESTIMATES = """
    select estimates.plan_id, estimates.policy_id, estimates.prevalence, estimates.std_error,
        estimates.interval_lower, estimates.interval_upper, truths.true_prevalence
    from estimates.est_prevalence as estimates
    inner join truth.prevalence as truths
        using (period_type, period_start, policy_id, unit_type, pivot_name, pivot_value)
    where period_type = 'day' and pivot_name = 'overall'
"""
# of what is known of each unit, with no label: the weighted exposure of a day's draws against the frame's
EXPOSURES = """
    select plan_id, sum(draws * exposure / inclusion_probability) as weighted, max(frame_exposure) as total
    from draws.draw_units
    group by plan_id, sample_date
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    database = tmp_path_factory.mktemp("worlds") / "prevalence.duckdb"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREVALENCE_DUCKDB_PATH", str(database))
        patch.setattr(coverage, "SMALL_PLAN_COLUMNS", COLUMNS)
        patch.setattr(coverage, "SMALL_PLANS", PLANS)
        settings = coverage.build_replicates(Settings.from_environment(), WORLDS, seed=7)
    with duckdb.connect(str(Path(settings.place)), read_only=True) as connection:
        yield connection


def deviations_of(differences: np.ndarray) -> float:
    return abs(differences.mean()) / (differences.std(ddof=1) / np.sqrt(len(differences)))


@pytest.mark.parametrize("plan", [plan[0] for plan in PLANS])
def test_weights_give_back_the_frame(warehouse, plan) -> None:
    rows = warehouse.sql(EXPOSURES).df().query("plan_id == @plan")
    assert len(rows) == WORLDS
    assert deviations_of(rows["weighted"] / rows["total"] - 1) < 4


@pytest.mark.parametrize("plan", [plan[0] for plan in PLANS])
def test_estimates_are_unbiased_and_intervals_hold(warehouse, plan) -> None:
    rows = warehouse.sql(ESTIMATES).df().query("plan_id == @plan")
    assert len(rows) == 4 * WORLDS
    for policy, of_policy in rows.groupby("policy_id"):
        assert deviations_of((of_policy["prevalence"] - of_policy["true_prevalence"]).to_numpy()) < 4, policy
    covered = rows["true_prevalence"].between(rows["interval_lower"], rows["interval_upper"]).mean()
    assert covered > 0.93
    # standard errors are those of the deviations, over all days and policies
    spread = np.sqrt(((rows["prevalence"] - rows["true_prevalence"]) ** 2).mean())
    stated = np.sqrt((rows["std_error"] ** 2).fillna(0).mean())
    print(f"{plan}: covered {covered:.3f}, standard error stated / found {stated / spread:.3f}")
    assert 0.8 < stated / spread < 1.25
