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
    rates_are_raw_scores: bool = False

    @property
    def frame_units(self) -> float:
        return float(self.units.sum())

    @property
    def frame_exposure(self) -> float:
        return float((self.units * self.exposure).sum())

    @property
    def prevalence(self) -> float:
        return float((self.units * self.exposure * self.rate).sum() / self.frame_exposure)

    def with_rate(self, rate: Array) -> Cells:
        return replace(self, rate=rate)


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
        rates_are_raw_scores=not has_rates,
    )


def judge_of_rows(score_bucket: Array, rows: dict[str, Array] | None, believed: Judge) -> Judge:
    """What labels teach about the judge, from rows of planning.plan_judge_answers of one policy.

    `believed` counts for a few labels, so that a handful of answers does not make a judge perfect; and the rate of false
    positives by bucket of the score is drawn towards the rate over all of them.
    """
    if rows is None or not len(rows["score_bucket"]):
        return believed
    violating, called = rows["violating_weight"].sum() / 1e3, rows["called_violating_weight"].sum() / 1e3
    others, false = rows["other_weight"] / 1e3, rows["called_other_weight"] / 1e3
    prior = float(np.mean(believed.false_positive_rate))
    overall = (false.sum() + PRIOR_OTHERS * prior) / (others.sum() + PRIOR_OTHERS)
    by_bucket = dict(zip(rows["score_bucket"].tolist(), (false + PRIOR_OTHERS * overall) / (others + PRIOR_OTHERS)))
    return Judge(
        sensitivity=float((called + PRIOR_VIOLATIONS * believed.sensitivity) / (violating + PRIOR_VIOLATIONS)),
        false_positive_rate=np.array([by_bucket.get(bucket, overall) for bucket in score_bucket.tolist()]),
        is_learned=True,
    )
