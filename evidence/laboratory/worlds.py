"""Populations with known truth, scores of known quality, and what earlier labels teach about the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

Array = np.ndarray
EXACT_FRAME = "exact frame"
TAILS = ("flat", "log-normal 1", "log-normal 1.5", "log-normal 2", "clustered users")
EARLIER_DAYS = 28
# what the macro `_learned_rates` has, too
SCORE_BINS = 100
SCORE_GROUPS = 10
PSEUDO_POSITIVES = 20.0
DEFENCE = 0.2
PRIOR_POWER = 0.5
PRIOR_COST = 2.0
# of the root of the rate, in sixteenths: the rate goes with the score to the power of an eighth of it
ROOT_POWERS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32)


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


@dataclass(frozen=True)
class ScoreRates:
    """Rates of violation by bins of the score, in rising order: what the macro `_learned_rates` returns for a group."""

    score_from: Array  # in millionths, whole; a bin ends where the next one begins
    labels: Array
    positives: Array
    rate: Array  # whole billionths
    std_error: Array  # whole billionths
    overall_rate: int  # whole billionths
    mean_root_rate: int  # whole billionths
    score_power: float  # the power of the score that fits best

    def at(self, score_millionths: Array) -> Array:
        """Each score's rate, in billionths."""
        return self.rate[np.searchsorted(self.score_from, score_millionths, side="right") - 1]


def score_rates(score_millionths: Array, weight: Array, violating_weight: Array) -> ScoreRates:
    """The same steps as the macro `_learned_rates`, and the same whole numbers: see there for what they are.

    One element per labelled unit: the score, its weight, and the part of its weight that violates.
    """
    bucket, place = np.unique(np.floor(np.sqrt(score_millionths)).astype(np.int64), return_inverse=True)

    def by_bucket(values: Array) -> Array:
        sums = np.zeros(len(bucket), dtype=np.int64)
        np.add.at(sums, place, values)
        return sums

    labels = by_bucket(np.ones(len(place), dtype=np.int64))
    first = np.floor(SCORE_BINS * (np.cumsum(labels) - labels) / len(place))
    starts = np.flatnonzero(np.diff(first, prepend=-1))

    def by_bin(values: Array) -> Array:
        return np.add.reduceat(by_bucket(values), starts)

    labels = np.add.reduceat(labels, starts)
    weights, violating = by_bin(weight), by_bin(violating_weight)
    # within a bin a label counts as one, whatever its weight: weights differ by score most of all, and that is known
    positives = _whole(1e6 * labels * (violating / weights))
    squares = _whole(1e6 * by_bin(violating_weight**2) * (labels / weights) ** 2)
    relative_score = np.maximum(by_bin(score_millionths) / labels, 0.5)
    relative_score = relative_score / relative_score.max()
    sixteenth = np.sqrt(np.sqrt(np.sqrt(np.sqrt(relative_score))))
    costs, roots = [], []
    for power in ROOT_POWERS:
        root = np.ones(len(labels))
        for _ in range(power):
            root = root * sixteenth
        whole = _whole(1e9 * root)
        mean = (labels * whole).sum() / labels.sum()
        costs.append(_whole(positives / (DEFENCE + (1 - DEFENCE) * (whole / mean))).sum())
        roots.append(root)
    has_positives = positives.sum() > 0
    information = positives.sum() / squares.sum() / 1e6 if has_positives else 0.0
    effective_positives = max(positives.sum() * information, 1.0)
    powers = np.array(ROOT_POWERS) / 8
    best = int(np.argmin(np.array(costs) * (1 + PRIOR_COST * (powers - PRIOR_POWER) ** 2 / effective_positives)))
    curve = _whole(1e12 * (roots[best] * roots[best]))
    per_label = positives.sum() * (curve / (labels * curve).sum())  # millionths
    expected = _whole(labels * per_label)
    before = np.cumsum(expected) - expected
    group = np.floor(SCORE_GROUPS * before / max(expected.sum(), 1))
    found, foreseen = (np.array([part[group == one].sum() for one in group]) for part in (positives, expected))
    overall = _whole((labels.sum() * (violating.sum() / weights.sum()) + 0.5) / (labels.sum() + 1) * 1e9)
    of_group = (found * information + PSEUDO_POSITIVES) / (foreseen * information + PSEUDO_POSITIVES)
    corrected = (positives * information + PSEUDO_POSITIVES * of_group) / (expected * information + PSEUDO_POSITIVES)
    rate = _whole(np.minimum(1e3 * (per_label * corrected), 1e9)) if has_positives else labels * 0 + overall
    monotone = _max_min(rate, labels)
    rate = np.maximum(_whole(monotone), max(_whole(overall / 1000), 1))
    effective_labels = weights * (weights / by_bin(weight**2))
    score_from = bucket[starts] ** 2
    score_from[0] = 0
    return ScoreRates(
        score_from=score_from,
        labels=labels,
        positives=by_bin((violating_weight > 0).astype(np.int64)),
        rate=rate,
        std_error=_whole(np.sqrt(rate * ((1e9 - rate) / effective_labels))),
        overall_rate=int(overall),
        mean_root_rate=int(_whole((weights * _whole(np.sqrt(rate * 1e9))).sum() / weights.sum())),
        score_power=float(powers[best]),
    )


def _whole(values: Array) -> Array:
    """Rounded half away from zero, as SQL does; none is negative."""
    return np.floor(np.asarray(values) + 0.5).astype(np.int64)


def _max_min(rate: Array, labels: Array) -> Array:
    """Isotonic regression: of bin i the largest over a <= i of the smallest over b >= i of the means of bins a to b."""
    sums = np.concatenate([[0], np.cumsum(rate * labels)])
    counts = np.concatenate([[0], np.cumsum(labels)])
    best = np.full(len(rate), -np.inf)
    for start in range(len(rate)):
        means = (sums[start + 1 :] - sums[start]) / (counts[start + 1 :] - counts[start])
        best[start:] = np.maximum(best[start:], np.minimum.accumulate(means[::-1])[::-1])
    return best


def learned_rates(people: Population, sampled: int, generator: np.random.Generator) -> Array:
    """Each unit's rate of violation given its score, learned from 28 earlier days and from nothing else.

    The earlier days were drawn by the cold start: half defence on the raw root score.
    """
    raw = people.exposure * np.sqrt(people.score)
    probability = inclusion_probabilities(mixture(people.exposure, raw, 0.5), sampled)
    _, unit = bernoulli(probability, EARLIER_DAYS, generator)
    return rates_from_labels(people, unit, probability).at(score_millionths(people)) / 1e9


def score_millionths(people: Population) -> Array:
    return _whole(people.score * 1e6)


def rates_from_labels(people: Population, unit: Array, probability: Array) -> ScoreRates:
    """What the labels of drawn units teach: weights are exposure over probability, and a unit that was drawn on several
    days counts once. Their mean is a thousand."""
    weight = people.exposure[unit] / probability[unit] / np.bincount(unit)[unit]
    weight = np.maximum(_whole(1000 * weight / weight.mean()), 1)
    violating = _whole(weight * (people.violating[unit] / people.exposure[unit]))
    return score_rates(score_millionths(people)[unit], weight, violating)
