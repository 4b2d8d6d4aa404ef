"""Interval counted: what was found in a census is known, and what a sample missed is bounded, in each form of a plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from python_udfs import intervals

RUNS = 400
LABELS = 600
# prevalence, units, sensitivity and specificity of the judge
WORLDS = {
    "rare": (0.001, 50_000, 0.85, 0.999),
    "few": (0.005, 20_000, 0.85, 0.995),
    "many": (0.05, 20_000, 0.9, 0.98),
}
# the runs that are also written down unit by unit, for the forms that need the whole of phase 1
WRITTEN = 3


def _plans() -> pd.DataFrame:
    """Experts label 300 (or all) of what the judge flags and the rest of 600 at random from what it does not."""
    generator = np.random.default_rng(15)
    plans = []
    for world, (prevalence, units, sensitivity, specificity) in WORLDS.items():
        truth = round(prevalence * units)
        for run in range(RUNS):
            caught = generator.binomial(truth, sensitivity)
            flagged = caught + generator.binomial(units - truth, 1 - specificity)
            sampled = min(300, flagged)
            found = generator.hypergeometric(caught, flagged - caught, sampled)
            quiet, missed = units - flagged, truth - caught
            met = generator.hypergeometric(missed, quiet - missed, LABELS - sampled)
            cells = ((1, flagged, sampled, found), (0, quiet, LABELS - sampled, met))
            plans += [(world, run, truth, units, *cell) for cell in cells]
    columns = ["world", "run", "truth", "units", "flagged", "population", "sampled", "found"]
    return pd.DataFrame(plans, columns=columns)


PLANS = _plans()
# a row per label; those of phase 1 without one are left out, as they add nothing to these forms
LABELED = """
select world, run, flagged, world || run || '/' || flagged as stratum, population, units,
    sampled / population as probability, population / sampled as weight,
    case when label <= found then 1.0 else 0.0 end as y, label
from plans, unnest(range(1, sampled + 1)) as labels (label)
"""
PHASE_1 = f"""
select world, run, world || run as plan, flagged, world || run || '/' || flagged as cell, units,
    unit <= sampled as audited, cast(sampled as double) / population as probability,
    case when unit <= found then 1.0 when unit <= sampled then 0.0 end as y
