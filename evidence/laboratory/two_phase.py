"""The headline estimator: a judge labels every drawn unit, experts a probability audit of them; Poisson and Poisson.

The audit is allocated by what the judge said and by the risk; the estimate is that of `est_prevalence` (experts alone,
each with one over the product of both probabilities). `difference` (judge plus weighted residual) and the judge's
naive figure stand beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from prevalence.planner.bounds import Estimates
from prevalence_evidence.laboratory import designs, sums
from prevalence_evidence.laboratory.worlds import Population, bernoulli, inclusion_probabilities

Array = np.ndarray
RISK_BANDS = (0.5, 0.8, 0.95, 0.99)


@dataclass(frozen=True)
class Judge:
    """Says violating to a share `sensitivity` of violations and to `false_floor` + `false_slope` x risk of the others.

    `believed_sensitivity` is what the audit is allocated with.
    """

    name: str
    sensitivity: float
    false_floor: float
    false_slope: float
    believed_sensitivity: float

    def says_violating(self, people: Population, generator: np.random.Generator) -> Array:
        violating = people.violating > 0
        false = self.false_floor + self.false_slope * special.expit(people.base / 2 + 2 + 2 * people.risk)
        return generator.random(len(violating)) < np.where(violating, self.sensitivity, false)


JUDGES = (
    Judge("good", 0.95, 0.0005, 0.01, 0.95),
    Judge("usual", 0.85, 0.001, 0.03, 0.85),
    Judge("poor", 0.6, 0.005, 0.05, 0.6),
    Judge("overrated", 0.5, 0.001, 0.03, 0.85),
)
DEFAULT_ALLOCATION = "disagreement, defence .15"
ALLOCATIONS = (
    "uniform",
    DEFAULT_ALLOCATION,
    "disagreement, defence .5",
    "all that the judge calls violating",
)


@dataclass(frozen=True)
class Headline:
    """Sums per run, with the missed weight for each belief about how many violations the judge misses."""

    estimates: dict[float, Estimates]
    difference: Array
    judge: Array


# share of a violation that was not met which the judge would have missed, too
MISSED_SHARES = (0.0, 0.5, 1.0)
DEFAULT_MISSED_SHARE = 1.0


def headline(
    people: Population,
    rates: Array,
    judge: Judge,
    allocation: str,
    judged: int,
    audited: int,
    runs: int,
    generator: np.random.Generator,
) -> Headline:
    """Draw `judged` units with the default design and audit `audited` of them, `runs` times over."""
    first = inclusion_probabilities(designs.named(designs.DEFAULT).size(people, rates), judged)
    calls = judge.says_violating(people, generator)
    disagreement = _believed_rates(people, rates, judge, calls)
    at_once = max(1, designs.ROWS_AT_ONCE // judged)
    parts = [
        _headline(people, rates, first, calls, disagreement, allocation, audited, min(at_once, runs - start), generator)
        for start in range(0, runs, at_once)
    ]
    return Headline(
        {share: Estimates.join([part.estimates[share] for part in parts]) for share in MISSED_SHARES},
        np.concatenate([part.difference for part in parts]),
        np.concatenate([part.judge for part in parts]),
    )


def _believed_rates(people: Population, rates: Array, judge: Judge, calls: Array) -> Array:
    """Rate of violation by the judge's answer and risk band, as the planner believes it."""
    band = np.searchsorted(np.quantile(rates, RISK_BANDS), rates)
    cell = 2 * band + calls
    weight = np.bincount(cell, people.exposure, 2 * (len(RISK_BANDS) + 1))
    known = np.bincount(cell, people.violating, len(weight)) / np.maximum(weight, 1e-300)
    # where the judge says no, what is left depends on how much it is believed to miss
    known[::2] *= (1 - judge.believed_sensitivity) / (1 - judge.sensitivity)
    return np.clip(known, people.truth / 50, 0.98)[cell]


def _headline(
    people: Population,
    rates: Array,
    first: Array,
    calls: Array,
    believed: Array,
    allocation: str,
    audited: int,
    runs: int,
    generator: np.random.Generator,
) -> Headline:
    run, unit = bernoulli(first, runs, generator)

    def total(values: Array) -> Array:
        return np.bincount(run, values, runs)

    weighted = people.exposure[unit] / first[unit]
    called = calls[unit]
    share_violating = people.violating[unit] / people.exposure[unit]
    second = _audit_probabilities(allocation, run, runs, weighted, called, believed[unit], rates[unit], audited)
    chosen = generator.random(len(unit)) < second
    overall = first[unit] * second
    expanded = np.where(chosen, weighted / second, 0.0)
    positive = expanded * share_violating
    exposure_total = total(expanded)
    share = total(positive) / exposure_total
    variance = total((1 - overall) * (positive - share[run] * expanded) ** 2) / exposure_total**2
    is_open = overall < 1
    weight = weighted / second
    missed = []
    for answer in (True, False):
        where = is_open & (called == answer)
        expected = np.where(where, weighted * rates[unit], 0.0)
        missed.append(total(expected * weight) / np.maximum(total(expected), 1e-300))
    largest = np.zeros(runs)
    np.maximum.at(largest, run, np.where(is_open, weight, 0.0))
    fourth = total(positive**4)
    shared = {
        "share": share,
        "variance": variance,
        "sampled": total(chosen.astype(float)),
        "degrees_of_freedom": total(chosen.astype(float)) - 1,
        "positives": total((positive > 0).astype(float)),
        "effective_positives": total(positive**2) ** 2 / np.where(fourth > 0, fourth, 1.0),
        "certain_share": total(np.where(is_open, 0.0, positive)) / exposure_total,
        "largest_weight": largest / exposure_total,
        **sums.of_poisson(run, runs, overall, expanded, positive),
    }
    judged_total = total(weighted)
    return Headline(
        {
            value: Estimates(**shared, missed_weight=((1 - value) * missed[0] + value * missed[1]) / exposure_total)
            for value in MISSED_SHARES
        },
        difference=(total(weighted * called) + total(expanded * (share_violating - called))) / judged_total,
        judge=total(weighted * called) / judged_total,
    )


def _audit_probabilities(
    allocation: str,
    run: Array,
    runs: int,
    weighted: Array,
    called: Array,
    believed: Array,
    rates: Array,
    audited: int,
) -> Array:
    def shares(size: Array) -> Array:
        return size / np.maximum(np.bincount(run, size, runs), 1e-300)[run]

    fixed = np.zeros(len(run), dtype=bool)
    if allocation == "uniform":
        size = shares(weighted)
    elif allocation.startswith("disagreement"):
        defence = float(allocation.rsplit(" ", 1)[1])
        size = defence * shares(weighted) + (1 - defence) * shares(weighted * np.sqrt(believed * (1 - believed)))
    else:
        # as the model draw_audits: certainty where the judge says violating, elsewhere by weight and by risk
        fixed = called
        quiet = np.where(called, 0.0, weighted)
        size = 0.5 * shares(quiet) + 0.5 * shares(quiet * np.sqrt(rates))
    probability = np.where(fixed, 1.0, 0.0)
    spare = np.maximum(audited - np.bincount(run, fixed.astype(float), runs), audited / 4)
    for _ in range(8):
        is_full = probability >= 1
        rest = np.bincount(run, np.where(is_full, 0.0, size), runs)
        left = spare - np.bincount(run, (is_full & ~fixed).astype(float), runs)
        probability = np.where(is_full, 1.0, np.minimum(1.0, size * (left / np.maximum(rest, 1e-300))[run]))
    # nothing that was drawn is beyond the audit's reach
    return np.maximum(probability, 1e-9)
