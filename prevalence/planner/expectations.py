"""What a plan is expected to give: positives, standard error, interval, smallest change, coverage, labels.

The estimator is the project's own: every drawn unit is judged, the expert sees all that the judge calls violating and an
audit of the rest, and a share is estimated with one over the product of both probabilities (docs/decisions/0001). The
anticipated variance is the mean of its design variance over what may violate and how the judge may answer (Isaki and
Fuller, Journal of the American Statistical Association 77, 1982; Sarndal, Swensson and Wretman, Model Assisted Survey
Sampling, section 12.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from prevalence.planner import bounds
from prevalence.planner.bounds import Estimates, interval
from prevalence.planner.cells import Cells, Judge
from prevalence.planner.planned_designs import Design, capped

Array = np.ndarray
# two-sided test at .05, found with probability .8
DETECTION = float(special.ndtri(0.975) + special.ndtri(0.8))
REPLICATES = 4_000
WEIGHT_CLASSES = 40
EXPOSURE_CLASSES = 10


@dataclass(frozen=True)
class Labels:
    """Who labels what. `audit_units` is None where there is no judge and experts label every drawn unit."""

    audit_units: float | None = None
    audit_floor: float = 0.0
    audit_defence: float = 0.5
    judge: Judge = Judge(1.0, 0.0)
    missed_share: float = 1.0

    @property
    def has_judge(self) -> bool:
        return self.audit_units is not None


NO_JUDGE = Labels()


@dataclass(frozen=True)
class Sample:
    """Probabilities of one plan for one policy, one element per cell."""

    first: Array  # to be drawn
    called: Array  # to be called violating by the judge, once drawn
    second: Array  # to be audited where it is not
    sensitivity: float
    false_positive_rate: Array | float
    has_judge: bool

    @property
    def quiet(self) -> Array:
        return self.first * self.second


@dataclass(frozen=True)
class Expectation:
    """What a plan gives for one policy over a period. Shares and not points; labels are those of the whole period."""

    prevalence: float
    judged_units: float
    audit_units: float | None
    expected_positives: float
    std_error: float
    no_positive_probability: float
    detectable_change: float
    judge_labels: float
    rater_labels: float
    expert_labels: float

    @property
    def relative_error(self) -> float:
        return self.std_error / self.prevalence if self.prevalence > 0 else float("inf")


@dataclass(frozen=True)
class Simulated:
    """The project's interval over simulated samples of the plan."""

    coverage: float
    interval_width: float  # median
    std_error: float
    mean_positives: float
    replicates: int


def sample(cells: Cells, design: Design, expected: float, labels: Labels = NO_JUDGE) -> Sample:
    first = design.probabilities(cells, expected)
    if not labels.has_judge:
        ones = np.ones(len(first))
        return Sample(first, ones, ones, 1.0, 1.0, has_judge=False)
    judge = labels.judge
    called = cells.rate * judge.sensitivity + (1 - cells.rate) * judge.false_positive_rate
    second = _audit(cells, first, called, labels)
    return Sample(first, called, second, judge.sensitivity, judge.false_positive_rate, has_judge=True)


def _audit(cells: Cells, first: Array, called: Array, labels: Labels) -> Array:
    """As the model draw_audits: by weighted exposure and by weighted exposure x root score, among what is not called."""
    drawn = cells.units * first * (1 - called)
    weighted = np.where(first > 0, cells.exposure / np.where(first > 0, first, 1.0), 0.0)
    exposure_total, risk_total = (drawn * weighted).sum(), (drawn * weighted * cells.score_root).sum()
    by_exposure = weighted / exposure_total if exposure_total > 0 else np.zeros(len(first))
    by_risk = weighted * cells.score_root / risk_total if risk_total > 0 else by_exposure
    size = labels.audit_defence * by_exposure + (1 - labels.audit_defence) * by_risk
    probability = capped(size, drawn, min(labels.audit_units, float(drawn.sum())))
    # what is never reached would void the estimate; the floor is the plan's own
    return np.maximum(np.maximum(probability, labels.audit_floor), 1e-9)


