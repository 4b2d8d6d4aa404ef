"""Standard errors of designs on a frame of a million items whose counts are exact: known answers to three digits.

With replacement by the formula of Hansen and Hurwitz; without replacement by Hajek's approximation on the probabilities that the
macro computes in DuckDB.
"""

from __future__ import annotations

import numpy as np
import pytest

from prevalence_evidence.laboratory import worlds

SAMPLED = 5_000
RATES = {0.02: 0.00125, 0.1: 0.0125, 0.4: 0.05, 0.9: 0.5}

# expected positives, standard error with the total known and of a ratio in points, efficiency, Kish's effective size
WITH_REPLACEMENT = {
    "items": (26.9, 0.71496, 0.71308, 0.021, 105.1),
    "exposure": (26.9, 0.10340, 0.10340, 1.000, 5000.0),
    "exposure x score": (366.1, 0.07154, 0.07223, 2.089, 2988.2),
    "exposure x root score": (99.6, 0.07018, 0.07067, 2.171, 4510.2),
    "exposure x root rate": (219.0, 0.06696, 0.06757, 2.385, 3997.8),
    "half exposure, half exposure x score": (196.5, 0.06752, 0.06810, 2.345, 4137.3),
    "root exposure x score": (366.1, 0.11709, 0.11780, 0.780, 1123.3),
    "root exposure x root score": (99.6, 0.11489, 0.11526, 0.810, 1695.5),
}
STRATIFIED = {
    "neyman": (168.4, 0.06570, 2.477),
    "proportional": (26.9, 0.09026, 1.312),
    "equal": (704.7, 0.09411, 1.207),
}
# share of the sample by exposure alone, the rest by exposure x root rate
WITHOUT_REPLACEMENT = {1.0: 0.0903, 0.0: 0.0531, 0.1: 0.0532, 0.2: 0.0534, 0.5: 0.0554}
CERTAINTY_UNITS = 160


@pytest.fixture(scope="module")
def people() -> worlds.Population:
    return worlds.exact_frame()


@pytest.fixture(scope="module")
def rate(people) -> np.ndarray:
    return np.select([people.score == score for score in RATES], list(RATES.values()))


@pytest.mark.parametrize("name", WITH_REPLACEMENT)
def test_with_replacement(people, rate, name) -> None:
    exposure, score = people.exposure, people.score
    size = {
        "items": np.ones(len(exposure)),
        "exposure": exposure,
        "exposure x score": exposure * score,
        "exposure x root score": exposure * np.sqrt(score),
        "exposure x root rate": exposure * np.sqrt(rate),
        "half exposure, half exposure x score": worlds.mixture(exposure, exposure * score, 0.5),
        "root exposure x score": np.sqrt(exposure) * score,
        "root exposure x root score": np.sqrt(exposure) * np.sqrt(score),
    }[name]
    share = size / size.sum()
    total = exposure.sum()
    known = ((people.violating**2 / share).sum() - people.violating.sum() ** 2) / SAMPLED / total**2
    ratio = ((people.violating - people.truth * exposure) ** 2 / share).sum() / SAMPLED / total**2
    by_exposure = people.truth * (1 - people.truth) / SAMPLED
    positives, known_error, ratio_error, efficiency, kish = WITH_REPLACEMENT[name]
    assert SAMPLED * share[people.violating > 0].sum() == pytest.approx(positives, abs=0.05)
    assert 100 * np.sqrt(known) == pytest.approx(known_error, abs=5e-6)
    assert 100 * np.sqrt(ratio) == pytest.approx(ratio_error, abs=5e-6)
    assert by_exposure / known == pytest.approx(efficiency, abs=5e-4)
    assert SAMPLED * total**2 / (exposure**2 / share).sum() == pytest.approx(kish, abs=0.05)


