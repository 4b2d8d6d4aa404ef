"""Interval kinds from the sums of many runs at once: the functions that the macros call, and what they are held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from python_udfs import intervals

Array = np.ndarray
ALPHA = 0.05
DEFAULT = "counted_growing"
COUNTED = ("counted", "counted_mid_p", "counted_growing")
# positives that make the missed event half as heavy again (macros/survey/shared/_survey_counted.sql)
GROWS_BY_HALF = 30.0


@dataclass(frozen=True)
class Estimates:
    """One element per run. Weights are as shares: w x over the sum of w x."""

    share: Array
    variance: Array
    sampled: Array
    degrees_of_freedom: Array
    positives: Array
    effective_positives: Array  # (sum a^2)^2 / sum a^4
    certain_share: Array  # what comes from units taken with certainty
    missed_weight: Array  # of a violation outside the sample, on average
    largest_weight: Array  # in the frame, without certainties
    # what the counted kinds take besides (macros/survey/shared/_survey_counted.sql)
    third_moment: Array
    base_variance: Array  # of what the share is of, relative to it
    counted: Array  # what the sample found, as a part of the share that is known
    counted_rest: Array  # the same of what does not have the property
    unit: Array  # steps in which a finite population moves
    unit_of_all: Array
    event: Array  # of one more unit without the property, and its square
    event_square: Array

    @staticmethod
    def join(parts: list[Estimates]) -> Estimates:
        return Estimates(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Estimates)))


def _from_effective_n(name: str, freedom: Callable[[Estimates], Array]) -> Callable[[Estimates, str], Array]:
    def bound(e: Estimates, side: str) -> Array:
        effective_n = e.share * (1 - e.share) / e.variance
        function = getattr(intervals, f"{name}_{side}")
        if name in ("wilson", "agresti_coull"):
            return function(e.share, effective_n, freedom(e), _alpha(e))
        return function(e.share, effective_n, e.sampled, freedom(e), _alpha(e))

    return bound


def _from_standard_error(name: str) -> Callable[[Estimates, str], Array]:
    return lambda e, side: getattr(intervals, f"{name}_{side}")(
        e.share, np.sqrt(e.variance), _design_freedom(e), _alpha(e)
    )


def _gamma(weight: Callable[[Estimates], Array]) -> Callable[[Estimates, str], Array]:
    return lambda e, side: getattr(intervals, f"gamma_{side}")(
        e.share, e.certain_share, e.variance, weight(e), e.effective_positives, _alpha(e)
    )


def _counted(name: str, grows: bool = False) -> Callable[[Estimates, str], Array]:
    def bound(e: Estimates, side: str) -> Array:
        function, whole = getattr(intervals, f"{name}_{side}"), np.ones(len(e.share))
        freedom = np.full(len(e.share), np.inf)
        moments = (e.base_variance, e.variance, e.third_moment)
        if side == "lower":
            return function(e.share, e.counted, *moments, e.event, e.event_square, e.unit, freedom, _alpha(e))
        weight = e.missed_weight * (1 + e.positives / (e.positives + GROWS_BY_HALF) if grows else 1)
        missed = (weight, weight**2)
        return function(e.share, e.counted_rest, whole, *moments, *missed, e.unit_of_all, freedom, _alpha(e))

    return bound


def _alpha(e: Estimates) -> Array:
    return np.full(len(e.share), ALPHA)


def _design_freedom(e: Estimates) -> Array:
    return np.maximum(e.degrees_of_freedom, 1)


KINDS: dict[str, Callable[[Estimates, str], Array]] = {
    "wald_t": _from_standard_error("wald_t"),
    "logit": _from_standard_error("logit"),
    "asin": _from_standard_error("asin"),
    "wilson": _from_effective_n("wilson", _design_freedom),
    "likelihood": _from_effective_n("likelihood", _design_freedom),
    "jeffreys": _from_effective_n("jeffreys", _design_freedom),
    "korn_graubard": _from_effective_n("korn_graubard", _design_freedom),
    "korn_graubard_trunc": _from_effective_n("korn_graubard_trunc", _design_freedom),
    "korn_graubard_positives": _from_effective_n(
        "korn_graubard", lambda e: np.minimum(_design_freedom(e), 2 * e.effective_positives)
    ),
    # once the effective positives; no macro offers it
    "korn_graubard, t from positives": _from_effective_n(
        "korn_graubard", lambda e: np.minimum(_design_freedom(e), e.effective_positives)
    ),
    "gamma": _gamma(lambda e: e.missed_weight),
    "gamma, largest weight": _gamma(lambda e: e.largest_weight),
    "counted": _counted("counted"),
    "counted_mid_p": _counted("counted_mid_p"),
    "counted_growing": _counted("counted_mid_p", grows=True),
}


def interval(kind: str, e: Estimates, with_replacement: bool = False) -> tuple[Array, Array]:
    """Bounds per run. Where nothing was found all kinds but the counted have the rigorous bound of the macros' `max_weight`."""
    if kind in COUNTED:
        return KINDS[kind](e, "lower"), KINDS[kind](e, "upper")
    found = (e.share > 0) & (e.share < 1) & (e.variance > 0)
    usable = Estimates(*(np.where(found, getattr(e, f.name), 0.5) for f in fields(Estimates)))
    if with_replacement:
        bound = e.sampled * e.largest_weight * (1 - (ALPHA / 2) ** (1 / e.sampled))
    else:
        bound = e.largest_weight * np.log(2 / ALPHA)
    with np.errstate(all="ignore"):
        lower, upper = (KINDS[kind](usable, side) for side in ("lower", "upper"))
    # a share whose variance is nil comes from certainties alone
    point = (e.share > 0) & ~found
    return (
        np.where(found, lower, np.where(point, e.share, 0.0)),
        np.where(found, upper, np.where(point, e.share, np.minimum(1, bound))),
    )
