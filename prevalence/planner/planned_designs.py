"""Candidate designs: the probability with which each cell's units are drawn, certainties included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prevalence.planner.cells import Cells

Array = np.ndarray
DRAWS = ("poisson", "sequential_poisson", "pareto", "simple_random", "stratified", "pps_with_replacement")
# shares of the exposure below which strata end, where a plan names no bounds
STRATUM_SHARES = (0.5, 0.8, 0.95, 0.99)
MINIMUM_STRATUM_UNITS = 2


@dataclass(frozen=True)
class Design:
    """A row of staging.stg_sampling_plans, as far as it decides who is drawn; see there for the columns."""

    name: str
    draw: str
    score_basis: str = "learned"
    exposure_power: float = 1.0
    score_power: float = 0.5
    defence_share: float = 1.0
    cold_defence_share: float | None = None
    stratum_bounds: tuple[float, ...] = ()
    allocation: str = "neyman"
    minimum_stratum_units: int = MINIMUM_STRATUM_UNITS
    risk_scope: str = "all"

    def root_risk(self, cells: Cells) -> Array:
        is_learned = self.score_basis == "learned" and cells.learned_root is not None
        return cells.learned_root if is_learned else cells.raw_root

    def size(self, cells: Cells) -> Array:
        """Size measure of one unit of each cell, as a share of the frame's."""
        if self.draw == "simple_random":
            return 1 / cells.frame_units * np.ones(len(cells.units))
        is_cold = self.score_basis == "raw" or cells.learned_root is None
        defence = self.defence_share if not is_cold or self.cold_defence_share is None else self.cold_defence_share
        by_exposure = cells.exposure**self.exposure_power
        by_exposure = by_exposure / (cells.units * by_exposure).sum()
        risk = cells.exposure**self.exposure_power * self.root_risk(cells) ** (2 * self.score_power)
        total = (cells.units * risk).sum()
        return defence * by_exposure + (1 - defence) * (risk / total if total > 0 else by_exposure)

    def strata(self, cells: Cells) -> Array:
        """Number of each cell's stratum."""
        return np.searchsorted(np.asarray(self.bounds(cells)), cells.highest_score, side="right")

    def bounds(self, cells: Cells) -> tuple[float, ...]:
        """Scores that part the strata: the plan's own, or those below which shares of the exposure lie."""
        return self.stratum_bounds or _score_bounds(cells)

    def probabilities(self, cells: Cells, expected: float) -> Array:
        """Inclusion probability of the units of each cell; with replacement, how often one is drawn on average."""
        if self.draw == "pps_with_replacement":
            return expected * self.size(cells)
        if self.draw == "stratified":
            return self._stratified(cells, expected)
        return capped(self.size(cells), cells.units, expected)

    def _stratified(self, cells: Cells, expected: float) -> Array:
        """As the model frame_strata allocates and frames draw: by exposure within strata."""
        stratum = self.strata(cells)
        count = stratum.max() + 1
        size = cells.exposure**self.exposure_power
        members = np.bincount(stratum, cells.units, count)
        part = np.bincount(stratum, cells.units * size, count)
        if self.allocation != "proportional":
            risk = np.bincount(stratum, cells.units * size * self.root_risk(cells) ** 2, count)
            part = part * np.sqrt(risk / np.where(part > 0, part, 1.0))
        least = np.where(members > 0, self.minimum_stratum_units, 0.0)
        drawn = allocated(part, least, members, expected)
        first = np.zeros(len(size))
        for number in np.unique(stratum):
            inside = stratum == number
            first[inside] = capped(size[inside], cells.units[inside], drawn[number])
        return first


def capped(size: Array, units: Array, expected: float) -> Array:
    """Probabilities proportional to size with certainties, `units` of each size; as the macro `inclusion_probabilities`."""
    probability = np.zeros(len(size))
    is_certain = np.zeros(len(size), dtype=bool)
    while True:
        rest = (units * size)[~is_certain].sum()
        left = expected - units[is_certain].sum()
        share = size * (left / rest) if rest > 0 else np.zeros(len(size))
        fresh = ~is_certain & (share >= 1)
        probability = np.where(is_certain, 1.0, share)
        if not fresh.any():
            return np.clip(probability, 0.0, 1.0)
        is_certain |= fresh


def allocated(part: Array, least: Array, most: Array, total: float) -> Array:
    """`total` shared out in proportion to `part`, each share between its `least` and its `most`."""
    drawn = np.minimum(least, most)
    is_least = np.zeros(len(part), dtype=bool)
    while True:
        is_open = ~is_least & (most > 0)
        rest = total - drawn[is_least].sum()
        share = np.zeros(len(part))
        if is_open.any() and rest > 0:
            weight = part if part[is_open].sum() > 0 else most
            size = np.where(is_open, weight / np.where(is_open, most, 1.0), 0.0)
            share = capped(size, np.where(is_open, most, 0.0), min(rest, float(most[is_open].sum()))) * most
        fresh = is_open & (share < least)
        if not fresh.any():
            return np.where(is_least, drawn, share)
        is_least |= fresh


def _score_bounds(cells: Cells) -> tuple[float, ...]:
    order = np.argsort(cells.highest_score, kind="stable")
    score = cells.highest_score[order]
    reached = np.cumsum((cells.units * cells.exposure)[order]) / cells.frame_exposure
    places = np.searchsorted(reached, STRATUM_SHARES)
    # scores are whole millionths, and a bound belongs to the stratum above it
    bounds = np.unique(np.round(score[np.minimum(places, len(score) - 1)], 6) + 1e-6)
    # above the highest score there is no stratum
    return tuple(np.round(bounds[(bounds < 1) & (bounds <= score[-1] + 1e-9)], 6).tolist())
