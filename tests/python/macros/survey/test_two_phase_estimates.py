"""survey_two_phase_estimates: the judge's part, by arithmetic and by repeated sampling; statuses and refusals."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pandas as pd
import pytest

from python_udfs import intervals

REPLICATES = 300


def _repeated_samples() -> tuple[pd.DataFrame, float]:
    """Samples of two phases from one population, a stratum each; phase 2 once in cells by judge label, once Poisson."""
    generator = np.random.default_rng(3)
    population = pd.DataFrame({"views": generator.integers(1, 8, 4000)})
    population["violates"] = (generator.uniform(size=4000) < 0.15).astype(float)
    chance = np.where(population.violates == 1, 0.8, 0.05)
    population["judge"] = (generator.uniform(size=4000) < chance) * population.views
    population["expert"] = population.violates * population.views
    samples = []
    for replicate in range(REPLICATES):
        sample = population.loc[generator.permutation(4000)[:800]].copy()
        sample["replicate"] = replicate
        sample["cell"] = np.where(sample.judge > 0, 2, 1) + 10 * replicate
        rank = sample.assign(u=generator.uniform(size=800)).groupby("cell").u.rank()
        sample["in_cells"] = rank <= 100
        sample["p2"] = np.where(sample.judge > 0, 0.8, 0.08 + 0.01 * sample.views)
        sample["in_poisson"] = generator.uniform(size=800) < sample.p2
        # the rows of a sample lie in random order: the first 150 are a random sample of it, and the rest another
        sample["in_random"] = np.arange(800) < 150
        samples.append(sample)
    return pd.concat(samples), float(population.expert.sum() / population.views.sum())


def _poisson_phase_1() -> tuple[pd.DataFrame, float]:
    """Samples whose phase 1 is Poisson, with probability proportional to views; phase 2 in cells by judge label."""
    generator = np.random.default_rng(11)
    population = pd.DataFrame({"views": generator.integers(1, 8, 3000)})
    population["expert"] = (generator.uniform(size=3000) < 0.05 + 0.02 * population.views).astype(float)
    population["judge"] = generator.uniform(size=3000) < np.where(population.expert == 1, 0.8, 0.1)
    population["p1"] = 0.05 * population.views
    samples = []
    for replicate in range(REPLICATES):
        sample = population[generator.uniform(size=3000) < population.p1].copy()
        sample["replicate"] = replicate
        sample["cell"] = 2 * replicate + sample.judge
        sample["audited"] = sample.assign(u=generator.uniform(size=len(sample))).groupby("cell").u.rank() <= 40
        samples.append(sample)
    return pd.concat(samples), float(population.expert.mean())


SAMPLES, TRUTH = _repeated_samples()
POISSON_SAMPLES, POISSON_TRUTH = _poisson_phase_1()
ONE = """
select row_id, row_id % 4 as cell, case when row_id % 3 = 0 then row_id % 2 end as expert,
    case when row_id % 5 = 0 then 1 - row_id % 2 else row_id % 2 end as judge,
    case when row_id < 4 then 'a' else 'b' end as part, row_id % 3 = 0 or row_id = 1 as audited
from range(48) as numbers (row_id)
"""
# 400 units of phase 1, of which a judge flags 20; experts label 10 of these and 40 of the others, and find one violation
# among the others, none in part b and nothing else in part c
RARE = """
select row_id, row_id < 20 as flagged, row_id < 10 or row_id >= 360 as audited,
    case when row_id between 10 and 359 then null when row_id in (5, 398, 399) then 1 else 0 end as expert,
    case when row_id in (5, 398) then 'c' when row_id < 5 or row_id between 370 and 390 then 'b' else 'a' end as part,
    cast(row_id as double) / 400 as score