@pytest.mark.parametrize("name", STRATIFIED)
def test_strata_by_score(people, name) -> None:
    stratum = np.searchsorted(list(RATES), people.score)
    weight = np.bincount(stratum, people.exposure) / people.exposure.sum()
    share = np.bincount(stratum, people.violating) / np.bincount(stratum, people.exposure)
    spread = np.sqrt(share * (1 - share))
    part = {"neyman": weight * spread, "proportional": weight, "equal": np.ones(len(weight))}[name]
    drawn = SAMPLED * part / part.sum()
    if name == "neyman":
        assert drawn == pytest.approx([3422.5, 956.6, 351.8, 269.1], abs=0.05)
    variance = (weight**2 * share * (1 - share) / drawn).sum()
    positives, error, efficiency = STRATIFIED[name]
    assert (drawn * share).sum() == pytest.approx(positives, abs=0.05)
    assert 100 * np.sqrt(variance) == pytest.approx(error, abs=5e-6)
    assert people.truth * (1 - people.truth) / SAMPLED / variance == pytest.approx(efficiency, abs=5e-4)


@pytest.fixture(scope="module")
def cells(dbt_calls):
    """Items of each plan by exposure and score, with the probability that the macro gives them."""
    rates = ", ".join(
        f"({score}, {part}, {rate})" for (score, rate), part in zip(RATES.items(), (0.9, 0.08, 0.015, 0.005))
    )
    plans = ", ".join(f"('{defence}', {defence})" for defence in WITHOUT_REPLACEMENT)
    table = f"""
        select plan_id, exposure, score, violation_rate, row_number() over () as unit_id, expected_units,
            cast(round(1e15 * (
                defence * exposure / sum(exposure) over (partition by plan_id)
                + (1 - defence) * exposure * sqrt(violation_rate)
                / sum(exposure * sqrt(violation_rate)) over (partition by plan_id)
            )) as bigint) as size_measure
        from (
            select plans.plan_id, plans.defence, items.exposure, scores.score, scores.violation_rate,
                cast({SAMPLED} as bigint) as expected_units,
                unnest(range(cast(round(items.units * scores.part) as bigint))) as copy
            from (values (1, 400000), (10, 400000), (100, 160000), (1000, 32000), (10000, 8000)) as items (exposure, units)
            cross join (values {rates}) as scores (score, part, violation_rate)
            cross join (values {plans}) as plans (plan_id, defence)
        )
    """
    model = """
        select plan_id, exposure, score, violation_rate, count(*) as units, count_if(is_certainty) as certainty_units,
            min(inclusion_probability) as smallest, max(inclusion_probability) as largest
        from (
            {{ prevalence.inclusion_probabilities(
                'exact_items', unit='unit_id', size='size_measure', expected_units='expected_units', by=['plan_id'],
                columns=['exposure', 'score', 'violation_rate']
            ) }}
        ) as probabilities
        group by plan_id, exposure, score, violation_rate
    """
    return dbt_calls.run({"exact_frame_cells": model}, {"exact_items": table})["exact_frame_cells"]


@pytest.mark.parametrize("defence", WITHOUT_REPLACEMENT)
def test_without_replacement(cells, defence) -> None:
    rows = cells[cells.plan_id == str(defence)]
    assert rows.units.sum() == 1_000_000
    assert (rows.smallest == rows.largest).all()
    if defence < 1:
        assert rows.certainty_units.sum() == CERTAINTY_UNITS
    probability, units = rows.largest.to_numpy(), rows.units.to_numpy()
    violating = units * rows.violation_rate.to_numpy()
    assert (units * probability).sum() == pytest.approx(SAMPLED, rel=1e-9)
    exposure = rows.exposure.to_numpy(float)
    spread = probability * (1 - probability)
    centre = ((1 - probability) * violating * exposure).sum() / (units * spread).sum()
    variance = (spread * (violating * (exposure / probability - centre) ** 2 + (units - violating) * centre**2)).sum()
    found = 100 * np.sqrt(variance) / (units * exposure).sum()
    assert found == pytest.approx(WITHOUT_REPLACEMENT[defence], abs=5e-5)
