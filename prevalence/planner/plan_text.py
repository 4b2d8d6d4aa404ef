"""What `prevalence plan` says: the plans side by side, the recommendation in one sentence, and what to be careful about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prevalence.planner import plans
from prevalence.planner.plans import Frame, Plan
from prevalence.planner.results import Result, Trade
from prevalence.release.headline import EXPOSURES

HEADERS = (
    *("units/day", "design", "labels", "audit", "worst policy", "positives", "error", "width", "none met"),
    *("rise found", "coverage", "LLM", "rater", "expert", "cost"),
)


def text(result: Result) -> str:
    frame, request = result.frame, result.request
    period = "1 day" if frame.days == 1 else f"{frame.days} days, each"
    judged = [one.design for one in result.plans if one.labeled_by == plans.JUDGED]
    lines = [
        f"Frame: {frame.units:,.0f} units of type {request.unit_type}, {next(iter(frame.cells.values())).frame_exposure:,.0f} "
        f"{EXPOSURES.get(request.unit_type, 'exposure').removeprefix('of ')}, {result.day}. Figures are for {period} like that.",
        "error: standard error; width: of the 95 % interval; rise found: smallest that a test of two such periods finds 4 times in 5;",
        "all three relative to the expected prevalence of the policy that is worst off. none met: probability of no positive.",
        "",
        *_table(HEADERS, [_row(one, one.design.name) for one in result.plans if one.labeled_by == plans.JUDGED]),
        "",
        "Experts label every drawn unit (designs that are not named above take no audit, and the recommended one):",
        *_table(
            HEADERS,
            [
                _row(one, one.design.name)
                for one in result.plans
                if one.labeled_by == plans.EXPERTS
                and (one.design == result.recommended.design or one.design not in judged)
            ],
        ),
    ]
    if result.current:
        lines += ["", "Plans as they stand:", *_table(HEADERS, [_row(one, one.design.name) for one in result.current])]
    lines += ["", "The recommended plan, policy by policy:", *_policies(result)]
    if result.trade is not None:
        lines += ["", *_trade(result.trade, frame)]
    lines += ["", sentence(result), plan_row(result), "", *_cautions(result)]
    return "\n".join(lines)


def _row(one: Plan, name: str) -> list[str]:
    worst = one.worst
    simulated = one.simulated.get(one.worst_policy)
    total = list(one.policies.values())
    return [
        f"{one.budget:,}",
        name,
        "judge" if one.labeled_by == plans.JUDGED else "expert",
        "" if one.audit_units is None else f"{one.audit_units:,.0f}",
        one.worst_policy,
        f"{worst.expected_positives:,.1f}",
        _percent(worst.relative_error),
        "" if simulated is None else _percent(simulated.interval_width / worst.prevalence),
        _probability(worst.no_positive_probability),
        _percent(worst.detectable_change / worst.prevalence),
        "" if simulated is None else f"{simulated.coverage:.3f}",
        *(f"{sum(getattr(e, name) for e in total):,.0f}" for name in ("judge_labels", "rater_labels", "expert_labels")),
        f"{one.cost:,.0f}",
    ]


def _policies(result: Result) -> list[str]:
    headers = (
        "policy",
        "expected",
        "positives",
        "std. error",
        "relative",
        "width",
        "none met",
        "rise found",
        "coverage",
        "expert",
    )
    rows = []
    for policy, expected in result.recommended.policies.items():
        simulated = result.recommended.simulated[policy]
        rows.append(
            [
                policy,
                f"{100 * expected.prevalence:.4f} %",
                f"{expected.expected_positives:,.1f}",
                f"{100 * expected.std_error:.4f} pp",
                _percent(expected.relative_error),
                _percent(simulated.interval_width / expected.prevalence),
                _probability(expected.no_positive_probability),
                _percent(expected.detectable_change / expected.prevalence),
                f"{simulated.coverage:.3f}",
                f"{expected.expert_labels:,.0f}",
            ]
        )
    return _table(headers, rows)


def _trade(trade: Trade, frame: Frame) -> list[str]:
    lines = [
        f"{trade.policy} with {trade.experts:,.0f} expert labels a day, whatever is judged ({trade.design.name}; no audit_floor):",
        *_table(
            ("judged/day", "audit", "positives", "error"),
            [
                [
                    f"{units:,.0f}",
                    "none left" if audit is None else f"{audit:,.0f}",
                    "" if expected is None else f"{expected.expected_positives:,.1f}",
                    "" if expected is None else _percent(expected.relative_error),
                ]
                for units, audit, expected in trade.rows
            ],
        ),
    ]
    if trade.worse is not None:
        lines.append(
            f"More judged units on the same expert labels make it worse: {_percent(trade.best[2].relative_error)} with "
            f"{trade.best[0]:,.0f} judged, {_percent(trade.worse[2].relative_error)} with {trade.worse[0]:,.0f}, because what the "
            "judge calls violating uses up the labels that would look for what it misses."
        )
    return lines


def sentence(result: Result) -> str:
    """The recommendation."""
    best, frame = result.recommended, result.frame
    worst = best.worst
    who = "have experts label all of them"
    if best.labeled_by == plans.JUDGED:
        who = f"judge all and audit {best.audit_units:,.0f} per policy of those that the judge does not call violating"
    period = "a day" if frame.days == 1 else f"{frame.days} days"
    among = "" if len(best.policies) == 1 else f", the worst off of {len(best.policies)} policies,"
    said = (
        f"Recommended: draw {best.budget:,} units a day by {best.design.name} and {who}: {best.worst_policy}{among} then has a "
        f"relative standard error of {_percent(worst.relative_error)} over {period} with {worst.expected_positives:,.1f} expected "
        f"positives, for {best.cost:,.0f} {frame.prices.currency}"
    )
    target = result.request.target
    if target is not None and best.relative_error <= target:
        others = [one for one in result.plans if one.relative_error <= target and one.design != best.design]
        least = min(others, key=lambda one: one.cost, default=None)
        said += f", the cheapest of these plans within the target of {_percent(target)}"
        if least is not None:
            said += f" ({least.design.name} takes {least.cost:,.0f})"
        return said + "."
    same = [one for one in result.plans if one.budget == best.budget and one.labeled_by == best.labeled_by]
    rivals = [one for one in same if one.design != best.design]
    if rivals:
        rival = min(rivals, key=lambda one: one.relative_error)
        if rival.relative_error < best.relative_error and rival.coverage < plans.LEAST_COVERAGE:
            short = min(rival.simulated, key=lambda policy: rival.simulated[policy].coverage)
            said += (
                f"; {rival.design.name} would have {_percent(rival.relative_error)}, but its intervals are expected to cover only "
                f"{rival.coverage:.2f} for {short}"
            )
        else:
            said += f"; the next best design at this budget, {rival.design.name}, has {_percent(rival.relative_error)} for {rival.cost:,.0f}"
    if target is not None:
        reach = result.for_target
        said += f". None of these plans reaches the target of {_percent(target)}" + (
            f": it takes {reach.budget:,} units a day"
            + (f" and an audit of {reach.audit_units:,.0f}" if reach.audit_units is not None else "")
            + f", for {reach.cost:,.0f}"
            if reach is not None
            else f", and neither does the whole frame of {frame.units:,.0f} units a day: take more --days"
        )
    return said + "."


def best_coverage(result: Result) -> float:
    return result.recommended.coverage


def plan_row(result: Result) -> str:
    """The recommended plan as a row of sampling_plans, in words."""
    values = plan_values(result, result.recommended)
    return "As a row of sampling_plans: " + ", ".join(f"{name} {value}" for name, value in values.items()) + "."


def plan_values(result: Result, one: Plan) -> dict[str, str]:
    """A plan in the columns of sampling_plans (without its plan_id), as they are written in a file; what is not named stays empty."""
    design = one.design
    values = {"unit_type": result.request.unit_type, "design": design.draw, "expected_units": f"{one.budget}"}
    if design.draw in ("poisson", "pareto"):
        values["score_basis"] = design.score_basis
        values["defence_share"] = f"{design.defence_share:g}"
        if design.cold_defence_share is not None:
            values["cold_defence_share"] = f"{design.cold_defence_share:g}"
    if design.draw == "stratified":
        bounds = design.bounds(next(iter(result.frame.cells.values())))
        values["stratum_bounds"] = ";".join(f"{bound:g}" for bound in bounds)
        values["allocation"] = design.allocation
    if one.audit_units is not None:
        values["audit_units"] = f"{one.audit_units:.0f}"
        values["audit_floor"] = f"{result.frame.audit_floor:g}"
    return values


def _cautions(result: Result) -> list[str]:
    lines = []
    if result.unscored:
        lines.append(
            f"policy_without_scores: no unit has a score of {', '.join(result.unscored)} and nothing is learned, so no plan can say "
            "what to expect of it."
        )
    raw = [policy for policy, cells in result.frame.cells.items() if cells.rate_source == "raw_scores"]
    if raw:
        lines.append(
            f"rates_are_raw_scores: nothing has been learned yet about {', '.join(raw)}, so scores stand in for rates of violation. "
            "Expected prevalence is as wrong as they are, and designs that trust scores look better than they may be."
        )
    given = [policy for policy, cells in result.frame.cells.items() if cells.rate_source == "given"]
    if given:
        lines.append(
            f"prevalence_is_given: the expected prevalence of {', '.join(given)} is what --expected-prevalence says; errors, positives "
            "and costs are those of a world in which it is right."
        )
    if result.recommended.labeled_by == plans.JUDGED and not result.has_learned_judge:
        judge = next(iter(result.frame.judges.values()))
        lines.append(
            f"judge_is_assumed: sensitivity {judge.sensitivity:g}, false positives {np.mean(judge.false_positive_rate):g}; "
            "give your own with --sensitivity and --false-positive-rate."
        )
    few = [one for one in (result.recommended,) if one.worst.expected_positives < 5]
    if result.recommended.coverage < plans.LEAST_COVERAGE:
        lines.append(
            f"intervals_fall_short: no plan at this budget is expected to cover {plans.LEAST_COVERAGE:g} for every policy; this one "
            f"covers {result.recommended.coverage:.3f} at least."
        )
    if few:
        lines.append(
            f"few_positives: below five expected positives ({few[0].worst.expected_positives:.1f}) intervals are wider than they need to be."
        )
    prices = result.frame.prices
    lines.append(
        f"Prices are those of seeds/label_costs.csv ({prices.judge:g}, {prices.rater:g} and {prices.expert:g} {prices.currency} for an answer of "
        "judge, rater and expert): placeholders until you change them."
    )
    return lines


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[number]) for row in [headers, *rows]) for number in range(len(headers))]
    is_text = [header in ("design", "labels", "worst policy", "policy") for header in headers]
    return [
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width) for cell, width, left in zip(row, widths, is_text)
        ).rstrip()
        for row in [headers, *rows]
    ]


def _percent(share: float) -> str:
    return "-" if not np.isfinite(share) else f"{100 * share:,.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def _probability(value: float) -> str:
    return f"{value:.3f}" if value >= 0.0005 else "<.001"