from range(400) as numbers (row_id)
"""


@pytest.fixture(scope="module")
def results(dbt_calls, call_text):
    def call(**arguments):
        return call_text("survey_two_phase_estimates", **arguments)

    designs = {
        "cells": {"phase_2_stratum": "cell", "phase_2_sampled": "in_cells"},
        "poisson": {"phase_2_design": "poisson", "phase_2_probability": "p2", "phase_2_sampled": "in_poisson"},
    }
    shared = {
        "relation": "samples",
        "y": "expert",
        "x": "views",
        "phase_1_weight": "5.0",
        "phase_1_stratum": "replicate",
        "phase_1_population": "4000",
        "by": [["replicate"]],
    }
    models = {}
    for name, design in designs.items():
        models[f"{name}_experts"] = call(**shared, **design)
        models[f"{name}_tuned"] = call(**shared, **design, judge="judge")
        models[f"{name}_total"] = call(**shared, **design, judge="judge", judge_coefficient=1, total=True)
        models[f"{name}_plug_in"] = call(**shared, **design, phase_1_variance="plug_in")
    independent = {**shared, "phase_1_weight": None, "phase_1_stratum": None, "phase_1_population": None}
    independent.update(phase_2_design="independent", phase_2_sampled="in_random", judge="judge", interval="wald_z")
    models["independent"] = call(**independent)
    models["independent_alone"] = call(**independent, judge_coefficient=0)
    models["independent_weights"] = call(**{**independent, "phase_1_weight": "7.0 * views", "x": "1.0"})
    models["independent_views"] = call(**{**independent, "y": "expert", "x": "views"})
    models["poisson_phase_1"] = call(
        relation="poisson_samples",
        y="expert",
        phase_1_weight="1 / p1",
        phase_1_design="poisson",
        phase_1_probability="p1",
        phase_2_stratum="cell",
        phase_2_sampled="audited",
        by=[["replicate"]],
    )
    rare = {"relation": "rare_sample", "y": "expert", "phase_1_weight": "10.0", "phase_2_sampled": "audited"}
    rare.update(phase_2_stratum="flagged", interval="korn_graubard_positives", by=[[], ["part"]])
    models["rare"] = call(**rare)
    models["rare_max_weight"] = call(**rare, zero_positive_bound="max_weight")
    models["rare_judge"] = call(**rare, judge="case when flagged then 1 else 0 end", zero_positive_bound="max_weight")
    indicators = ["case when flagged then 1.0 else 0.0 end", "case when flagged then 0.0 else 1.0 end"]
    models["by_cells"] = call(**rare, phase_2_auxiliaries=indicators)
    models["by_score"] = call(**rare, phase_2_auxiliaries=[*indicators, "score"])
    models["of_score"] = call(**{**rare, "y": "score"}, phase_2_auxiliaries=[*indicators, "score"])
    models["of_poisson_score"] = call(
        **{**rare, "y": "score", "phase_2_stratum": None},
        phase_2_design="poisson",
        phase_2_probability="case when flagged then 0.5 else 0.1 end",
        phase_2_auxiliaries=["1.0", "score"],
    )
    models["out_of_reach"] = call(**rare, phase_2_auxiliaries=["1.0", "case when row_id = 100 then 1.0 else 0.0 end"])
    models["null_auxiliary"] = call(**rare, phase_2_auxiliaries=["1.0", "case when row_id < 399 then score end"])
    models["lonely_elsewhere"] = call(
        **{**rare, "phase_2_stratum": "case when row_id in (0, 10) then 0 when row_id < 20 then 1 else 2 end"},
        phase_2_auxiliaries=["1.0"],
    )
    one = {"relation": "one_sample", "y": "expert", "phase_1_weight": "2.0", "by": [[], ["part"]]}
    models["one"] = call(**one, judge="judge", judge_coefficient=0.5, phase_2_sampled="audited")
    models["one_total"] = call(**one, judge="judge", judge_coefficient=0.5, phase_2_sampled="audited", total=True)
    models["default_sampled"] = call(**one)
    models["empty_cell"] = call(**one, phase_2_stratum="row_id % 3")
    models["lonely_cell"] = call(**one, phase_2_stratum="case when row_id < 3 then 0 else 1 end")
    models["lonely_removed"] = call(
        **one, phase_2_stratum="case when row_id < 3 then 0 else 1 end", lonely_psu="remove"
    )
    models["invalid"] = call(**one, phase_2_design="poisson", phase_2_probability="case when row_id > 0 then 0.5 end")
    models["none_positive"] = call(**{**one, "y": "0 * expert"}, judge="judge")
    tables = {"one_sample": ONE, "rare_sample": RARE}
    for name, samples in (("samples", SAMPLES), ("poisson_samples", POISSON_SAMPLES)):
        path = dbt_calls.folder / f"{name}.parquet"
        duckdb.sql(f"copy (select * from samples) to '{path}' (format parquet)")
        tables[name] = f"select * from '{path}'"
    return dbt_calls.run(models, tables)


@pytest.mark.parametrize("design", ["cells", "poisson"])
@pytest.mark.parametrize("estimator", ["experts", "tuned"])
def test_repeated_samples_cover_the_truth(results, design, estimator) -> None:
    rows = results[f"{design}_{estimator}"]
    assert len(rows) == REPLICATES
    assert set(rows.status) == {"ok"}
    error = rows.estimate.std() / REPLICATES**0.5
    assert abs(rows.estimate.mean() - TRUTH) < 4 * error
    # the spread of 300 variances is some 8 % of their mean
    assert rows.variance.mean() == pytest.approx(rows.estimate.var(), rel=0.25)
    covered = ((rows.interval_lower <= TRUTH) & (rows.interval_upper >= TRUTH)).mean()
    assert covered > 0.91


@pytest.mark.parametrize("design", ["cells", "poisson"])
def test_judge_is_naive_alone_and_helps_when_corrected(results, design) -> None:
    tuned, experts = results[f"{design}_tuned"], results[f"{design}_experts"]
    naive = (SAMPLES.groupby("replicate").judge.sum() / SAMPLES.groupby("replicate").views.sum()).to_numpy()
    np.testing.assert_allclose(tuned.sort_values("replicate").judge_estimate, naive, rtol=1e-12)
    assert naive.mean() > 1.05 * TRUTH
    assert tuned.judge_coefficient.between(0, 1).all()
    assert tuned.estimate.var() < 1.02 * experts.estimate.var()
    assert experts.judge_estimate.isna().all()
    merged = tuned.merge(experts, on="replicate")
    np.testing.assert_allclose(merged.gain_x, merged.variance_y / merged.variance_x, rtol=1e-9)


@pytest.mark.parametrize("design", ["cells", "poisson"])
def test_plug_in_variance_is_near_the_unbiased_one_and_not_negative(results, design) -> None:
    plug_in, unbiased = results[f"{design}_plug_in"], results[f"{design}_experts"]
    merged = plug_in.merge(unbiased, on="replicate")
    np.testing.assert_allclose(merged.estimate_x, merged.estimate_y, rtol=1e-12)
    np.testing.assert_allclose(merged.variance_phase_2_x, merged.variance_phase_2_y, rtol=1e-12)
    # the two differ by a term of order 1 / 800
    np.testing.assert_allclose(merged.variance_x, merged.variance_y, rtol=0.01)
    assert (merged.variance_phase_1_x > 0).all() and not (merged.variance_x == merged.variance_y).any()


def test_poisson_phase_1_covers_the_truth(results) -> None:
    rows = results["poisson_phase_1"]
    assert len(rows) == REPLICATES and set(rows.status) == {"ok"}
    assert abs(rows.estimate.mean() - POISSON_TRUTH) < 4 * rows.estimate.std() / REPLICATES**0.5
    assert rows.variance.mean() == pytest.approx(rows.estimate.var(), rel=0.25)
    covered = ((rows.interval_lower <= POISSON_TRUTH) & (rows.interval_upper >= POISSON_TRUTH)).mean()
    assert covered > 0.91


def test_independent_samples_cover_the_truth(results) -> None:
    rows, alone = results["independent"], results["independent_alone"]
    assert len(rows) == REPLICATES and set(rows.status) == {"ok"}
    assert abs(rows.estimate.mean() - TRUTH) < 5 * rows.estimate.std() / REPLICATES**0.5
    assert rows.variance.mean() == pytest.approx(rows.estimate.var(), rel=0.25)
    assert rows.estimate.var() < 0.8 * alone.estimate.var()
    merged = rows.merge(alone, on="replicate")
    np.testing.assert_allclose(merged.gain_x, merged.variance_y / merged.variance_x, rtol=1e-9)
    assert ((rows.interval_lower <= TRUTH) & (rows.interval_upper >= TRUTH)).mean() > 0.9


def test_independent_samples_by_hand(results) -> None:
    """One replicate, its weights 7 views: each figure from its definition, with the sums of weighted scores."""
    sample = SAMPLES[SAMPLES.replicate == 7]
    row = results["independent_weights"].query("replicate == 7").iloc[0]
    labeled, rest = sample[sample.in_random], sample[~sample.in_random]

    def mean(rows, values):
        return (rows.views * values).sum() / rows.views.sum()

    def scores(rows, values):
        return rows.views * (values - mean(rows, values)) / rows.views.sum()

    n, others = len(labeled), len(rest)
    covariance = (scores(labeled, labeled.expert) * scores(labeled, labeled.judge)).sum()
    pooled = (n + others) ** 2 / (n + others - 1) * (scores(sample, sample.judge) ** 2).sum()
    coefficient = covariance / (pooled * (1 / n + 1 / others))
    assert 0 < coefficient < 1
    assert row.judge_coefficient == pytest.approx(coefficient, rel=1e-9)
    corrected = labeled.expert - coefficient * labeled.judge
    assert row.estimate == pytest.approx(coefficient * mean(rest, rest.judge) + mean(labeled, corrected), rel=1e-12)
    assert row.variance_phase_1 == pytest.approx(coefficient**2 * (scores(rest, rest.judge) ** 2).sum(), rel=1e-9)
    assert row.variance_phase_2 == pytest.approx((scores(labeled, corrected) ** 2).sum(), rel=1e-9)
    assert row.degrees_of_freedom == n - 1


def test_rare_events(results) -> None:
    """Nothing, one violation and nothing but violations, in cells with weights 20 and 95."""

    def by_part(name):
        return {row.part: row for row in results[name].itertuples() if row.grouping_set == "part"}

    rows = by_part("rare")
    bounded = by_part("rare_max_weight")
    one = rows["a"]
    assert (one.positive_units, one.status, one.interval_method) == (1, "ok", "korn_graubard_positives")
    # one violation is one degree of freedom or two, however many units were labeled
    of_two = [
        float(bound(np.array([one.estimate]), one.effective_n, float(one.sampled_units), 2.0, 0.05)[0])
        for bound in (intervals.korn_graubard_lower, intervals.korn_graubard_upper)
    ]
    assert [one.interval_lower, one.interval_upper] == pytest.approx(of_two, rel=1e-9)
    assert 0 < one.interval_lower < one.estimate < one.interval_upper < 1

    none, bound = rows["b"], bounded["b"]
    assert (none.estimate, none.variance, none.status) == (0, 0, "degenerate_proportion")
    assert none.interval_upper == pytest.approx(1 - 0.025 ** (1 / none.sampled_units))
    assert bound.interval_method == "max_weight_bound"
    assert bound.interval_upper == pytest.approx(95 * math.log(40) / bound.sum_of_weights)
    # honest under unequal weights: with that share of the domain violating, all in the cell of weight 95, a sample
    # finds nothing in at most 2.5 %
    violations = bound.interval_upper * bound.sum_of_weights / 10
    assert (1 - 10 / 95) ** violations <= 0.025 and bound.interval_upper > none.interval_upper

    # two labeled units, both violations, in a cell each: no degree of freedom, so no interval
    assert (rows["c"].estimate, rows["c"].status) == (1, "no_degrees_of_freedom")
    assert math.isnan(rows["c"].interval_lower)
    judged = by_part("rare_judge")
    assert (judged["b"].estimate, judged["b"].judge_coefficient, judged["b"].status) == (0, 0, "degenerate_proportion")
    assert judged["b"].interval_lower == 0 and judged["b"].interval_upper > 0


def test_calibration_to_what_the_cells_give_changes_nothing(results) -> None:
    plain, calibrated = (results[name].sort_values("part").reset_index(drop=True) for name in ("rare", "by_cells"))
    for column in ("estimate", "variance", "variance_phase_1", "variance_phase_2", "sum_of_weights", "interval_upper"):
        np.testing.assert_allclose(calibrated[column], plain[column], rtol=1e-9, atol=1e-15)
    assert list(calibrated.status) == list(plain.status)


@pytest.mark.parametrize("model", ["of_score", "of_poisson_score"])
def test_calibrated_auxiliary_has_its_phase_1_mean(results, model) -> None:
    row = results[model].query("grouping_set == 'overall'").iloc[0]
    assert row.estimate == pytest.approx(np.mean(np.arange(400) / 400), rel=1e-12)
    # nothing is left open by phase 2
    assert row.variance_phase_2 == pytest.approx(0, abs=1e-20)
    assert row.variance_phase_1 > 0
    assert row.sum_of_weights == pytest.approx(4000)


def test_calibration_statuses(results) -> None:
    assert set(results["out_of_reach"].status) == {"totals_out_of_reach"}
    assert results["out_of_reach"].estimate.isna().all()
    # a null auxiliary spoils the calibration of every domain
    assert set(results["null_auxiliary"].status) == {"invalid_rows"}
    assert results["null_auxiliary"].estimate.isna().all()
    # a cell with one labeled unit, of part b: the residuals of the other parts reach into it
    lonely = results["lonely_elsewhere"]
    assert set(lonely.status) == {"lonely_psu"} and set(lonely.lonely_psus) == {1}


def _calibrated_figures(sample: pd.DataFrame, inside: np.ndarray, population: int) -> tuple[float, float, float]:
    """Mean of a domain with phase 2 calibrated to cells and score, its variance, and R's, which forgets units outside."""
    audited = sample.audited.to_numpy()
    x_all = np.column_stack([sample.judge, 1 - sample.judge, sample.score])
    cell = sample.judge.to_numpy()
    sizes = np.bincount(cell, minlength=2)
    taken = np.bincount(cell[audited], minlength=2)
    n1 = len(sample)
    w1 = population / n1
    base = w1 * (sizes / taken)[cell[audited]]
    x, y, d = x_all[audited], sample.expert.to_numpy()[audited], inside[audited].astype(float)
    matrix = x.T @ (base[:, None] * x)
    weight = base * (1 + x @ np.linalg.solve(matrix, w1 * x_all.sum(0) - base @ x))
    estimate = (weight * d) @ y / (weight @ d)
    u = d * (y - estimate) / (weight @ d)
    z, r = weight * u, weight * (u - x @ np.linalg.solve(matrix, x.T @ (base * u)))
    open_2, forgotten, sums, expanded = 0.0, 0.0, 0.0, 0.0
    for g in (0, 1):
        of_cell = cell[audited] == g
        n, f = taken[g], taken[g] / sizes[g]
        open_2 += (1 - f) * n * r[of_cell].var(ddof=1)
        forgotten += (1 - f) * n * (r * (1 - d))[of_cell].var(ddof=1)
        s, q = z[of_cell].sum(), (z[of_cell] ** 2).sum()
        expanded += f * q
        sums += -s * s + (n - f) / (n - 1) * (s * s - q)
    phase_1 = (1 - n1 / population) * (expanded - (z.sum() ** 2 + sums) / (n1 - 1))
    return estimate, phase_1 + open_2, phase_1 + open_2 - forgotten


