"""survey_two_phase_estimates: the judge's part, by arithmetic and by repeated sampling; statuses and refusals."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

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
        samples.append(sample)
    return pd.concat(samples), float(population.expert.sum() / population.views.sum())


SAMPLES, TRUTH = _repeated_samples()
ONE = """
select row_id, row_id % 4 as cell, case when row_id % 3 = 0 then row_id % 2 end as expert,
    case when row_id % 5 = 0 then 1 - row_id % 2 else row_id % 2 end as judge,
    case when row_id < 4 then 'a' else 'b' end as part, row_id % 3 = 0 or row_id = 1 as audited
from range(48) as numbers (row_id)
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
    path = dbt_calls.folder / "samples.parquet"
    samples = SAMPLES  # noqa: F841 (read by DuckDB)
    duckdb.sql(f"copy (select * from samples) to '{path}' (format parquet)")
    return dbt_calls.run(models, {"samples": f"select * from '{path}'", "one_sample": ONE})


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
