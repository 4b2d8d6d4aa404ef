"""The coverage laboratory: its draws, its sums against the macros, and what it says about the default."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from prevalence.planner import bounds
from prevalence_evidence.laboratory import designs, grid, misses, report, two_phase, worlds

WORLD = worlds.World("log-normal 1.5", 0.005, 0.7)
RUNS = 400


@pytest.fixture(scope="module")
def ground() -> tuple[worlds.Population, np.ndarray]:
    generator = np.random.default_rng(7)
    people = worlds.population(WORLD, 20_000, generator)
    return people, worlds.learned_rates(people, 500, generator)


def test_populations_have_the_prevalence_that_is_asked_for() -> None:
    for tail in worlds.TAILS:
        world = worlds.World(tail, 0.02, 0.5)
        truths = [worlds.population(world, 20_000, np.random.default_rng(seed)).truth for seed in range(8)]
        assert np.mean(truths) == pytest.approx(0.02, rel=0.15), tail


def test_exact_frame_is_exact() -> None:
    people = worlds.exact_frame()
    assert len(people.exposure) == 1_000_000
    assert people.exposure.sum() == 132_400_000
    assert (people.violating > 0).sum() == 5_375
    assert people.truth == pytest.approx(0.005375, abs=1e-15)


def test_learned_rates_rise_with_the_score_and_know_nothing_of_a_useless_one(ground) -> None:
    people, rates = ground
    order = np.argsort(people.score)
    assert np.all(np.diff(rates[order]) >= 0)
    assert rates.max() > 10 * np.median(rates)
    useless = worlds.population(worlds.World("log-normal 1", 0.02, 0.0), 20_000, np.random.default_rng(1))
    learned = worlds.learned_rates(useless, 2_000, np.random.default_rng(2))
    assert learned.max() < 3 * learned.min()


@pytest.mark.parametrize("name", [designs.DEFAULT, "calibrated root, defence .2, Pareto", "simple random"])
def test_units_are_drawn_as_often_as_their_probability_says(ground, name) -> None:
    people, rates = ground
    drawn = designs.sample(designs.named(name), people, rates, 500, RUNS, np.random.default_rng(3))
    counts = np.bincount(drawn.unit, minlength=len(people.exposure))
    # groups of units of about the same probability, with at least 50 expected inclusions each
    order = np.argsort(drawn.probability, kind="stable")
    group = np.empty(len(order), dtype=int)
    group[order] = (np.cumsum(drawn.probability[order]) * RUNS // 2_000).astype(int)
    expected = np.bincount(group, drawn.probability * RUNS)
    observed = np.bincount(group, counts)
    variance = np.bincount(group, drawn.probability * (1 - drawn.probability) * RUNS)
    some = variance > 0
    statistic = ((observed - expected)[some] ** 2 / variance[some]).sum()
    # Pareto's probabilities are the target's to a relative error of a few thousandths at this size
    assert stats.chi2.sf(statistic, some.sum()) > 1e-4
    assert np.all(counts[drawn.probability >= 1] == RUNS)
    if name != designs.DEFAULT:
        assert set(np.bincount(drawn.run, minlength=RUNS)) == {500}
        assert len(set(zip(drawn.run, drawn.unit, strict=True))) == len(drawn.run)


def test_sums_and_intervals_are_those_of_the_macros(ground, dbt_calls, call_text) -> None:
    """One run of each kind of draw: the laboratory and survey_estimates say the same."""
    people, rates = ground
    arguments = {
        "poisson": {"design": "poisson", "inclusion_probability": "probability"},
        "simple_random": {"design": "stratified", "population_psus": "20000"},
        "with_replacement": {"design": "pps_with_replacement"},
        "stratified": {"design": "pps_with_replacement", "stratum": "stratum"},
    }
    names = {
        "poisson": designs.DEFAULT,
        "simple_random": "simple random",
        "with_replacement": "calibrated root, defence .2, with replacement",
        "stratified": "score strata, Neyman",
    }
    kinds = ("korn_graubard", "korn_graubard_positives", "logit", "gamma", *bounds.COUNTED)
    tables, models, expected = {}, {}, {}
    frames = []
    for draw, name in names.items():
        design = designs.named(name)
        drawn = designs.sample(design, people, rates, 500, 1, np.random.default_rng(11))
        found = designs.estimates(design, people, rates, 500, 1, np.random.default_rng(11))
        weight = people.exposure / drawn.probability
        open_units = drawn.probability < 1 if not design.is_with_replacement else np.ones(len(weight), dtype=bool)
        unseen = (rates * people.exposure * weight)[open_units].sum() / (rates * people.exposure)[open_units].sum()
        frames.append(
            pd.DataFrame(
                {
                    "draw_kind": draw,
                    "violating": people.violating[drawn.unit],
                    "exposure": people.exposure[drawn.unit],
                    "probability": drawn.probability[drawn.unit],
                    "stratum": drawn.stratum[drawn.unit],
                    "unseen": unseen,
                }
            )
        )
        for kind in kinds:
            missed = {"missed_weight": "unseen"} if kind in ("gamma", *bounds.COUNTED) else {}
            call = call_text(
                "survey_estimates", relation=f"rows_{draw}", y="violating", x="exposure", weight="1 / probability",
                interval=kind, **arguments[draw], **missed,
            )  # fmt: skip
            models[f"{draw}_{kind}"] = call
            expected[f"{draw}_{kind}"] = (found, bounds.interval(kind, found, design.is_with_replacement))
    rows = pd.concat(frames)
    rows.to_parquet(dbt_calls.folder / "laboratory_rows.parquet")
    for draw in names:
        tables[f"rows_{draw}"] = (
            f"select * from '{dbt_calls.folder / 'laboratory_rows.parquet'}' where draw_kind = '{draw}'"
        )
    results = dbt_calls.run(models, tables)
    for name, (found, (lower, upper)) in expected.items():
        row = results[name].iloc[0]
        assert row.status == "ok", name
        assert row.positive_units == found.positives[0] > 0, name
        assert row.estimate == pytest.approx(found.share[0], rel=1e-10), name
        assert row.variance == pytest.approx(found.variance[0], rel=1e-8), name
        assert (row.interval_lower, row.interval_upper) == pytest.approx((lower[0], upper[0]), rel=1e-6), name


def test_variance_estimates_are_unbiased(ground) -> None:
    """Over many runs the mean of the variance estimates is the variance of the estimates."""
    people, rates = ground
    for name in (designs.DEFAULT, "calibrated root, defence .2, with replacement", "exposure"):
        found = designs.estimates(designs.named(name), people, rates, 500, 4_000, np.random.default_rng(5))
        assert found.share.mean() == pytest.approx(people.truth, rel=0.05), name
        assert found.variance.mean() == pytest.approx(found.share.var(), rel=0.12), name


def test_default_holds_where_wald_and_korn_graubard_do_not() -> None:
    """Seeded cells of the grid the Monte Carlo error of a coverage is .004."""
    for tail, prevalence, quality in (("log-normal 1.5", 0.001, 0.95), ("log-normal 2", 0.001, 0.95)):
        cell = grid.Cell(
            "designs", worlds.World(tail, prevalence, quality), designs.named(designs.DEFAULT), populations=10, runs=300
        )
        coverage = {record["interval"]: record["coverage"] for record in grid.run_cell(cell)}
        assert coverage["gamma"] >= 0.94
        assert coverage["wald_t"] < 0.9
        assert coverage["korn_graubard"] < 0.94


def test_headline_interval_holds_for_a_judge_that_misses_more_than_is_believed() -> None:
    world = worlds.World("log-normal 1.5", 0.002, 0.85)
    cell = grid.Cell(
        "headline", world, judge=next(judge for judge in two_phase.JUDGES if judge.name == "overrated"),
        allocation=two_phase.DEFAULT_ALLOCATION, sampled=5_000, audited=600, populations=4, runs=100,
    )  # fmt: skip
    records = {record["interval"]: record for record in grid.run_cell(cell)}
    assert records["gamma, missed share 0.5"]["coverage"] >= 0.94
    assert records["gamma, missed share 0"]["coverage"] < 0.9
    # the judge's own figure is not the headline for a reason
    assert abs(records["gamma, missed share 0"]["judge_bias"]) > 0.5


def test_cells_can_be_run_again_and_apart() -> None:
    """The same records whatever ran before, and on whatever process."""
    work = [cell for cell in grid.cells(("designs",), 0.1) if cell.world.prevalence == 0.02][:3]
    alone = [grid.run_cell(cell) for cell in work]
    assert [grid.run_cell(cell) for cell in reversed(work)] == alone[::-1]
    seeds = {cell.world: cell.seed for cell in grid.cells(("designs", "headline", "published"))}
    assert len(set(seeds.values())) == len(seeds)


def test_report_names_what_does_not_hold(tmp_path) -> None:
    work = [
        cell for cell in grid.cells(("designs", "headline", "published"), 0.1)
        if cell.world.prevalence == 0.02 and cell.world.score_quality in (0.3, 0.5) and cell.sampled <= 2_000
        and cell.world.tail in ("flat", "log-normal 1.5")
    ]  # fmt: skip
    records = [record for cell in work[:13] + work[-4:] for record in grid.run_cell(cell)]
    assert {"designs", "headline"} == {record["part"] for record in records}
    own = next(r for r in records if r["design"] == designs.DEFAULT and r["interval"] == bounds.DEFAULT)
    own["coverage"] = 0.5
    paths = report.write(records, tmp_path, "prevalence laboratory")
    page = paths[0].read_text()
    assert "misses its goal" in page and "coverage 0.500" in page
    assert paths[1].read_text().startswith("<?xml")
    cells = pd.read_csv(paths[2])
    assert len(cells) == 17
    assert cells.loc[cells.design == designs.DEFAULT, f"{bounds.DEFAULT}: coverage"].iloc[0] == 0.5


MISSES = misses.Cell(0.02, 0.85, "and the .3 of lowest score", misses.Size(1_200, 250, 0.05, 1, 300))


def test_misses_that_the_score_does_not_see_break_gamma_and_not_an_event_that_grows() -> None:
    records = {record["kind"]: record for record in misses.run_cell(MISSES)}
    assert records["gamma, missed share 0.5"]["coverage"] < 0.94
    # half an event is short of it where many violations are found, and so grows with them
    assert records["gamma, missed share 0.5"]["too_low"] > records["counted_mid_p"]["too_low"] > 0.04
    growing = records["counted_growing"]
    assert growing["coverage"] >= 0.94 and growing["too_low"] <= 0.04, growing
    assert growing["median_width"] < 1.25 * records["gamma, missed share 0.5"]["median_width"]


def test_patterns_of_misses_are_what_they_say() -> None:
    people = worlds.population(worlds.World("flat", 0.02, 0.7), 50_000, np.random.default_rng(1))
    for pattern, what in misses.PATTERNS.items():
        changed, calls = misses.judged_population(people, pattern, np.random.default_rng(4))
        missed = changed.violating[~calls].sum() / changed.violating.sum()
        if "heavy" in what:
            assert changed.violating.max() / changed.exposure.sum() == pytest.approx(0.004, rel=0.01)
            continue
        expected = 1 - what.get("sensitivity", 0.85) * (1 - what.get("lowest", 0) - what.get("subtype", 0))
        assert missed == pytest.approx(expected, abs=0.04), pattern
        assert changed.truth == people.truth
    lowest = misses.judged_population(people, "and the .3 of lowest score", np.random.default_rng(4))[1]
    found = np.flatnonzero(people.violating > 0)
    assert not lowest[found[np.argsort(people.score[found])[:3]]].any()


def test_audits_are_those_of_the_macro(ground, dbt_calls, call_text) -> None:
    """One run's rows through survey_estimates: the sums and the intervals of the laboratory."""
    people, rates = ground
    generator = np.random.default_rng(8)
    people, calls = misses.judged_population(people, "at random (.15)", generator)
    rows = misses.audit_rows(people, rates, calls, misses.Size(2_000, 250, 0.05, 2, 1), 2, generator)
    found = misses.audits(people, rows, 2, 1)
    audited = rows["audited"]
    unit, probability = rows["unit"][audited], rows["probability"][audited]
    base = (people.exposure[unit] / probability).sum()
    frame = pd.DataFrame(
        {
            "violating": people.violating[unit],
            "exposure": people.exposure[unit],
            "probability": probability,
            "unseen": found.quiet_weight[0] * base,
        }
    )
    assert (frame.violating > 0).sum() > 2
    frame.to_parquet(dbt_calls.folder / "audited.parquet")
    models = {
        kind: call_text(
            "survey_estimates", relation="audited", y="violating", x="exposure", weight="1 / probability", interval=kind,
            design="poisson", inclusion_probability="probability", missed_weight="unseen",
        )
        for kind in bounds.COUNTED
    }  # fmt: skip
    results = dbt_calls.run(models, {"audited": f"select * from '{dbt_calls.folder / 'audited.parquet'}'"})
    for kind, result in results.items():
        row = result.iloc[0]
        assert row.estimate == pytest.approx(found.estimates.share[0], rel=1e-10)
        assert row.variance == pytest.approx(found.estimates.variance[0], rel=1e-8)
        lower, upper = misses.KINDS[kind](found)
        assert (row.interval_lower, row.interval_upper) == pytest.approx((lower[0], upper[0]), rel=1e-8), kind