def test_calibrated_variance_of_a_domain_is_that_of_repeated_samples(dbt_calls, call_text) -> None:
    """By arithmetic on 3,000 samples, three of them through the macro; what R leaves out is a part of the variance."""
    generator = np.random.default_rng(5)
    size = 5000
    population = pd.DataFrame({"score": generator.uniform(size=size)})
    population["inside"] = generator.uniform(size=size) < 0.4
    population["expert"] = (generator.uniform(size=size) < 0.6 * population.score).astype(int)
    population["judge"] = (generator.uniform(size=size) < np.where(population.expert == 1, 0.8, 0.1)).astype(int)
    truth = population.expert[population.inside].mean()
    figures, written = [], {}
    for replicate in range(3000):
        sample = population.iloc[generator.permutation(size)[:600]]
        rank = pd.Series(generator.uniform(size=600), index=sample.index).groupby(sample.judge).rank()
        sample = sample.assign(audited=rank <= 80)
        figures.append(_calibrated_figures(sample, sample.inside.to_numpy(), size))
        if replicate < 3:
            written[f"calibrated_{replicate}"] = sample
    estimates, variances, of_r = np.array(figures).T
    assert abs(estimates.mean() - truth) < 5 * estimates.std() / 3000**0.5
    # 3,000 estimates give their variance to within 8 %, at three standard errors
    assert variances.mean() == pytest.approx(estimates.var(), rel=0.08)
    assert (of_r < variances).all() and of_r.mean() < 0.97 * variances.mean()
    tables = {}
    for name, sample in written.items():
        path = dbt_calls.folder / f"{name}.parquet"
        duckdb.sql(f"copy (select * from sample) to '{path}' (format parquet)")
        tables[f"data_{name}"] = f"select * from '{path}'"
    calls = {
        name: call_text(
            "survey_two_phase_estimates",
            relation=f"data_{name}",
            y="expert",
            phase_1_weight=f"{size} / 600.0",
            phase_1_population=f"{size}",
            phase_2_stratum="judge",
            phase_2_sampled="audited",
            phase_2_auxiliaries=["judge", "1 - judge", "score"],
            by=[["inside"]],
        )
        for name in written
    }
    for (estimate, variance, _), frame in zip(figures[:3], dbt_calls.run(calls, tables).values(), strict=True):
        row = frame[frame.inside].iloc[0]
        assert row.estimate == pytest.approx(estimate, rel=1e-10)
        assert row.variance == pytest.approx(variance, rel=1e-9)


