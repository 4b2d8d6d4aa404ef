"""Plans side by side: candidate designs x budgets x who labels, the best audit of each, and which one to take."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from prevalence.planner import expectations
from prevalence.planner.cells import Cells, Judge
from prevalence.planner.expectations import Expectation, Labels, Simulated
from prevalence.planner.planned_designs import Design

Array = np.ndarray
LEARNED = Design("learned root, a fifth by exposure", "poisson", defence_share=0.2, cold_defence_share=0.5)
COLD_START = Design("raw root, half by exposure", "poisson", score_basis="raw", defence_share=0.5)
STRATA = Design("strata by score, Neyman", "stratified")
BASELINES = (Design("simple random", "simple_random"), Design("exposure", "poisson"))
JUDGED, EXPERTS = "judge_and_audit", "experts"
MINIMUM_BUDGET = 30
MINIMUM_AUDIT = 10.0
AUDIT_STEPS = 25
# a plan whose interval is expected to hold less often is not recommended; the laboratory's goal is .94
LEAST_COVERAGE = 0.93
MOST_UNITS_TRIED = 16


@dataclass(frozen=True)
class Prices:
    judge: float
    rater: float
    expert: float
    currency: str

    def of(self, expected: Expectation) -> float:
        return (
            self.judge * expected.judge_labels
            + self.rater * expected.rater_labels
            + self.expert * expected.expert_labels
        )


@dataclass(frozen=True)
class Frame:
    """One day's frame: cells and judge of each policy; and how long the period is that figures are for."""

    cells: Mapping[str, Cells]
    judges: Mapping[str, Judge]
    prices: Prices
    days: int = 1
    audit_floor: float = 0.0
    overlap_share: float = 0.1
    missed_share: float = 1.0

    @property
    def units(self) -> float:
        return max(cells.frame_units for cells in self.cells.values())

    @property
    def has_learned_rates(self) -> bool:
        return all(cells.learned_root is not None for cells in self.cells.values())

    def labels(self, policy: str, audit_units: float | None, defence: float, floor: float | None = None) -> Labels:
        if audit_units is None:
            return replace(expectations.NO_JUDGE, missed_share=self.missed_share)
        return Labels(
            audit_units=audit_units,
            audit_floor=self.audit_floor if floor is None else floor,
            audit_defence=defence,
            judge=self.judges[policy],
            missed_share=self.missed_share,
        )


@dataclass(frozen=True)
class Plan:
    """One design at one budget: what it gives for every policy."""

    design: Design
    budget: int
    audit_units: float | None  # per day and policy; None: experts label all
    policies: Mapping[str, Expectation]
    cost: float
    simulated: Mapping[str, Simulated]

    @property
    def labeled_by(self) -> str:
        return EXPERTS if self.audit_units is None else JUDGED

    @property
    def worst_policy(self) -> str:
        return max(self.policies, key=lambda policy: self.policies[policy].relative_error)

    @property
    def worst(self) -> Expectation:
        return self.policies[self.worst_policy]

    @property
    def relative_error(self) -> float:
        return self.worst.relative_error

    @property
    def coverage(self) -> float:
        return min((simulated.coverage for simulated in self.simulated.values()), default=1.0)


def audit_defence(design: Design) -> float:
    """The audit follows weighted exposure for the plan's own share (draw_audits); simple random plans have none: all of it."""
    return design.defence_share


def plan(frame: Frame, design: Design, budget: int, audit_units: float | None, floor: float | None = None) -> Plan:
    found = {
        policy: expectations.expect(
            cells,
            design,
            budget,
            frame.labels(policy, audit_units, audit_defence(design), floor),
            frame.days,
            frame.overlap_share,
        )
        for policy, cells in frame.cells.items()
    }
    return Plan(design, budget, audit_units, found, sum(map(frame.prices.of, found.values())), {})