def test_page_of_misses_marks_what_does_not_hold() -> None:
    records = misses.run_cell(replace(MISSES, size=replace(MISSES.size, runs=10)))
    records[0]["coverage"], records[1]["coverage"] = 0.5, 0.99
    page = misses.page(records, "the command")
    assert "**0.500**" in page and "0.990" in page and "**0.990**" not in page
    assert "| gamma, missed share 0.5 | 0.500 | 1 of 1 |" in page


def test_what_is_published_never_falls_as_more_is_found(ground) -> None:
    """One audit, of which one unit more violates each time: called or quiet, heavy or light, in any order."""
    people, rates = ground
    generator = np.random.default_rng(12)
    changed, calls = misses.judged_population(people, "at random (.5)", generator)
    rows = misses.audit_rows(changed, rates, calls, misses.Size(1_200, 250, 0.05, 1, 1), 1, generator)
    audited = np.flatnonzero(rows["audited"])
    for _ in range(5):
        order = generator.permutation(audited)[:60]
        bounds_found = []
        for found in range(len(order) + 1):
            violating = np.zeros(len(people.exposure))
            violating[rows["unit"][order[:found]]] = people.exposure[rows["unit"][order[:found]]]
            world = replace(people, violating=violating)
            lower, upper = misses.KINDS["counted_growing"](misses.audits(world, rows, 1, 1))
            bounds_found.append((lower[0], upper[0]))
        falls = np.diff(np.array(bounds_found), axis=0).min(axis=0)
        assert falls.min() >= -1e-9, falls