def test_total_with_a_given_coefficient(results) -> None:
    sample = SAMPLES[SAMPLES.replicate == 7]
    row = results["cells_total"].query("replicate == 7").iloc[0]
    weight = 5 * sample.groupby("cell").in_cells.transform("size") / sample.groupby("cell").in_cells.transform("sum")
    correction = (weight * (sample.expert - sample.judge))[sample.in_cells].sum()
    assert row.estimate == pytest.approx(5 * sample.judge.sum() + correction, rel=1e-12)
    assert row.judge_estimate == pytest.approx(5 * sample.judge.sum(), rel=1e-12)
    assert row.interval_method == "wald_t"
    # what phase 2 leaves open: the spread of expert minus judge within cells
    open_2 = 0.0
    for _, cell in sample.groupby("cell"):
        audited = cell[cell.in_cells]
        m, n = len(cell), len(audited)
        open_2 += 25 * m**2 * (1 - n / m) / n * (audited.expert - audited.judge).var()
    assert row.variance_phase_2 == pytest.approx(open_2, rel=1e-10)


def test_units_without_an_answer_are_counted(results) -> None:
    row = results["one"].query("grouping_set == 'overall'").iloc[0]
    # 16 audited units have an answer, one does not
    assert (row.phase_2_units, row.sampled_units, row.unlabeled_units) == (17, 16, 1)
    expert = np.array([i % 2 for i in range(0, 48, 3)])
    judge = np.array([1 - i % 2 if i % 5 == 0 else i % 2 for i in range(48)])
    total = 2 * 0.5 * judge.sum() + 2 * 48 / 17 * (expert - 0.5 * judge[::3]).sum()
    assert results["one_total"].query("grouping_set == 'overall'").iloc[0].estimate == pytest.approx(total)
    assert row.estimate == pytest.approx(total / 96)
    default = results["default_sampled"].query("grouping_set == 'overall'").iloc[0]
    assert (default.phase_2_units, default.unlabeled_units) == (16, 0)