from plans, unnest(range(1, population + 1)) as members (unit)
where run < {WRITTEN}
"""
# plans in few words, with what must come of them. Strata are of equal size to their rows' populations
SMALL = """
select * from (values
    ('all_in_census', 'a', 1.0, 1.0, 1.0, 2.0, 1), ('all_in_census', 'a', 0.0, 1.0, 1.0, 2.0, 1),
    ('all_in_census', 'b', 0.0, 1.0, 10.0, 100.0, 10),
    ('none_found', 'a', 0.0, 1.0, 1.0, 2.0, 2), ('none_found', 'b', 0.0, 1.0, 10.0, 100.0, 10),
    ('all_found', 'a', 1.0, 1.0, 1.0, 2.0, 2), ('all_found', 'b', 1.0, 1.0, 10.0, 100.0, 10),
    ('all_in_sample', 'a', 0.0, 1.0, 1.0, 2.0, 2), ('all_in_sample', 'b', 1.0, 1.0, 10.0, 100.0, 10),
    ('two_of_199', 'a', 1.0, 1.0, 490.0, 97510.0, 2), ('two_of_199', 'a', 0.0, 1.0, 490.0, 97510.0, 197),
    ('none_of_199', 'a', 0.0, 1.0, 490.0, 97510.0, 199),
    ('census', 'a', 1.0, 1.0, 1.0, 20.0, 3), ('census', 'a', 0.0, 1.0, 1.0, 20.0, 17),
    ('light', 'a', 1.0, 1.0, 2.0, 40.0, 3), ('light', 'a', 0.0, 1.0, 2.0, 40.0, 17),
    ('below_0', 'a', -1.0, 1.0, 2.0, 40.0, 1), ('below_0', 'a', 1.0, 1.0, 2.0, 40.0, 19),
    ('counts', 'a', 5.0, 1.0, 2.0, 40.0, 3), ('counts', 'a', 0.0, 1.0, 2.0, 40.0, 17),
    ('same_counts', 'a', 5.0, 1.0, 2.0, 40.0, 20)
) as plans (plan, part, y, x, w, population, rows_of_it), unnest(range(cast(rows_of_it as bigint))) as rows (number)
"""


@pytest.fixture(scope="module")
def results(duckdb_calls, call_text, tmp_path_factory) -> dict[str, pd.DataFrame]:
    plans = tmp_path_factory.mktemp("plans") / "plans.parquet"
    PLANS.to_parquet(plans)
    shared = {"interval": "counted", "y": "y", "by": [["world", "run"]]}
    stratified = {"weight": "weight", "stratum": "stratum", "population_psus": "population"}
    poisson = {"weight": "weight", "design": "poisson", "inclusion_probability": "probability"}
    two_phase = {
        "relation": "phase_1",
        "phase_1_weight": "1.0",
        "phase_1_population": "units",
        "phase_1_stratum": "plan",
    }
    cells = {**two_phase, "phase_2_stratum": "cell", "phase_2_sampled": "audited"}
    chances = {**two_phase, "phase_2_design": "poisson", "phase_2_probability": "probability"}
    small = {"relation": "few_rows", "interval": "counted", "y": "y", "weight": "w", "by": [["plan"]]}
    by_parts = {**small, "stratum": "plan || part", "population_psus": "population"}
    survey, two = "survey_estimates", "survey_two_phase_estimates"
    models = {
        "stratified": call_text(survey, relation="labeled", **stratified, **shared),
        "stratified_total": call_text(survey, relation="labeled", **stratified, **shared, total=True),
        "poisson": call_text(survey, relation="labeled", **poisson, **shared),
        "poisson_total": call_text(survey, relation="labeled", **poisson, **shared, total=True),
        "cells": call_text(two, **cells, **shared),
        "cells_total": call_text(two, **cells, **shared, total=True),
        "chances": call_text(two, **chances, **shared),
        "chances_total": call_text(two, **chances, **shared, total=True),
        "small": call_text(survey, **by_parts),
        "mid_p": call_text(survey, relation="labeled", **stratified, **{**shared, "interval": "counted_mid_p"}),
        "mid_p_cells": call_text(two, **cells, **{**shared, "interval": "counted_mid_p"}),
        "small_mid_p": call_text(survey, **{**by_parts, "interval": "counted_mid_p"}, total=True),
        "small_total": call_text(survey, **by_parts, total=True),
        "small_missed": call_text(survey, **by_parts, missed_weight="20.0"),
        "small_frame": call_text(survey, **by_parts, frame_maximum_weight="20.0"),
        "small_clusters": call_text(survey, **{**by_parts, "psu": "number % 5", "population_psus": "50"}),
        "gamma": call_text(survey, relation="labeled", **stratified, **{**shared, "interval": "gamma"}),
    }
    tables = {
        "plans": f"select * from '{plans}'",
        "labeled": LABELED.replace("from plans", f"from '{plans}'"),
        "phase_1": PHASE_1.replace("from plans", f"from '{plans}'"),
        "few_rows": SMALL,
    }
    return duckdb_calls.run(models, tables)


def _numpy_bounds(plan: pd.DataFrame, level: float = 0.95) -> tuple[float, float]:
    """Bounds of the number of violating units of a stratified plan, stratum by stratum, by scipy's Pearson III."""
    n, size, k = (plan[name].to_numpy(float) for name in ("sampled", "population", "found"))
    w, open_share, part = size / n, 1 - n / size, k / n
    total = (w * k).sum()
    variance = (open_share * w**2 * n / (n - 1) * k * (1 - part)).sum()
    unbiased = np.where(n > 2, n**2 / ((n - 1) * np.maximum(n - 2, 1)), 1)
    third = (2 * open_share * w**3 * k * (1 - part) * (1 - 2 * part) * unbiased).sum()
    unit = ((1 - open_share) * open_share * w**2 * k).sum() / max((open_share * w * k).sum(), 1e-300)
    open_unit = ((1 - open_share) * open_share * w**2 * n).sum() / (open_share * size).sum()

    def quantile(tail, mean, spread, skew):
        if spread == 0:
            return mean
        return stats.pearson3.ppf(tail, skew / spread**1.5, loc=mean, scale=np.sqrt(spread))

    def event(side):
        mean, square = (open_share * side**2 * w).max(), (open_share * side**2 * w**2).max()
        return mean, square, 2 * square**2 / mean if mean > 0 else 0.0

    tail = (1 - level) / 2
    less, less_2, less_3 = event(part)
    more, more_2, more_3 = event(1 - part)
    lower = quantile(tail, total - less - unit, variance + less_2, third - less_3)
    upper = quantile(1 - tail, total + more + open_unit, variance + more_2, third + more_3)
    return max(lower, k.sum()), min(upper, size.sum() - (n - k).sum())


