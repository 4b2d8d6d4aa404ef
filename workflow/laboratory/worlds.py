"""Populations with known truth, scores of known quality, and what earlier labels teach about the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

Array = np.ndarray
EXACT_FRAME = "exact frame"
TAILS = ("flat", "log-normal 1", "log-normal 1.5", "log-normal 2", "clustered users")
EARLIER_DAYS = 28
SCORE_BINS = 20
PSEUDO_UNITS = 5.0


@dataclass(frozen=True)
class World:
    """What a population is drawn from.

    `tail` is the distribution of exposure over units. With `clustered users` a unit is a user, whose exposure is
    log-normal (sigma 1.5) and in part violating, if the user is one of those who meet violations at all.
    `score_quality` is the correlation of the score's latent variable with that of the risk: 0 is useless.
    """

    tail: str
    prevalence: float
    score_quality: float

    @property
    def name(self) -> str:
        return f"{self.tail}, {100 * self.prevalence:g} %, score {self.score_quality:g}"


@dataclass(frozen=True)
class Population:
    exposure: Array
    violating: Array  # exposure that violates
    score: Array
    risk: Array  # latent standard normal
    base: float  # the logit of a violation where the risk is 0

    @property
    def truth(self) -> float:
        return float(self.violating.sum() / self.exposure.sum())


def population(world: World, units: int, generator: np.random.Generator) -> Population:
    """Draw a population whose expected prevalence is the world's; none without a single violation."""
    if world.tail == EXACT_FRAME:
        return exact_frame()
    sigma = {"flat": 0.0, "log-normal 1": 1.0, "log-normal 1.5": 1.5, "log-normal 2": 2.0, "clustered users": 1.5}
    exposure = np.ceil(np.exp(sigma[world.tail] * generator.standard_normal(units)))
    risk = generator.standard_normal(units)
    noise = generator.standard_normal(units)
    is_clustered = world.tail == "clustered users"
    part = 0.25 if is_clustered else 1.0

    def excess(base: float) -> float:
        return float((exposure * special.expit(base + 2 * risk)).sum() / exposure.sum() * part - world.prevalence)

    base = optimize.brentq(excess, -20.0, 5.0)
    mixed = world.score_quality * risk + np.sqrt(1 - world.score_quality**2) * noise
    score = special.expit(base + 2 * mixed)
    while True:
        violates = generator.random(units) < special.expit(base + 2 * risk)
        violating = exposure * violates
        if is_clustered:
            violating = generator.binomial(violating.astype(int), generator.beta(1, 3, units)).astype(float)
        if violating.any():
            return Population(exposure, violating, score, risk, base)


def exact_frame() -> Population:
    """A million items whose counts are all exact: 0.5375 % of items and of impressions violate.

    Impressions of 1, 10, 100, 1,000 and 10,000; within each, scores of .02, .1, .4 and .9 with rates of violation of
    .00125, .0125, .05 and .5.
    """
    exposure, violating, score = [], [], []
    for impressions, items in ((1, 400_000), (10, 400_000), (100, 160_000), (1_000, 32_000), (10_000, 8_000)):
        for value, part, rate in ((0.02, 0.9, 0.00125), (0.1, 0.08, 0.0125), (0.4, 0.015, 0.05), (0.9, 0.005, 0.5)):
            count = round(items * part)
            exposure.append(np.full(count, float(impressions)))
            violating.append(np.where(np.arange(count) < round(count * rate), float(impressions), 0.0))
            score.append(np.full(count, value))
    joined = [np.concatenate(parts) for parts in (exposure, violating, score)]
    return Population(*joined, risk=np.zeros(len(joined[0])), base=0.0)


def inclusion_probabilities(size: Array, expected: float) -> Array:
    """Proportional to size with certainties; as the macro `inclusion_probabilities`."""
    certain = np.zeros(len(size), dtype=bool)
    while True:
        share = (expected - certain.sum()) * size / size[~certain].sum()
        fresh = ~certain & (share >= 1)
        if not fresh.any():
            return np.where(certain, 1.0, share)
        certain |= fresh


def bernoulli(probability: Array, runs: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Independent draws: run and unit of everything drawn, at a cost that grows with what is drawn.

    Units are put into classes by the power of two above their probability; a class is walked with geometric steps and
    thinned to the unit's own probability.
    """
    exponent = np.ceil(np.log2(np.maximum(probability, 1e-15)))
    drawn_runs, drawn_units = [], []
    for power in np.unique(exponent):
        members = np.flatnonzero(exponent == power)
        bound = min(1.0, 2.0**power)
        places = len(members) * runs
        if bound > 0.2:
            hits = np.flatnonzero(generator.random(places) < bound)
        else:
            steps = generator.geometric(bound, int(places * bound + 10 * np.sqrt(places * bound) + 50))
            hits = np.cumsum(steps) - 1
            hits = hits[hits < places]
        unit = members[hits % len(members)]
        kept = generator.random(len(unit)) < probability[unit] / bound
        drawn_runs.append((hits // len(members))[kept])
        drawn_units.append(unit[kept])
    return np.concatenate(drawn_runs), np.concatenate(drawn_units)


def mixture(by_exposure: Array, by_risk: Array, defence: float) -> Array:
    """Share `defence` by exposure, the rest by risk."""
    return defence * by_exposure / by_exposure.sum() + (1 - defence) * by_risk / by_risk.sum()


def learned_rates(people: Population, sampled: int, generator: np.random.Generator) -> Array:
    """Each unit's rate of violation given its score, learned from 28 earlier days and from nothing else.

    The earlier days were drawn with half defence on the raw root score. Weighted rates in score bins, pseudo-units of
    the overall rate, monotone by pooling of adjacent violators, with a floor of a thousandth of the overall rate.
    """
    raw = people.exposure * np.sqrt(people.score)
    probability = inclusion_probabilities(mixture(people.exposure, raw, 0.5), sampled)
    _, unit = bernoulli(probability, EARLIER_DAYS, generator)
    weight = 1 / probability[unit]
    share = people.violating[unit] / people.exposure[unit]
    edges = np.unique(np.quantile(people.score[unit], np.linspace(0, 1, SCORE_BINS + 1)[1:-1]))
    place = np.searchsorted(edges, people.score[unit])
    bins = len(edges) + 1
    labels = np.bincount(place, minlength=bins)
    weights = np.bincount(place, weight, bins)
    overall = (np.sum(weight * share) + 0.5 * weight.mean()) / weight.sum()
    rate = np.bincount(place, weight * share, bins) / np.maximum(weights, 1e-300)
    rate = (rate * labels + PSEUDO_UNITS * overall) / (labels + PSEUDO_UNITS)
    monotone = optimize.isotonic_regression(rate, weights=labels + PSEUDO_UNITS).x
    return np.maximum(monotone, overall / 1000)[np.searchsorted(edges, people.score)]