def _status(frame: pd.DataFrame) -> dict[str, str]:
    return {row.grouping_set if row.grouping_set == "overall" else row.part: row.status for row in frame.itertuples()}


def test_statuses(results) -> None:
    assert _status(results["empty_cell"]) == {
        "overall": "empty_phase_2_cell",
        "a": "empty_phase_2_cell",
        "b": "empty_phase_2_cell",
    }
    assert results["empty_cell"].estimate.isna().all()
    assert _status(results["lonely_cell"]) == {"overall": "lonely_psu", "a": "lonely_psu", "b": "ok"}
    lonely = results["lonely_cell"].query("grouping_set == 'overall'").iloc[0]
    assert not pd.isna(lonely.estimate) and pd.isna(lonely.variance) and lonely.lonely_psus == 1
    assert _status(results["lonely_removed"])["overall"] == "ok"
    assert _status(results["invalid"]) == {"overall": "invalid_rows", "a": "invalid_rows", "b": "ok"}
    none = results["none_positive"].query("grouping_set == 'overall'").iloc[0]
    assert (none.status, none.estimate, none.variance, none.interval_lower) == ("degenerate_proportion", 0, 0, 0)
    assert none.interval_upper == pytest.approx(1 - 0.025 ** (1 / 16))


REFUSALS = {
    "": "phase_1_weight is required; received none",
    "phase_1_weight='w', phase_2_design='cluster'": "phase_2_design must be one of stratified, poisson, independent; received 'cluster'",
    "phase_1_weight='w', phase_2_design='poisson'": "phase_2_design 'poisson' requires phase_2_probability; received none",
    "phase_1_weight='w', phase_2_probability='p'": "takes phase_2_stratum; received phase_2_probability",
    "phase_1_weight='w', judge='j', judge_coefficient='best'": "judge_coefficient must be 'tuned' or a number; received 'best'",
    "phase_1_weight='w', judge_coefficient=1": "judge_coefficient belongs to judge; received 1 and no judge",
    "phase_1_weight='w', lonely_psu='average'": "lonely_psu must be one of fail, remove, certainty; received 'average'",
    "phase_1_weight='w', by=[['gain']]": "by must not hold a name of the result's own columns",
    "phase_1_weight='w', phase_1_design='srs'": "phase_1_design must be one of stratified, poisson; received 'srs'",
    "phase_1_weight='w', phase_1_design='poisson'": "phase_1_design 'poisson' requires phase_1_probability; received none",
    "phase_1_weight='w', phase_1_probability='p'": "takes phase_1_stratum, phase_1_population; received phase_1_probability",
    "phase_1_weight='w', phase_1_design='poisson', phase_1_probability='p', phase_1_population='n'": (
        "takes phase_1_probability; received phase_1_population"
    ),
    "phase_1_weight='w', phase_1_variance='approx'": "phase_1_variance must be one of unbiased, plug_in; received 'approx'",
    "phase_1_weight='w', phase_1_design='poisson', phase_1_probability='p', phase_1_variance='plug_in'": (
        "phase_1_design 'poisson' takes phase_1_variance unbiased; received plug_in"
    ),
    "phase_1_weight='w', phase_2_auxiliaries='score'": "phase_2_auxiliaries must be a list of SQL expressions",
    "phase_1_weight='w', phase_2_auxiliaries=[]": "phase_2_auxiliaries must be a list of SQL expressions",
    "phase_1_weight='w', phase_2_auxiliaries=[1]": "phase_2_auxiliaries must be the text of an SQL expression; received '1'",
    "phase_1_weight='w', phase_2_auxiliaries=['s'], judge='j'": "received judge as well",
    "phase_2_design='independent'": "judge is required; received none",
    "phase_2_design='independent', judge='j', total=true": "takes judge, phase_1_weight, phase_2_sampled; received total",
    "phase_2_design='independent', judge='j', phase_1_population='n'": "received phase_1_population",
    "phase_2_design='independent', judge='j', phase_2_stratum='s'": "takes none of these; received phase_2_stratum",
    "phase_1_weight='w', zero_positive_bound='zero'": (
        "zero_positive_bound must be one of clopper_pearson, max_weight; received 'zero'"
    ),
}


def test_refusals(dbt_calls) -> None:
    models = {
        f"refused_{number}": "{{ prevalence.survey_two_phase_estimates(relation='one', y='y', " + arguments + ") }}"
        for number, arguments in enumerate(REFUSALS)
    }
    for message, expected in zip(dbt_calls.refusals(models).values(), REFUSALS.values(), strict=True):
        assert "survey_two_phase_estimates: " in message
        assert expected in message