def variance(cells: Cells, design: Design, plan: Sample, total_is_known: bool = False) -> float:
    """Anticipated variance of the estimated share on one day: of a ratio, as the project estimates it.

    `total_is_known`: of the total over the frame's exposure instead, labelled by experts alone; with replacement by Hansen
    and Hurwitz (1943), without by Hajek's approximation for samples of fixed size (1964, Annals of Mathematical Statistics
    35). What published designs are compared by.
    """
    if total_is_known:
        return _variance_of_total(cells, design, plan) / cells.frame_exposure**2
    share = cells.prevalence
    square = cells.units * cells.exposure**2
    violating, others = square * cells.rate * (1 - share) ** 2, square * (1 - cells.rate) * share**2
    with np.errstate(divide="ignore"):
        of_draw = 1 / plan.first if design.draw == "pps_with_replacement" else 1 / plan.first - 1
        of_audit = (1 / plan.second - 1) / plan.first
    unheard = violating * (1 - plan.sensitivity) + others * (1 - plan.false_positive_rate)
    total = _sum((violating + others) * of_draw) + _sum(unheard * of_audit)
    if design.draw == "stratified":
        # strata have fixed sizes: what their means differ by is no error
        stratum = design.strata(cells)
        left = cells.units * (1 - plan.first)
        mean = np.bincount(stratum, left * cells.exposure * (cells.rate - share))
        spread = np.bincount(stratum, left * plan.first)
        total -= float((mean**2 / np.where(spread > 0, spread, np.inf)).sum())
    return max(total, 0.0) / cells.frame_exposure**2


def _variance_of_total(cells: Cells, design: Design, plan: Sample) -> float:
    first, violating = plan.first, cells.units * cells.rate
    if design.draw == "pps_with_replacement":
        total = (violating * cells.exposure).sum()
        return float((violating * cells.exposure**2 / first).sum() - total**2 / (cells.units * first).sum())
    spread = first * (1 - first)
    centre = ((1 - first) * violating * cells.exposure).sum() / (cells.units * spread).sum()
    others = (cells.units - violating) * centre**2
    return float((spread * (violating * (cells.exposure / first - centre) ** 2 + others)).sum())


def _sum(values: Array) -> float:
    """A cell that cannot be drawn voids the variance, unless nothing of it counts."""
    return float(np.where(np.isnan(values), 0.0, values).sum())


def expect(
    cells: Cells, design: Design, expected: float, labels: Labels = NO_JUDGE, days: int = 1, overlap_share: float = 0.1
) -> Expectation:
    """Figures of a period of `days` days like this one, drawn independently."""
    plan = sample(cells, design, expected, labels)
    drawn = cells.units * plan.first
    reached = plan.first * (plan.sensitivity + (1 - plan.sensitivity) * plan.second)
    experts = drawn * (plan.called + (1 - plan.called) * plan.second)
    error = np.sqrt(variance(cells, design, plan) / days)
    with np.errstate(divide="ignore"):
        silence = days * (cells.units * np.log1p(-np.minimum(cells.rate * reached, 1.0))).sum()
    change = float("inf")
    if cells.prevalence > 0:
        # a rise by d has the variance of one period at P and one at P + d, and variances of rare events go with P
        relative = (DETECTION * error / cells.prevalence) ** 2
        change = float(cells.prevalence * (relative + np.sqrt(relative**2 + 8 * relative)) / 2)
    return Expectation(
        prevalence=cells.prevalence,
        judged_units=float(drawn.sum()) * days,
        audit_units=None if not plan.has_judge else float((drawn * (1 - plan.called) * plan.second).sum()) * days,
        expected_positives=float((cells.units * cells.rate * reached).sum()) * days,
        std_error=float(error),
        no_positive_probability=float(np.exp(silence)),
        detectable_change=change,
        judge_labels=float(drawn.sum()) * days if plan.has_judge else 0.0,
        rater_labels=2 * overlap_share * float(experts.sum()) * days,
        expert_labels=float(experts.sum()) * days,
    )