def _by_plan(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.merge(PLANS.drop_duplicates(["world", "run"])[["world", "run", "truth", "units"]], on=["world", "run"])


def test_every_run_has_an_interval_that_holds_and_is_as_narrow_as_what_is_known_allows(results) -> None:
    rows = _by_plan(results["stratified"])
    rows["share"] = rows.truth / rows.units
    assert len(rows) == RUNS * len(WORLDS)
    assert rows.interval_lower.notna().all() and rows.interval_upper.notna().all()
    assert set(rows.interval_method) == {"counted"}
    assert (rows.interval_lower >= 0).all()
    rows["held"] = (rows.interval_lower <= rows.share) & (rows.share <= rows.interval_upper)
    coverage = rows.groupby("world").held.mean()
    assert coverage.min() >= 0.94, coverage
    rows["width"] = (rows.interval_upper - rows.interval_lower) / rows.share
    width = rows.groupby("world").width.median()
    assert width["few"] <= 2.1 and width["many"] <= 0.45, width
    # what the kinds had to say of it before
    assert results["gamma"].query("world == 'rare'").interval_upper.isna().sum() > 300


def test_lower_bounds_are_never_below_what_was_counted(results) -> None:
    counted = PLANS.groupby(["world", "run"]).found.sum().rename("counted").reset_index()
    for name in ("stratified_total", "poisson_total", "cells_total", "chances_total"):
        rows = results[name].merge(counted, on=["world", "run"])
        assert (rows.interval_lower >= rows.counted).all(), name
        assert (rows.interval_lower <= rows.estimate).all() and (rows.estimate <= rows.interval_upper).all(), name


def test_bounds_are_those_of_a_plain_computation(results) -> None:
    total = results["stratified_total"].set_index(["world", "run"])
    share = results["stratified"].set_index(["world", "run"])
    for key, plan in PLANS.groupby(["world", "run"]):
        lower, upper = _numpy_bounds(plan)
        assert total.loc[key, "interval_lower"] == pytest.approx(lower, rel=1e-9)
        assert total.loc[key, "interval_upper"] == pytest.approx(upper, rel=1e-9)
        units = plan.units.iloc[0]
        assert share.loc[key, "interval_lower"] * units == pytest.approx(lower, rel=1e-9)
        assert share.loc[key, "interval_upper"] * units == pytest.approx(upper, rel=1e-9)


@pytest.mark.parametrize("ending", ["", "_total"])
def test_forms_of_one_plan_agree(results, ending) -> None:
    key = ["world", "run"]
    stratified, cells, poisson, chances = (
        results[name + ending].query(f"run < {WRITTEN}").set_index(key).sort_index()
        for name in ("stratified", "cells", "poisson", "chances")
    )
    for bound in ("interval_lower", "interval_upper"):
        assert cells[bound].to_numpy() == pytest.approx(stratified[bound].to_numpy(), rel=1e-9)
        assert chances[bound].to_numpy() == pytest.approx(poisson[bound].to_numpy(), rel=1e-9)
    # a random number of units is one thing more that varies; it is next to nothing where the flagged are a census and
    # few of the rest were found, which is what the plan is for
    census = PLANS[(PLANS.flagged == 1) & (PLANS.sampled == PLANS.population)].set_index(key).index
    few = PLANS[(PLANS.flagged == 0) & (PLANS.found < 2)].set_index(key).index
    known = census.intersection(few).intersection(stratified.index)
    assert len(known) >= WRITTEN
    stratified, poisson = stratified.loc[known], poisson.loc[known]
    assert poisson.interval_upper.to_numpy() == pytest.approx(stratified.interval_upper.to_numpy(), rel=5e-3)
    # a share of a base whose size is estimated is known to that alone
    tolerance = 1e-4 if ending else 0.12
    assert poisson.interval_lower.to_numpy() == pytest.approx(stratified.interval_lower.to_numpy(), rel=tolerance)


def test_small_plans(results) -> None:
    share, total = (results[name].set_index("plan") for name in ("small", "small_total"))
    # a census of 2 and a tenth of the other 100: nine tenths of 10 are open, and Garwood's bound is ln 40 events
    row = total.loc["all_in_census"]
    assert (row.status, row.interval_method, row.interval_lower, row.variance) == ("ok", "counted", 1, 0)
    assert row.interval_upper == pytest.approx(2 + 10 * stats.gamma.ppf(0.975, 0.9), rel=1e-9)
    assert share.loc["all_in_census"].interval_upper == pytest.approx(row.interval_upper / 102, rel=0.01)
    row = share.loc["none_found"]
    assert (row.status, row.interval_method, row.interval_lower) == ("degenerate_proportion", "counted", 0)
    assert row.interval_upper == pytest.approx((1 + 10 * stats.gamma.ppf(0.975, 0.9)) / 102, rel=1e-9)
    assert total.loc["none_found"].interval_upper == pytest.approx(row.interval_upper * 102, rel=1e-9)
    assert total.loc["none_found"].status == "ok"
    # what all have is what none is without
    row = share.loc["all_found"]
    assert (row.estimate, row.interval_upper) == (1, 1)
    assert 1 - row.interval_lower == pytest.approx(share.loc["none_found"].interval_upper, rel=1e-9)
    row = share.loc["all_in_sample"]
    assert row.interval_lower < row.estimate == pytest.approx(100 / 102)
    assert row.interval_lower >= 10 / 102 and row.interval_upper == pytest.approx(100 / 102)
    row = total.loc["two_of_199"]
    assert row.estimate == 980 and 2 <= row.interval_lower < 200 and 2_342 < row.interval_upper < 4_000
    row = total.loc["none_of_199"]
    assert (row.estimate, row.interval_lower) == (0, 0) and 1_700 < row.interval_upper < 1 + 490 * np.log(40)
    for rows, value in ((share, 3 / 20), (total, 3)):
        row = rows.loc["census"]
        assert (row.interval_method, row.interval_lower, row.interval_upper) == ("census", value, value)
    row = total.loc["light"]
    assert 3 <= row.interval_lower < 6 < row.interval_upper <= 40 - 17
    # no count: a sum of what may be negative, and counts that are all alike where they were found
    assert total.loc["below_0"].interval_method == "wald_t"
    assert total.loc["counts"].interval_method == "counted" and total.loc["counts"].interval_lower >= 15
    assert total.loc["same_counts"].status == "zero_variance" and np.isnan(total.loc["same_counts"].interval_upper)
    assert share.loc["counts"].interval_method == "wald_t"


def test_weight_of_what_was_missed(results) -> None:
    missed, frame = (results[name].set_index("plan") for name in ("small_missed", "small_frame"))
    assert missed.loc["none_found"].interval_upper == pytest.approx((1 + 20 * np.log(40)) / 102, rel=1e-9)
    assert frame.loc["none_found"].interval_upper == pytest.approx((1 + 20 * np.log(40)) / 102, rel=1e-9)
    # no heavier than what was drawn itself
    assert frame.loc["none_of_199"].interval_upper == pytest.approx(
        results["small"].set_index("plan").loc["none_of_199"].interval_upper
    )


def test_clusters_count_as_one_and_have_their_degrees_of_freedom(results) -> None:
    row = results["small_clusters"].set_index("plan").loc["two_of_199"]
    assert row.interval_method == "counted" and row.degrees_of_freedom == 4
    # two clusters hold one each: the spread is that of 5 clusters, by t of 4 degrees of freedom
    assert 0 <= row.interval_lower < row.estimate < row.interval_upper < 1


def test_more_found_never_lowers_a_bound(duckdb_calls, call_text) -> None:
    """0 to 12 of 40 in a thin stratum, beside a light one with 0 to 3 of 40, in populations of 80 and 4,000."""
    grid = """
    select found, light, part, case when part = 'thin' then 4000.0 else 80.0 end as population,
        case when part = 'thin' then 100.0 else 2.0 end as w,
        case when number < case when part = 'thin' then found else light end then 1.0 else 0.0 end as y
    from range(13) as of_thin (found), range(4) as of_light (light), (values ('thin'), ('light')) as parts (part),
        range(40) as rows (number)
    """
    call = call_text(
        "survey_estimates", relation="grid", y="y", weight="w", stratum="part || found || '/' || light",
        population_psus="population", by=[["found", "light"]], interval="counted", total=True,
    )  # fmt: skip
    rows = duckdb_calls.run({"bounds": call}, {"grid": grid})["bounds"].sort_values(["light", "found"])
    assert len(rows) == 13 * 4
    for bound in ("interval_lower", "interval_upper"):
        table = rows.pivot(index="light", columns="found", values=bound)
        assert (table.diff(axis=1).iloc[:, 1:] > 0).all().all() or bound == "interval_lower"
        assert (table.diff(axis=1).iloc[:, 1:] >= -1e-9).all().all(), (bound, table)
        assert (table.diff(axis=0).iloc[1:] >= -1e-9).all().all(), (bound, table)


def test_exact_coverage_in_finite_populations() -> None:
    """Every number of violating units in one stratum, by the hypergeometric distribution: no tail above .03."""
    for n, size in ((60, 200), (100, 200), (160, 200), (190, 200), (20, 2000), (300, 2000)):
        held = {}
        for violating in range(0, size + 1, 1 if size == 200 else 7):
            found = np.arange(max(0, violating - (size - n)), min(n, violating) + 1)
            chance = stats.hypergeom.pmf(found, size, violating, n)
            tails = np.zeros(2)
            for k, p in zip(found, chance, strict=True):
                if p < 1e-12:
                    continue
                if k not in held:
                    held[k] = _numpy_bounds(pd.DataFrame({"sampled": [n], "population": [size], "found": [k]}))
                tails += p * np.array([violating < held[k][0] - 1e-9, violating > held[k][1] + 1e-9])
            assert tails.max() <= 0.026, (n, size, violating, tails)


def test_half_an_event_is_the_mean_of_two_distributions(results) -> None:
    """Where the mean of the distributions with and without the event is .975, by scipy's Pearson III."""
    shares = results["mid_p"].set_index(["world", "run"])
    for key, plan in list(PLANS.groupby(["world", "run"]))[::40]:
        n, size, k = (plan[name].to_numpy(float) for name in ("sampled", "population", "found"))
        w, open_share, part = size / n, 1 - n / size, k / n
        total, variance = (w * k).sum(), (open_share * w**2 * n / (n - 1) * k * (1 - part)).sum()
        unbiased = n**2 / ((n - 1) * (n - 2))
        third = (2 * open_share * w**3 * k * (1 - part) * (1 - 2 * part) * unbiased).sum()
        event = (open_share * (1 - part) ** 2 * w).max()
        square = (open_share * (1 - part) ** 2 * w**2).max()
        unit = ((1 - open_share) * open_share * w**2 * n).sum() / (open_share * size).sum()
        bound = shares.loc[key, "interval_upper"] * size.sum() - unit
        reached = 0.0
        for mean, spread, skew in (
            (total, variance, third),
            (total + event, variance + square, third + 2 * square**2 / event),
        ):
            if spread > 1e-9:
                reached += stats.pearson3.cdf(bound, skew / spread**1.5, loc=mean, scale=np.sqrt(spread)) / 2
            else:
                reached += 0.5
        assert reached == pytest.approx(0.975, abs=1e-9)
    both = results["mid_p_cells"].merge(results["mid_p"], on=["world", "run"])
    assert len(both) == WRITTEN * len(WORLDS)
    for bound in ("interval_lower", "interval_upper"):
        assert both[f"{bound}_x"].to_numpy() == pytest.approx(both[f"{bound}_y"].to_numpy(), rel=1e-9)
    whole = results["stratified"].set_index(["world", "run"])
    assert (shares.interval_upper <= whole.interval_upper).all() and (shares.interval_lower >= 0).all()
    rows = _by_plan(results["mid_p"])
    held = (rows.interval_lower <= rows.truth / rows.units) & (rows.truth / rows.units <= rows.interval_upper)
    assert held.groupby(rows.world).mean().min() >= 0.94
    assert set(rows.interval_method) == {"counted_mid_p"}
    nothing = results["small_mid_p"].set_index("plan").loc["none_of_199"]
    assert nothing.interval_upper == pytest.approx(1 + 490 * np.log(20), rel=0.01)


def test_mid_p_never_falls_as_more_is_found_whatever_the_weights() -> None:
    """Events of weights from a hundredth to ten times the missed one are found one after the other."""
    generator = np.random.default_rng(20)
    for _ in range(200):
        weights = np.exp(generator.uniform(np.log(0.01), np.log(10), 12))
        found = np.concatenate([[0.0], np.cumsum(weights)])
        variance, third = (np.concatenate([[0.0], np.cumsum(c * weights**p)]) for c, p in ((1, 2), (2, 3)))
        one, zero = np.ones(13), np.zeros(13)
        rest = (zero, 1e9 * one, zero, variance, third, one, one, zero, np.inf * one, 0.05 * one)
        upper = intervals.counted_mid_p_upper(found, *rest)
        assert upper[0] == pytest.approx(np.log(20), rel=1e-9)
        assert (np.diff(upper) > -1e-9).all(), (weights, upper)
        lower = intervals.counted_mid_p_lower(
            found, zero, zero, variance, third, zero, zero, zero, np.inf * one, 0.05 * one
        )
        assert (lower >= 0).all() and (lower <= found).all()


def test_refusals(dbt_calls, call_text) -> None:
    two_phase = {"relation": "t", "y": "y", "phase_1_weight": "1.0", "interval": "counted"}
    refused = dbt_calls.refusals(
        {
            "judge": call_text("survey_two_phase_estimates", **two_phase, judge="j"),
            "auxiliaries": call_text("survey_two_phase_estimates", **two_phase, phase_2_auxiliaries=["1.0"]),
            "missed": call_text("survey_estimates", relation="t", y="y", interval="wilson", missed_weight="2.0"),
            "frame": call_text("survey_estimates", relation="t", y="y", frame_maximum_weight="2.0"),
            "replicates": call_text("survey_calibrated_estimates", relation="t", y="y", interval="counted"),
        }
    )
    assert "phase_2_stratum" in refused["judge"] and "received judge" in refused["judge"]
    assert "received phase_2_auxiliaries" in refused["auxiliaries"]
    assert "missed_weight belongs to interval 'gamma' or 'counted'" in refused["missed"]
    assert "max_weight' or interval 'counted'" in refused["frame"]
    assert "interval must be one of" in refused["replicates"] or refused["replicates"]


def test_an_event_that_grows_is_the_half_event_of_a_heavier_unit(duckdb_calls, call_text) -> None:
    """0 to 39 of 40 units of weights 2 to 18, in an order of their own: what is published never falls as more is found."""
    grid = """
    select found, w, 1 / w as probability, case when number * 7 % 40 < found then 1.0 else 0.0 end as y
    from range(40) as of_found (found),
        (select number, cast(2 + number * number % 17 as double) as w from range(40) as numbers (number)) as units
    """
    shared = {
        "relation": "grid", "y": "y", "weight": "w", "design": "poisson", "inclusion_probability": "probability",
        "by": [["found"]],
    }  # fmt: skip
    heavier = "6.0 * (1 + found / (found + 30.0))"
    rows = duckdb_calls.run(
        {
            "growing": call_text("survey_estimates", **shared, interval="counted_growing", missed_weight="6.0"),
            "half": call_text("survey_estimates", **shared, interval="counted_mid_p", missed_weight=heavier),
            "largest": call_text("survey_estimates", **shared, interval="counted_growing"),
            "total": call_text(
                "survey_estimates", **shared, interval="counted_growing", missed_weight="6.0", total=True
            ),
        },
        {"grid": grid},
    )
    rows = {name: table.set_index("found").sort_index() for name, table in rows.items()}
    assert set(rows["growing"].interval_method) == {"counted_growing"}
    for bound in ("interval_lower", "interval_upper"):
        assert rows["growing"][bound].to_numpy() == pytest.approx(rows["half"][bound].to_numpy(), rel=1e-12)
        for name in ("growing", "largest", "total"):
            assert (rows[name][bound].diff().iloc[1:] >= -1e-9).all(), (name, bound)
    none = rows["total"].loc[0]
    # ln 20 of the event, and the unit in which a finite population moves
    assert none.interval_upper - np.log(20) * 6 == pytest.approx(1, abs=1e-6)
