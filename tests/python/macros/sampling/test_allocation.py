"""Allocation of a sample to strata: published cases, the best of all whole numbers, floors and censuses."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

CALL = (
    "{{ prevalence.allocate_sample('strata', stratum='stratum', population_units='population_units', "
    "stratum_weight='stratum_weight', standard_deviation='standard_deviation', allocation='allocation', "
    "minimum_units='minimum_units', expected_units='expected_units', by=['case_id', 'day']) }}"
)
MANY = 10_000_000
# weights, rates, n, floor, what is published or, for the last two of the first group, the reference's own arithmetic
PUBLISHED = {
    # Barnett (MIT, 2021), tables 2A and 2B
    "barnett": (
        (0.80, 0.10, 0.05, 0.01, 0.04),
        (0.0005, 0.005, 0.01, 0.05, 0.0025),
        4000,
        1,
        (2098, 828, 584, 256, 234),
    ),
    # rounding Neyman's shares gives 4,999
    "rounding": ((0.95, 0.04, 0.01), (0.0002, 0.006, 0.009), 5000, 1, (3846, 884, 270)),
    # Neyman's share of the second is 0.28 units
    "floor": ((0.98, 0.02), (0.05, 0.0001), 300, 2, (298, 2)),
    "primer": ((0.9, 0.1), (0.05, 0.5), 200, 1, (159, 41)),
}


def _case(case_id, weights, deviations, n, minimum=None, population=MANY, allocation="neyman") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "case_id": case_id,
            "day": "d",
            "stratum": [f"s{number}" for number in range(len(weights))],
            "population_units": np.broadcast_to(np.asarray(population, dtype=np.int64), len(weights)),
            "stratum_weight": np.asarray(weights, dtype=float),
            "standard_deviation": np.asarray(deviations, dtype=float),
            "allocation": allocation,
            "minimum_units": pd.array([minimum] * len(weights), dtype="Int64"),
            "expected_units": n,
        }
    )


def _spread(rates) -> np.ndarray:
    rates = np.asarray(rates)
    return np.sqrt(rates * (1 - rates))


def _random_cases() -> dict[str, dict]:
    generator = np.random.default_rng(20261126)
    cases = {}
    for number in range(40):
        strata = int(generator.integers(2, 4))
        population = generator.integers(1, 12, strata)
        cases[f"random_{number:02}"] = {
            "weights": generator.random(strata) + 0.01,
            "deviations": generator.random(strata) * (generator.random(strata) > 0.1),
            "n": int(generator.integers(strata * 2, 16)),
            "minimum": int(generator.integers(1, 3)),
            "population": population,
        }
    return cases


RANDOM = _random_cases()


@pytest.fixture(scope="module")
def allocated(dbt_calls) -> dict[str, tuple]:
    cases = [_case(name, w, _spread(p), n, floor) for name, (w, p, n, floor, _) in PUBLISHED.items()]
    cases += [_case(name, **arguments) for name, arguments in RANDOM.items()]
    cases += [
        _case("proportional", (0.5, 0.3, 0.2), (0.0, 9.0, 1.0), 10, allocation="proportional"),
        _case("nothing_known", (0.5, 0.3, 0.2), (0.0, 0.0, 0.0), 10),
        _case("census", (1, 1), (1, 1), 50, population=(20, 10)),
        _case("one_taken_whole", (1, 1), (100, 1), 20, population=(5, 100)),
        _case("without_units", (0, 1), (1, 1), 20, minimum=5, population=(0, 100)),
        _case("floors_above_the_sample", (1, 1, 1), (1, 1, 1), 20, minimum=7),
        _case("ties", (1, 1, 1), (1, 1, 1), 10),
    ]
    path = dbt_calls.folder / "strata.parquet"
    pd.concat(cases, ignore_index=True).to_parquet(path)
    rows = dbt_calls.run({"allocated": CALL}, {"strata": f"select * from '{path}'"})["allocated"]
    rows = rows.sort_values(["case_id", "stratum"])
    return {name: tuple(part["allocated_units"]) for name, part in rows.groupby("case_id")}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_allocations(allocated, name):
    assert allocated[name] == PUBLISHED[name][-1]


def test_the_variance_of_the_published_allocation(allocated):
    """Barnett prints a standard deviation of 0.054 points, design effect 0.582; proportional 0.0701, simple random 0.0706."""
    weights, rates, n, _, _ = PUBLISHED["barnett"]
    weights, rates = np.array(weights), np.array(rates)
    prevalence = weights @ rates
    variance = (weights**2 * rates * (1 - rates) / np.array(allocated["barnett"])).sum()
    assert prevalence == pytest.approx(0.002)
    assert 100 * np.sqrt(variance) == pytest.approx(0.0539, abs=5e-5)
    assert 100 * np.sqrt((weights * rates * (1 - rates)).sum() / n) == pytest.approx(0.07013, abs=5e-6)
    simple = prevalence * (1 - prevalence) / n
    assert 100 * np.sqrt(simple) == pytest.approx(0.07064, abs=5e-6)
    assert variance / simple == pytest.approx(0.582, abs=5e-4)


def test_margins_of_the_primer(allocated):
    """Barnett's primer: 90 % of units at 5 % and 10 % at 50 %, 200 drawn; margins of 4.1, 3.6 and 3.4 points are printed."""
    weights, rates = np.array([0.9, 0.1]), np.array([0.05, 0.5])
    z = stats.norm.ppf(0.975)

    def margin(units) -> float:
        return 100 * z * np.sqrt((weights**2 * rates * (1 - rates) / np.asarray(units)).sum())

    share = weights @ rates
    assert 100 * z * np.sqrt(share * (1 - share) / 200) == pytest.approx(4.06, abs=5e-3)
    assert margin(200 * weights) == pytest.approx(3.61, abs=5e-3)
    assert margin((160, 40)) == pytest.approx(3.41, abs=5e-3)
    assert margin(allocated["primer"]) <= margin((160, 40))


@pytest.mark.parametrize("name", RANDOM)
def test_no_other_whole_numbers_are_better(allocated, name):
    case = RANDOM[name]
    lowest = np.minimum(case["population"], case["minimum"])
    total = min(case["n"], case["population"].sum())
    found = np.array(allocated[name])
    product = (case["weights"] * case["deviations"]) ** 2
    others = itertools.product(*(range(low, high + 1) for low, high in zip(lowest, case["population"], strict=True)))
    best = min((product / np.array(units)).sum() for units in others if sum(units) == total)
    assert found.sum() == total and (found >= lowest).all() and (found <= case["population"]).all()
    assert (product / found).sum() == pytest.approx(best, rel=1e-12)


def test_limits(allocated):
    assert allocated["proportional"] == (5, 3, 2)
    assert allocated["nothing_known"] == (5, 3, 2)
    assert allocated["census"] == (20, 10)
    assert allocated["one_taken_whole"] == (5, 15)
    assert allocated["without_units"] == (0, 20)
    assert pd.isna(pd.Series(allocated["floors_above_the_sample"])).all()
    assert allocated["ties"] == (4, 3, 3)
