"""One-phase designs: draw many samples of a population and reduce each to the sums that every interval starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prevalence.planner.bounds import Estimates
from prevalence_evidence.laboratory import sums
from prevalence_evidence.laboratory.worlds import Population, bernoulli, inclusion_probabilities, mixture

Array = np.ndarray
ROWS_AT_ONCE = 3_000_000
STRATUM_FLOOR = 20


@dataclass(frozen=True)
class Design:
    """`draw` is how units are drawn (poisson, pareto, simple_random, with_replacement or stratified), with a size measure
    of which the share `defence` is by exposure and the rest by exposure x `by` to the power `power`."""

    name: str
    draw: str
    by: str = ""  # score, as it is; rates, learned from earlier labels; nothing
    power: float = 0.5
    defence: float = 1.0

    @property
    def is_with_replacement(self) -> bool:
        return self.draw in ("with_replacement", "stratified")

    def size(self, people: Population, rates: Array) -> Array:
        if self.draw == "simple_random":
            return np.ones(len(people.exposure))
        if not self.by:
            return people.exposure
        risk = rates if self.by == "rates" else people.score
        return mixture(people.exposure, people.exposure * risk**self.power, self.defence)


DEFAULT = "calibrated root, defence .2"
COLD_START = "raw root, defence .5"
DESIGNS = (
    Design("simple random", "simple_random"),
    Design("exposure", "poisson"),
    Design("exposure x score", "poisson", "score", 1.0, 0.0),
    Design("exposure x root score", "poisson", "score", 0.5, 0.0),
    Design("raw score, defence .5", "poisson", "score", 1.0, 0.5),
    Design(COLD_START, "poisson", "score", 0.5, 0.5),
    Design("calibrated root, defence 0", "poisson", "rates", 0.5, 0.0),
    Design("calibrated root, defence .1", "poisson", "rates", 0.5, 0.1),
    Design(DEFAULT, "poisson", "rates", 0.5, 0.2),
    Design("calibrated root, defence .5", "poisson", "rates", 0.5, 0.5),
    Design("calibrated root, defence .2, Pareto", "pareto", "rates", 0.5, 0.2),
    Design("calibrated root, defence .2, with replacement", "with_replacement", "rates", 0.5, 0.2),
    Design("score strata, Neyman", "stratified"),
)


def named(name: str) -> Design:
    return next(design for design in DESIGNS if design.name == name)


def estimates(
    design: Design, people: Population, rates: Array, sampled: int, runs: int, generator: np.random.Generator
) -> Estimates:
    """Draw `runs` samples of (expected) size `sampled`."""
    at_once = max(1, ROWS_AT_ONCE // sampled)
    parts = []
    for start in range(0, runs, at_once):
        parts.append(_estimates(design, people, rates, sampled, min(at_once, runs - start), generator))
    return Estimates.join(parts)


@dataclass(frozen=True)
class Sample:
    """Rows of many runs: which run, which unit, and what the design was. One element per unit where it says so."""

    run: Array
    unit: Array
    runs: int
    probability: Array  # per unit; with replacement: the expected number of times that it is drawn
    stratum: Array  # per unit
    drawn: Array  # per stratum


def sample(
    design: Design, people: Population, rates: Array, sampled: int, runs: int, generator: np.random.Generator
) -> Sample:
    """Draw `runs` samples of (expected) size `sampled`."""
    units = len(people.exposure)
    stratum, drawn = np.zeros(units, dtype=int), np.array([sampled])
    size = design.size(people, rates)
    if design.draw == "stratified":
        stratum, drawn = _neyman(people, rates, sampled)
    if design.is_with_replacement:
        run, unit = _with_replacement(size, stratum, drawn, runs, generator)
        probability = size * (drawn / np.bincount(stratum, size, len(drawn)))[stratum]
        return Sample(run, unit, runs, probability, stratum, drawn)
    probability = inclusion_probabilities(size, sampled)
    if design.draw == "poisson":
        run, unit = bernoulli(probability, runs, generator)
    else:
        run, unit = _pareto(probability, sampled, runs, generator)
    return Sample(run, unit, runs, probability, stratum, drawn)


def _estimates(
    design: Design, people: Population, rates: Array, sampled: int, runs: int, generator: np.random.Generator
) -> Estimates:
    rows = sample(design, people, rates, sampled, runs, generator)
    run, unit, probability = rows.run, rows.unit, rows.probability
    expanded = people.exposure[unit] / probability[unit]
    positive = people.violating[unit] / probability[unit]

    def total(values: Array) -> Array:
        return np.bincount(run, values, runs)

    exposure_total = total(expanded)
    share = total(positive) / exposure_total
    residual = positive - share[run] * expanded
    if design.draw in ("poisson", "pareto"):
        # a Pareto draw's centring term vanishes for a ratio
        variance = total((1 - probability[unit]) * residual**2)
        counted = sums.of_poisson(run, runs, probability[unit], expanded, positive)
    else:
        strata = len(rows.drawn)
        group = run * strata + rows.stratum[unit]
        square = np.bincount(group, residual**2, runs * strata).reshape(runs, strata)
        linear = np.bincount(group, residual, runs * strata).reshape(runs, strata)
        spread = square - linear**2 / rows.drawn
        correction = 1 - sampled / len(probability) if design.draw == "simple_random" else 1.0
        variance = correction * (spread * rows.drawn / (rows.drawn - 1)).sum(axis=1)
        counted = sums.of_strata(group, rows.drawn, runs, correction, expanded, positive)
    is_open = probability < 1 if not design.is_with_replacement else np.ones(len(probability), dtype=bool)
    weight = people.exposure / probability
    expected = rates * people.exposure
    missed = float((expected * weight)[is_open].sum() / expected[is_open].sum()) if is_open.any() else 0.0
    largest = float(weight[is_open].max()) if is_open.any() else 0.0
    fourth = total(positive**4)
    sampled_units = np.bincount(run, minlength=runs).astype(float)
    return Estimates(
        share=share,
        variance=variance / exposure_total**2,
        sampled=sampled_units,
        degrees_of_freedom=sampled_units - len(rows.drawn),
        positives=total((positive > 0).astype(float)),
        effective_positives=total(positive**2) ** 2 / np.where(fourth > 0, fourth, 1.0),
        certain_share=total(np.where(is_open[unit], 0.0, positive)) / exposure_total,
        missed_weight=missed / exposure_total,
        largest_weight=largest / exposure_total,
        **counted,
    )


def _pareto(probability: Array, sampled: int, runs: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """The `sampled` smallest of [U / (1 - U)] / [pi / (1 - pi)]; equal probabilities are simple random sampling.

    Only units that could be among them are looked at: those whose ratio is at most `reach`.
    """
    reach = 1 + 12 / np.sqrt(sampled)
    odds = probability / np.maximum(1 - probability, 1e-300)
    likely = np.where(probability < 1, reach * odds / (1 + reach * odds), 1.0)
    run, unit = bernoulli(likely, runs, generator)
    uniform = generator.random(len(unit)) * likely[unit]
    ratio = np.where(probability[unit] < 1, uniform / (1 - uniform) / odds[unit], 0.0)
    order = np.lexsort((ratio, run))
    run, unit = run[order], unit[order]
    found = np.bincount(run, minlength=runs)
    if found.min() < sampled:
        raise ValueError(f"a Pareto draw found {found.min()} of {sampled} units within reach; raise `reach`")
    rank = np.arange(len(run)) - np.repeat(np.cumsum(found) - found, found)
    kept = rank < sampled
    return run[kept], unit[kept]


def _with_replacement(
    size: Array, stratum: Array, drawn: Array, runs: int, generator: np.random.Generator
) -> tuple[Array, Array]:
    runs_drawn, units_drawn = [], []
    for number, count in enumerate(drawn):
        members = np.flatnonzero(stratum == number)
        reach = np.cumsum(size[members])
        place = np.searchsorted(reach, generator.random(count * runs) * reach[-1], side="right")
        units_drawn.append(members[np.minimum(place, len(members) - 1)])
        runs_drawn.append(np.repeat(np.arange(runs), count))
    return np.concatenate(runs_drawn), np.concatenate(units_drawn)


def _neyman(people: Population, rates: Array, sampled: int) -> tuple[Array, Array]:
    """Five strata by score, with half of the exposure in the lowest; Neyman's allocation with a floor."""
    order = np.argsort(people.score, kind="stable")
    below = np.cumsum(people.exposure[order]) / people.exposure.sum()
    stratum = np.empty(len(order), dtype=int)
    stratum[order] = np.searchsorted([0.5, 0.8, 0.95, 0.99], below, side="left")
    weight = np.bincount(stratum, people.exposure, 5)
    rate = np.bincount(stratum, people.exposure * rates, 5) / weight
    ideal = weight * np.sqrt(rate * (1 - rate))
    spare = sampled - 5 * STRATUM_FLOOR
    drawn = STRATUM_FLOOR + np.floor(spare * ideal / ideal.sum()).astype(int)
    drawn[np.argmax(ideal)] += sampled - drawn.sum()
    return stratum, drawn
