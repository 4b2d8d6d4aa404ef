"""The frame as the planner knows it: cells of units that are alike, and how a judge answers for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Array = np.ndarray
DEFAULT_SENSITIVITY = 0.85
DEFAULT_FALSE_POSITIVE_RATE = 0.01
# what the defaults count for beside labels: violations for the sensitivity, other units for the false positives
PRIOR_VIOLATIONS = 10.0
PRIOR_OTHERS = 50.0
# violations in a band of scores from which on labels say what the rate in it is
BAND_VIOLATIONS = 20
RATE_SOURCES = ("labels", "learned_rates", "raw_scores", "given")


@dataclass(frozen=True)
class Judge:
    """Calls violating a share `sensitivity` of what violates and `false_positive_rate` of what does not.

    The rate of false positives is one number, or one for each cell: it most often rises with the score.
    """

    sensitivity: float = DEFAULT_SENSITIVITY
    false_positive_rate: Array | float = DEFAULT_FALSE_POSITIVE_RATE
    is_learned: bool = False


@dataclass(frozen=True)
class Cells:
    """One policy's frame of one day. One element per cell; what is not a count is the mean of the cell's units."""

    policy_id: str
    units: Array
    exposure: Array
    raw_root: Array  # root of the relative risk that a size is made of while nothing is learned
    learned_root: Array | None  # the same of learned rates; None: no rates are in force
    highest_score: Array  # what strata are made of, 0 to 1
    score: Array  # the policy's own, 0 to 1
    score_root: Array
    rate: Array  # expected share of the units that violate
    rate_source: str = "learned_rates"

    @property
    def frame_units(self) -> float:
        return float(self.units.sum())

    @property
    def frame_exposure(self) -> float:
        return float((self.units * self.exposure).sum())

    @property
    def prevalence(self) -> float:
        return float((self.units * self.exposure * self.rate).sum() / self.frame_exposure)

    def scaled_to_labels(self, score_bucket: Array, rows: dict[str, Array]) -> Cells:
        """Rates that agree with what labels found, band of scores by band of scores; from rows of planning.plan_label_sums.

        Learned rates are right up to a factor, which is all that sizes need, and raw scores are not even that. Bands go down from
        the highest scores, each with at least BAND_VIOLATIONS violating labels, what is left with the lowest; below that many in
        all, nothing is scaled.
        """
        if rows["violating_labels"].sum() < BAND_VIOLATIONS:
            return self
        order = np.argsort(-rows["score_bucket"], kind="stable")
        found = np.cumsum(rows["violating_labels"][order])
        whole = found[-1] // BAND_VIOLATIONS
        # a band begins after the bucket with which the one above it is full
        band = np.minimum(np.concatenate([[0], found[:-1]]) // BAND_VIOLATIONS, whole - 1)
        edges = [rows["score_bucket"][order][band == number].min() for number in np.unique(band)]
        of_row = np.searchsorted(-np.array(edges), -rows["score_bucket"], side="left")
        of_cell = np.minimum(np.searchsorted(-np.array(edges), -score_bucket, side="left"), len(edges) - 1)
        exposure = self.units * self.exposure
        total = np.bincount(of_cell, exposure, len(edges))
        expected = np.bincount(of_cell, exposure * self.rate, len(edges)) / np.where(total > 0, total, 1.0)
        measured = np.bincount(of_row, rows["violating_exposure_weight"], len(edges)) / np.bincount(
            of_row, rows["exposure_weight"], len(edges)
        )
        factor = np.where(expected > 0, measured / np.where(expected > 0, expected, 1.0), 1.0)
        return replace(self, rate=np.minimum(self.rate * factor[of_cell], 1.0), rate_source="labels")

    def scaled_to(self, prevalence: float) -> Cells:
        """Rates in the proportions that are known, of which the prevalence is the one given; all alike where none is above 0.

        A rate ends at 1: where the given prevalence is that high, the others rise until it is reached.
        """
        if not self.prevalence > 0:
            return replace(self, rate=np.full(len(self.units), prevalence), rate_source="given")
        low, high = 0.0, 1.0 / self.rate[self.rate > 0].min()
        if self._prevalence_of(high) < prevalence:
            # where nothing is expected otherwise, something is now
            return replace(self, rate=np.full(len(self.units), prevalence), rate_source="given")
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if self._prevalence_of(middle) < prevalence else (low, middle)
        return replace(self, rate=np.minimum(self.rate * high, 1.0), rate_source="given")

    def _prevalence_of(self, factor: float) -> float:
        return float((self.units * self.exposure * np.minimum(self.rate * factor, 1.0)).sum() / self.frame_exposure)


def of_rows(policy_id: str, rows: dict[str, Array]) -> Cells:
    """Cells from rows of planning.plan_cells: columns by name, NaN for null."""
    units = rows["units"].astype(float)
    exposure = rows["exposure"].astype(float)
    learned = rows["learned_risk_size"].astype(float)
    violations = rows["violation_rate_billionths"].astype(float)
    # an interaction of which nothing was viewed has no rate, where others have one
    has_rates = bool(np.isfinite(violations).any())
    score = rows["score_millionths"] / 1e6 / units
    return Cells(
        policy_id=policy_id,
        units=units,
        exposure=exposure / units,
        raw_root=rows["raw_risk_size"] / exposure,
        learned_root=None if np.isnan(learned).any() else learned / exposure,
        highest_score=rows["highest_score_millionths"] / 1e6,
        score=score,
        score_root=rows["score_root_thousandths"] / 1e3 / units,
        rate=np.clip(np.nan_to_num(violations) / 1e9 / units if has_rates else score, 0.0, 1.0),
        rate_source="learned_rates" if has_rates else "raw_scores",
    )


def judge_of_rows(score_bucket: Array, rows: dict[str, Array] | None, believed: Judge) -> Judge:
    """What labels teach about the judge, from rows of planning.plan_label_sums of one policy.

    `believed` counts for a few labels, so that a handful of answers does not make a judge perfect; and the rate of false
    positives by bucket of the score is drawn towards the rate over all of them.
    """
    if rows is None or not rows["violating_weight"].sum() + rows["other_weight"].sum() > 0:
        return believed
    violating, called = rows["violating_weight"].sum() / 1e3, rows["called_violating_weight"].sum() / 1e3
    others, false = rows["other_weight"] / 1e3, rows["called_other_weight"] / 1e3
    prior = float(np.mean(believed.false_positive_rate))
    overall = (false.sum() + PRIOR_OTHERS * prior) / (others.sum() + PRIOR_OTHERS)
    # plans that draw the same kind of unit are judged by the same judge
    buckets, place = np.unique(rows["score_bucket"], return_inverse=True)
    false, others = np.bincount(place, false), np.bincount(place, others)
    by_bucket = dict(zip(buckets.tolist(), (false + PRIOR_OTHERS * overall) / (others + PRIOR_OTHERS)))
    return Judge(
        sensitivity=float((called + PRIOR_VIOLATIONS * believed.sensitivity) / (violating + PRIOR_VIOLATIONS)),
        false_positive_rate=np.array([by_bucket.get(bucket, overall) for bucket in score_bucket.tolist()]),
        is_learned=True,
    )
