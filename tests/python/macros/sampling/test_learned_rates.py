"""Rates of violation learned from labels: the macro against numpy, its limits, and that no period learns from itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from prevalence_evidence.laboratory import worlds

CALL = (
    "{{ prevalence._learned_rates('labels_" + "%s', by=['unit_type', 'policy_id'], score='score_millionths', "
    "weight='weight', violating_weight='violating_weight') }}"
)


def _group(name: str, score: np.ndarray, weight: np.ndarray, violating: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit_type": "content_day",
            "policy_id": name,
            "score_millionths": score.astype(np.int64),
            "weight": weight.astype(np.int64),
            "violating_weight": violating.astype(np.int64),
        }
    )


def _groups() -> pd.DataFrame:
    """Worlds with good, bad and useless scores, and the limits."""
    generator = np.random.default_rng(20261005)
    parts = []
    for tail, prevalence, quality in (
        ("log-normal 1.5", 0.002, 0.95), ("log-normal 2", 0.02, 0.7), ("flat", 0.005, 0.0),
        ("clustered users", 0.02, 0.95),
    ):  # fmt: skip
        people = worlds.population(worlds.World(tail, prevalence, quality), 20_000, generator)
        size = worlds.mixture(people.exposure, people.exposure * np.sqrt(people.score), 0.5)
        probability = worlds.inclusion_probabilities(size, 500)
        _, unit = worlds.bernoulli(probability, 10, generator)
        weight = people.exposure[unit] / probability[unit]
        weight = np.maximum(np.round(1000 * weight / weight.mean()), 1)
        violating = np.round(weight * people.violating[unit] / people.exposure[unit])
        parts.append(_group(f"{tail} {quality}", worlds.score_millionths(people)[unit], weight, violating))
    score = generator.integers(0, 1_000_001, 400)
    weight = generator.integers(1, 3_000, 400)
    parts += [
        _group("no positives", score, weight, 0 * weight),
        _group("all positives", score, weight, weight),
        _group("one bin", 0 * score + 40_000, weight, weight * (generator.random(400) < 0.1)),
        _group("zero scores", 0 * score, weight, weight * (generator.random(400) < 0.1)),
        _group("one label", score[:1], weight[:1], weight[:1]),
        _group("rising", np.arange(400) * 2_500, 0 * weight + 1_000, 1_000 * (np.arange(400) >= 390)),
        _group("falling", np.arange(400) * 2_500, 0 * weight + 1_000, 1_000 * (np.arange(400) < 10)),
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def labels() -> pd.DataFrame:
    return _groups()


@pytest.fixture(scope="module")
def results(dbt_calls, labels) -> dict[str, pd.DataFrame]:
    """Learned from the rows as they are, and from the same rows in another order."""
    tables = {}
    for name, rows in (("plain", labels), ("shuffled", labels.sample(frac=1, random_state=3))):
        path = dbt_calls.folder / f"labels_{name}.parquet"
        rows.to_parquet(path)
        tables[f"labels_{name}"] = f"select * from '{path}'"
    found = dbt_calls.run({f"rates_{name}": CALL % name for name in ("plain", "shuffled")}, tables)
    return {name: rows.sort_values(["policy_id", "bin_number"], ignore_index=True) for name, rows in found.items()}


@pytest.fixture(scope="module")
def rates(results) -> pd.DataFrame:
    return results["rates_plain"]


def test_the_macro_and_numpy_learn_the_same_whole_numbers(labels, rates) -> None:
    assert set(rates.policy_id) == set(labels.policy_id)
    for name, rows in labels.groupby("policy_id"):
        expected = worlds.score_rates(*(rows[c].to_numpy() for c in ("score_millionths", "weight", "violating_weight")))
        found = rates[rates.policy_id == name]
        assert found.score_from_millionths.tolist() == expected.score_from.tolist(), name
        assert found.labels.tolist() == expected.labels.tolist(), name
        assert found.positives.tolist() == expected.positives.tolist(), name
        assert set(found.score_power) == {expected.score_power}, name
        assert found.violation_rate_billionths.tolist() == expected.rate.tolist(), name
        assert found.std_error_billionths.tolist() == expected.std_error.tolist(), name
        assert set(found.overall_rate_billionths) == {expected.overall_rate}, name
        assert set(found.mean_root_rate_billionths) == {expected.mean_root_rate}, name


def test_rates_do_not_depend_on_the_order_of_rows(results) -> None:
    pd.testing.assert_frame_equal(results["rates_plain"], results["rates_shuffled"])


def test_rates_rise_with_the_score_and_bins_cover_all_scores(rates) -> None:
    for name, rows in rates.groupby("policy_id"):
        assert (rows.violation_rate_billionths.diff().dropna() >= 0).all(), name
        assert rows.score_from_millionths.iloc[0] == 0 and rows.score_until_millionths.iloc[-1] == 1_000_000
        assert (rows.score_from_millionths.iloc[1:].to_numpy() == rows.score_until_millionths.iloc[:-1] + 1).all(), name
        assert (rows.bin_number == np.arange(1, len(rows) + 1)).all() and len(rows) <= 100, name
        assert rows.violation_rate_billionths.between(1, 1_000_000_000).all(), name
        floor = rows.overall_rate_billionths / 1000
        assert (rows.violation_rate_billionths >= np.floor(floor)).all(), name


def test_limits(rates, labels) -> None:
    def of(name: str) -> pd.DataFrame:
        return rates[rates.policy_id == name]

    # (0 + 1/2) / (400 + 1), the same for every score
    assert set(of("no positives").violation_rate_billionths) == {round(0.5 / 401 * 1e9)}
    assert set(of("no positives").score_power) == {0}
    assert (of("all positives").violation_rate_billionths >= 999_000_000).all()
    for name in ("one bin", "zero scores"):
        rows = labels[labels.policy_id == name]
        share = rows.violating_weight.sum() / rows.weight.sum()
        assert len(of(name)) == 1
        assert of(name).violation_rate_billionths.iloc[0] == pytest.approx(share * 1e9, rel=1e-5)
    assert len(of("one label")) == 1
    rising = of("rising").violation_rate_billionths
    assert rising.iloc[-1] > 3 * rising.median()
    # a score that falls with the risk teaches nothing but the mean
    falling = of("falling").violation_rate_billionths
    assert falling.max() < 2.5 * falling.min()


def test_numpy_pools_as_scipy_does() -> None:
    generator = np.random.default_rng(5)
    rate, labels = generator.integers(1, 10**6, 60), generator.integers(1, 50, 60)
    expected = optimize.isotonic_regression(rate, weights=labels).x
    assert worlds._max_min(rate, labels) == pytest.approx(expected, rel=1e-12)


def test_equal_scores_share_a_bin(labels, rates) -> None:
    """Scores with the same whole root of their millionths lie in one bin, so each label is in the bin that counts it."""
    for name, rows in labels.groupby("policy_id"):
        bins = rates[rates.policy_id == name]
        place = np.searchsorted(bins.score_from_millionths, rows.score_millionths, side="right") - 1
        assert np.bincount(place, minlength=len(bins)).tolist() == bins.labels.tolist(), name