def simulate(
    cells: Cells,
    design: Design,
    expected: float,
    labels: Labels = NO_JUDGE,
    days: int = 1,
    seed: int = 1,
    replicates: int = REPLICATES,
) -> Simulated:
    """Draw samples of the plan again and again, and hold the project's interval against each one's truth.

    Violations are few, so the number of those met in a class of about one weight is a Poisson variable, and independent of
    the number of those not met. What is drawn beside them enters by its mean and variance.
    """
    plan = sample(cells, design, expected, labels)
    generator = np.random.default_rng(seed)
    exposure = days * cells.frame_exposure
    violations = days * cells.units * cells.rate
    probability = np.concatenate([plan.first, plan.quiet])
    met = _classes(
        np.concatenate([violations * plan.first * plan.sensitivity, violations * plan.quiet * (1 - plan.sensitivity)]),
        np.concatenate([cells.exposure, cells.exposure]) / np.where(probability > 0, probability, 1.0),
        np.concatenate([cells.exposure, cells.exposure]),
    )
    unmet = _classes(
        violations * (1 - plan.first * (plan.sensitivity + (1 - plan.sensitivity) * plan.second)),
        cells.exposure,
        cells.exposure,
    )
    found = generator.poisson(met.count, (replicates, len(met.count)))
    hidden = generator.poisson(unmet.count, (replicates, len(unmet.count)))
    violating = found @ met.exposure + hidden @ unmet.exposure
    weighted = found @ met.weight
    others = _others(cells, plan, days)
    # a share is relative to what the sample adds up to, as in the estimator
    total = np.maximum(
        weighted + exposure - violating + np.sqrt(others) * generator.standard_normal(replicates), exposure / 100
    )
    share, truth = np.minimum(weighted / total, 1.0), violating / exposure
    fourth = found @ met.weight**4
    experts = float((cells.units * plan.first * (plan.called + (1 - plan.called) * plan.second)).sum())
    sampled = np.full(replicates, days * experts)
    largest = _largest_weight(cells, plan, days)
    met_open = met.weight - met.exposure
    lower, upper = interval(
        bounds.DEFAULT,
        Estimates(
            share=share,
            variance=((1 - share) ** 2 * (found @ met.spread) + share**2 * others) / total**2,
            sampled=sampled,
            degrees_of_freedom=sampled - 1,
            positives=found.sum(axis=1).astype(float),
            effective_positives=(found @ met.weight**2) ** 2 / np.where(fourth > 0, fourth, 1.0),
            certain_share=(found @ met.certain_weight) / total,
            missed_weight=_missed_weight(cells, plan, labels.missed_share) / total,
            largest_weight=largest / total,
            third_moment=2 * (1 - share) * (1 - 2 * share) * (found @ (met.spread * met.weight)) / total**3,
            base_variance=(found @ met.spread + others) / total**2,
            counted=(found @ met.exposure) / total,
            counted_rest=_counted_rest(cells, plan, days) / total,
            unit=(found @ (met.exposure * met_open)) / np.maximum(found @ met_open, 1e-300) / total,
            unit_of_all=_unit(cells, plan) / total,
            event=share**2 * largest / total,
            event_square=(share * largest / total) ** 2,
        ),
    )
    return Simulated(
        coverage=float(((lower <= truth) & (truth <= upper)).mean()),
        interval_width=float(np.median(upper - lower)),
        std_error=float(np.sqrt(np.mean((share - truth) ** 2))),
        mean_positives=float(found.sum(axis=1).mean()),
        replicates=replicates,
    )


@dataclass(frozen=True)
class _Classes:
    """Events of about one weight and exposure: as many as `count` on average, each of which adds the rest."""

    count: Array
    weight: Array
    exposure: Array
    spread: Array  # weight^2 x (1 - probability), what it adds to the estimated variance
    certain_weight: Array