def best_audit(frame: Frame, design: Design, budget: int) -> Plan:
    """The audit for which the worst policy's relative variance x cost is smallest: what a label more would buy elsewhere,
    it buys here as well."""
    sizes = np.geomspace(MINIMUM_AUDIT, max(budget, MINIMUM_AUDIT + 1), AUDIT_STEPS)
    plans = [plan(frame, design, budget, float(np.round(size))) for size in sizes]
    return min(plans, key=lambda one: one.relative_error**2 * one.cost)


def simulated(frame: Frame, one: Plan, policies: Sequence[str], replicates: int) -> Plan:
    found = dict(one.simulated)
    for policy in policies:
        text = f"{one.design.name}|{one.budget}|{one.labeled_by}|{policy}"
        found[policy] = expectations.simulate(
            frame.cells[policy],
            one.design,
            one.budget,
            frame.labels(policy, one.audit_units, audit_defence(one.design)),
            frame.days,
            seed=zlib.crc32(text.encode()),
            replicates=replicates,
        )
    return replace(one, simulated=found)


def audit_for_experts(frame: Frame, design: Design, policy: str, judged: float, experts: float) -> float | None:
    """Audit for which one policy needs `experts` expert labels a day in all; None where the judge alone calls more."""
    cells = frame.cells[policy]

    def needed(audit: float) -> float:
        labels = frame.labels(policy, audit, audit_defence(design), floor=0.0)
        return expectations.expect(cells, design, judged, labels).expert_labels

    low, high = 1.0, float(judged)
    if needed(low) > experts:
        return None
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if needed(middle) < experts else (low, middle)
    return low


def judged_for_experts(
    frame: Frame, design: Design, policy: str, experts: float, judged: Sequence[float]
) -> list[tuple[float, float | None, Expectation | None]]:
    """Judged units, their audit and what they give, at one number of expert labels a day for one policy."""
    rows: list[tuple[float, float | None, Expectation | None]] = []
    for units in judged:
        audit = audit_for_experts(frame, design, policy, units, experts)
        if audit is None:
            rows.append((units, None, None))
            continue
        labels = frame.labels(policy, audit, audit_defence(design), floor=0.0)
        expected = expectations.expect(frame.cells[policy], design, units, labels, frame.days, frame.overlap_share)
        rows.append((units, audit, expected))
    return rows


def recommended(plans: Sequence[Plan], target: float | None) -> Plan:
    """With a target the cheapest plan that reaches it for every policy; else, or where none does, the smallest worst error
    at the largest budget. Plans whose intervals are expected to fail come last."""
    honest = [one for one in plans if one.coverage >= LEAST_COVERAGE] or list(plans)
    if target is not None:
        reaching = [one for one in honest if one.relative_error <= target]
        if reaching:
            return min(reaching, key=lambda one: (one.cost, one.relative_error))
        return min(honest, key=lambda one: one.relative_error)
    largest = max(one.budget for one in honest)
    candidates = [one for one in honest if one.budget == largest]
    judged = [one for one in candidates if one.labeled_by == JUDGED] or candidates
    # of experts alone and a judge with an audit, what buys more precision for its money
    best = min(judged, key=lambda one: one.relative_error)
    alone = min(candidates, key=lambda one: one.relative_error)
    return min((best, alone), key=lambda one: one.relative_error**2 * one.cost)


def budget_for_target(frame: Frame, design: Design, target: float, has_judge: bool) -> Plan | None:
    """The smallest number of drawn units with which a design reaches the target; None where the whole frame does not."""

    def at(budget: int) -> Plan:
        return best_audit(frame, design, budget) if has_judge else plan(frame, design, budget, None)

    low, high = MINIMUM_BUDGET, int(frame.units)
    if at(high).relative_error > target:
        return None
    for _ in range(MOST_UNITS_TRIED):
        middle = int(np.sqrt(low * high))
        if high - low <= max(1, high // 50):
            break
        low, high = (middle, high) if at(middle).relative_error > target else (low, middle)
    return at(high)
