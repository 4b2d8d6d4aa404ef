"""Sums of many samples at once that the counted kinds start from: as macros/survey/estimates/_survey_estimates_counted.sql."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def of_poisson(run: Array, runs: int, probability: Array, expanded: Array, positive: Array) -> dict[str, Array]:
    """Units with probabilities of their own; `expanded` is a unit's w x (0 where nobody looked), `positive` its w y."""

    def total(values: Array) -> Array:
        return np.bincount(run, values, runs)

    base, still_open = total(expanded), 1 - probability
    share = total(positive) / base
    heaviest, heaviest_square = (largest(run, runs, still_open * expanded**power) for power in (1, 2))
    return {
        "third_moment": 2 * total(still_open * positive**3) * (1 - share) * (1 - 2 * share) / base**3,
        "base_variance": total(still_open * expanded**2) / base**2,
        "counted": total(probability * positive) / base,
        "counted_rest": total(probability * (expanded - positive)) / base,
        "unit": ratio(total(still_open * probability * positive**2), total(still_open * positive)) / base,
        "unit_of_all": ratio(total(still_open * probability * expanded**2), total(still_open * expanded)) / base,
        "event": share**2 * heaviest / base,
        "event_square": share**2 * heaviest_square / base**2,
    }


def of_strata(
    group: Array, drawn: Array, runs: int, still_open: float, expanded: Array, positive: Array
) -> dict[str, Array]:
    """So many units drawn of each stratum, of which the share `still_open` of the population is not in the sample;
    `group` is run x strata + stratum."""
    strata = len(drawn)

    def total(values: Array) -> Array:
        return np.bincount(group, values, runs * strata).reshape(runs, strata)

    a, b = total(positive), total(expanded)
    base, share_of = b.sum(axis=1), np.clip(ratio(a, b), 0, 1)
    known = 1 - still_open
    # what is left where all weights are alike is rounding
    spread = np.maximum(total(expanded**2) - b**2 / drawn, 0)
    heaviest = largest(group, runs * strata, expanded).reshape(runs, strata)
    third = 2 * still_open * total(positive**3) * (1 - share_of) * (1 - 2 * share_of)
    third *= np.where(drawn > 2, drawn**2 / np.maximum((drawn - 1) * (drawn - 2), 1), 1.0)
    return {
        "third_moment": third.sum(axis=1) / base**3,
        "base_variance": (still_open * drawn / np.maximum(drawn - 1, 1) * spread).sum(axis=1) / base**2,
        "counted": known * a.sum(axis=1) / base,
        "counted_rest": known * (b - a).sum(axis=1) / base,
        "unit": known * ratio(total(positive**2).sum(axis=1), a.sum(axis=1)) / base,
        "unit_of_all": known * ratio(total(expanded**2).sum(axis=1), base) / base,
        "event": (share_of**2 * still_open * heaviest).max(axis=1) / base,
        "event_square": (share_of**2 * still_open * heaviest**2).max(axis=1) / base**2,
    }


def largest(group: Array, groups: int, values: Array) -> Array:
    found = np.zeros(groups)
    np.maximum.at(found, group, values)
    return found


def ratio(a: Array, b: Array) -> Array:
    return a / np.where(b > 0, b, np.inf)