def _classes(count: Array, weight: Array, exposure: Array) -> _Classes:
    """Classes keep the sum of the weights and that of their squares; certainties have classes of their own."""
    is_some = count > 0
    count, weight, exposure = count[is_some], weight[is_some], exposure[is_some]
    if not len(count):
        return _Classes(*(np.zeros(1) for _ in range(5)))
    is_certain = exposure >= weight * (1 - 1e-12)
    number = (_steps(weight, WEIGHT_CLASSES) * EXPOSURE_CLASSES + _steps(exposure, EXPOSURE_CLASSES)) * 2 + is_certain
    number = np.unique(number, return_inverse=True)[1]

    def total(values: Array) -> Array:
        return np.bincount(number, count * values)

    first, second = total(weight), total(weight**2)
    events = first**2 / second
    return _Classes(
        count=events,
        weight=second / first,
        exposure=total(exposure) / events,
        spread=total(np.where(is_certain, 0.0, weight * (weight - exposure))) / events,
        certain_weight=total(np.where(is_certain, weight, 0.0)) / events,
    )


def _steps(values: Array, steps: int) -> Array:
    """Steps of one width in the logarithm."""
    place = np.log(values)
    width = max(place.max() - place.min(), 1e-9) / steps
    return np.floor((place - place.min()) / width).clip(0, steps - 1).astype(int)


def _others(cells: Cells, plan: Sample, days: int) -> float:
    """Variance of the weighted exposure of what is drawn and does not violate; what it adds to the estimated one, too."""
    square = days * cells.units * (1 - cells.rate) * cells.exposure**2
    false = plan.false_positive_rate
    with np.errstate(divide="ignore", invalid="ignore"):
        return _sum(square * (false * (1 / plan.first - 1) + (1 - false) * (1 / plan.quiet - 1)))


def _counted_rest(cells: Cells, plan: Sample, days: int) -> float:
    """Exposure of what is looked at and does not violate: as much of the whole is known not to."""
    looked_at = plan.false_positive_rate * plan.first + (1 - plan.false_positive_rate) * plan.quiet
    return float(days * (cells.units * (1 - cells.rate) * looked_at * cells.exposure).sum())


def _unit(cells: Cells, plan: Sample) -> float:
    """In what steps a finite population moves: the mean exposure of what is looked at, by what it leaves open."""
    exposure, still_open = 0.0, 0.0
    for answered, probability in ((plan.called, plan.first), (1 - plan.called, plan.quiet)):
        left = cells.units * answered * (1 - probability) * cells.exposure
        exposure += float((left * cells.exposure).sum())
        still_open += float(left.sum())
    return exposure / still_open if still_open > 0 else 0.0


def _missed_weight(cells: Cells, plan: Sample, missed_share: float) -> float:
    """What a violation weighs that was not met, as the model draw_audits has it: by the score, with a floor of 10^-4."""
    weights = []
    for answered, probability in ((plan.called, plan.first), (1 - plan.called, plan.quiet)):
        is_open = (plan.first < 1) | (probability < 1)
        expected = np.where(is_open, cells.units * answered * cells.exposure * (cells.score + 1e-4), 0.0)
        weight = cells.exposure / np.where(probability > 0, probability, 1.0)
        weights.append(float((expected * weight).sum() / expected.sum()) if expected.sum() > 0 else None)
    called, quiet = weights
    if called is None or quiet is None:
        return called or quiet or 0.0
    return (1 - missed_share) * called + missed_share * quiet


def _largest_weight(cells: Cells, plan: Sample, days: int) -> float:
    """What the heaviest of the drawn units that could have been missed weighs: the median over samples."""
    drawn = days * cells.units * plan.first
    count = np.concatenate([drawn * plan.called, drawn * (1 - plan.called)])
    probability = np.concatenate([plan.first, plan.quiet])
    weight = np.concatenate([cells.exposure, cells.exposure]) / np.where(probability > 0, probability, 1.0)
    is_open = (count > 0) & (probability < 1)
    if not is_open.any():
        return 0.0
    order = np.argsort(-weight[is_open], kind="stable")
    heavier = np.cumsum(count[is_open][order])
    return float(weight[is_open][order][min(np.searchsorted(heavier, np.log(2)), len(order) - 1)])
