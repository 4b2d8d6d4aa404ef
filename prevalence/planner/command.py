"""`prevalence plan`: read the frame's sums, compare plans, say which one to take, store and draw what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prevalence.engines import warehouse
from prevalence.engines.contract import planning_tables
from prevalence.engines.dbt import Dbt, Window
from prevalence.release.headline import EXPOSURES
from prevalence.planner import plans
from prevalence.planner.cells import Cells, Judge, judge_of_rows, of_rows
from prevalence.planner.designs import DRAWS, Design
from prevalence.planner.plans import Frame, Plan, Prices
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.warehouse import Warehouse

UNIT_TYPES = ("content_day", "interaction")
FRAMES = {"content_day": "frame_content_day_sizes", "interaction": "frame_interaction_sizes"}
FRAME_MODELS = ("frame_content_scores", "frame_content_day_sizes", "frame_interaction_sizes")
POOLS = ("llm", "bpo", "sme")
REPLICATES = 1_000
RECOMMENDED_REPLICATES = 4_000
# of the budget, at the same expert labels
JUDGED_FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Request:
    unit_type: str = "content_day"
    budgets: tuple[int, ...] = ()
    policies: tuple[str, ...] = ()
    day: date | None = None
    days: int = 1
    target: float | None = None
    sensitivity: float | None = None
    false_positive_rate: float | None = None


@dataclass(frozen=True)
class Trade:
    """The same expert labels of one policy beside more and fewer judged units."""

    policy: str
    design: Design
    experts: float  # a day
    rows: list[tuple[float, float | None, object]]
    prevalence: float

    def error(self, row: tuple[float, float | None, object]) -> float | None:
        return None if row[2] is None else row[2].relative_error

    @property
    def best(self) -> tuple[float, float | None, object]:
        return min((row for row in self.rows if row[2] is not None), key=lambda row: row[2].relative_error)

    @property
    def worse(self) -> tuple[float, float | None, object] | None:
        """The most judged units that make the estimate worse than fewer do."""
        later = [row for row in self.rows if row[0] > self.best[0] and row[2] is not None]
        return later[-1] if later and later[-1][2].relative_error > 1.005 * self.best[2].relative_error else None


@dataclass(frozen=True)
class Result:
    request: Request
    day: date
    frame: Frame
    plans: tuple[Plan, ...]
    current: tuple[Plan, ...]  # as they stand, at their own budget and audit
    recommended: Plan
    for_target: Plan | None
    trade: Trade | None
    curve: Trade | None  # the same on a fine grid, for the chart
    has_learned_judge: bool
    unscored: tuple[str, ...]


def make(settings: Settings, request: Request, variables: dict, threads: int | None) -> Result:
    _check(request)
    day, window = _day(settings, request)
    _build(settings, day, window, variables, threads)
    with warehouse.connect(settings) as connection:
        result = _compare(request, day, _frame(connection, request, day))
        _store(connection, result)
    return result


def _check(request: Request) -> None:
    if request.target is not None and not 0 < request.target:
        raise UserError(f"--target-relative-error is {request.target:g}. Remedy: a number above 0, such as 0.2.")
    if request.days < 1:
        raise UserError(f"--days is {request.days}. Remedy: at least 1.")
    for name, value in (("sensitivity", request.sensitivity), ("false-positive-rate", request.false_positive_rate)):
        if value is not None and not 0 <= value <= 1:
            raise UserError(f"--{name} is {value:g}. Remedy: a share from 0 to 1.")


# --- what the frame is ---


def _day(settings: Settings, request: Request) -> tuple[date, Window]:
    """The day whose frame stands for all, and the days that the warehouse knows."""
    if not warehouse.exists(settings):
        raise UserError(
            f"There is no warehouse at {settings.place} yet, so there is no frame to plan for. Remedy: `prevalence demo`, "
            "or `prevalence plan --raw-folder DIR` for your own logs."
        )
    with warehouse.connect(settings, read_only=True) as connection:
        table = FRAMES[request.unit_type]
        built, landed = {}, {}
        if table in connection.relations("frames"):
            built = dict(
                connection.rows(
                    f"select unit_date, sum(exposure) from frames.{table} where risk_scope = 'all' group by unit_date"
                )
            )
        # days that no run has built yet can be planned for as well
        if "interactions" in connection.relations("raw"):
            landed = dict(
                connection.rows(
                    "select cast(occurred_at as date), count(*) from raw.interactions where occurred_at is not null"
                    " group by cast(occurred_at as date)"
                )
            )
    sizes = {found: float(size) for found, size in (landed or built).items()}
    if not sizes:
        raise UserError(
            f"The warehouse {settings.place} has no frame of unit type {request.unit_type} and raw.interactions has 0 rows "
            "with a time, so there is nothing to plan for. Remedy: `prevalence plan --raw-folder DIR`, or `prevalence demo`."
        )
    known = set(sizes) | set(built)
    if request.day is not None and request.day not in known:
        raise UserError(
            f"There is no frame of {request.day}: the logs have {len(known)} days, {min(known)} to {max(known)}. Remedy: --day "
            "with one of them."
        )
    # a day that the logs end in is no whole one, nor is one that a wrong clock made
    middle = float(np.median(list(sizes.values())))
    day = request.day or max(found for found, size in sizes.items() if size >= middle / 2)
    return day, Window(min([day, *built]), max([day, *built]) + timedelta(days=1))


def _build(settings: Settings, day: date, window: Window, variables: dict, threads: int | None) -> None:
    """Everything that a plan needs and is not there: of the logs one day alone."""
    from prevalence.command_line.steps import ANSWERS, _models

    with warehouse.connect(settings, read_only=True) as connection:
        frames = connection.relations("frames")
        has_frame = all(model in frames for model in FRAME_MODELS) and connection.rows(
            f"select 1 from frames.frame_content_scores where unit_date = cast('{day}' as date) limit 1"
        )
        has_labels = "fct_unit_labels" in connection.relations("labels")
    dbt = Dbt(settings, window, variables, threads)
    if not has_frame:
        one_day = dbt.within(Window(day, day + timedelta(days=1)))
        one_day.seed()
        one_day.run(*_models("staging", without=ANSWERS), *_models("units"), *FRAME_MODELS)
    dbt.build("label_costs", "plan_cells", *(["plan_label_sums"] if has_labels else []))


@dataclass(frozen=True)
class Known:
    """What the warehouse says: the frame, the plans in force, and what cannot be planned for."""

    frame: Frame
    current: list[tuple[Design, int, float | None, float]]
    has_learned_judge: bool
    unscored: list[str]


def _frame(connection: Warehouse, request: Request, day: date) -> Known:
    where = f"unit_type = {connection.literal(request.unit_type)} and unit_date = cast('{day}' as date)"
    rows = connection.arrow(f"select * from planning.plan_cells where {where} and risk_scope = 'all'")
    known = sorted(set(rows.column("policy_id").to_pylist()))
    unknown = sorted(set(request.policies) - set(known))
    if unknown:
        raise UserError(
            f"Unknown policy {', '.join(unknown)}: the frame of {day} has scores of {len(known)} policies, {', '.join(known)}. "
            "Remedy: --policies with some of them."
        )
    unscored = [policy for policy in known if _is_unscored(_columns(rows, policy))]
    if set(request.policies) & set(unscored) or len(unscored) == len(known):
        named = sorted(set(request.policies) & set(unscored)) or unscored
        raise UserError(
            f"0 units of the frame of {day} have a risk score of {', '.join(named)}, and no rates of violation are learned yet, so "
            "nothing says how much of it to expect. Remedy: land risk_scores of that day or earlier, or leave the policy out with "
            "--policies."
        )
    chosen = list(request.policies) or [policy for policy in known if policy not in unscored]
    believed = Judge(
        Judge().sensitivity if request.sensitivity is None else request.sensitivity,
        Judge().false_positive_rate if request.false_positive_rate is None else request.false_positive_rate,
    )
    labels = None
    if "plan_label_sums" in connection.relations("planning"):
        labels = connection.arrow(
            f"select * from planning.plan_label_sums where unit_type = {connection.literal(request.unit_type)}"
        )
    # what was given by hand is meant
    is_given = request.sensitivity is not None or request.false_positive_rate is not None
    cells, judges = {}, {}
    for policy in chosen:
        columns = _columns(rows, policy)
        cells[policy] = of_rows(policy, columns)
        judges[policy] = believed
        if labels is not None:
            cells[policy] = cells[policy].scaled_to_labels(columns["score_bucket"], _columns(_widest_plan(labels, policy), policy))
            if not is_given:
                judges[policy] = judge_of_rows(columns["score_bucket"], _columns(labels, policy), believed)
    current = _current(connection, request.unit_type)
    frame = Frame(
        cells=cells,
        judges=judges,
        prices=_prices(connection),
        days=request.days,
        audit_floor=max((floor for *_, floor in current), default=0.0),
        overlap_share=_variable("rater_overlap_share"),
        missed_share=_variable("judge_missed_share"),
    )
    left_out = [] if request.policies else unscored
    return Known(frame, current, any(judge.is_learned for judge in judges.values()), left_out)


def _widest_plan(labels: pa.Table, policy: str) -> pa.Table:
    """The labels of the plan with most violations: plans that draw differently are not added up."""
    own = labels.filter(pc.equal(labels.column("policy_id"), policy)).select(["plan_id", "violating_labels"]).to_pylist()
    totals: dict[str, int] = {}
    for row in own:
        totals[row["plan_id"]] = totals.get(row["plan_id"], 0) + row["violating_labels"]
    widest = max(sorted(totals), key=lambda plan: totals[plan], default=None)
    return labels.filter(pc.equal(labels.column("plan_id"), pa.scalar(widest, pa.string())))


def _is_unscored(columns: dict[str, np.ndarray]) -> bool:
    has_rates = np.isfinite(columns["violation_rate_billionths"]).any()
    return not has_rates and bool((columns["imputed_score_units"] == columns["units"]).all())


def _columns(table: pa.Table, policy: str) -> dict[str, np.ndarray]:
    """The policy's rows as numbers, NaN for null."""
    part = table.filter(pc.equal(table.column("policy_id"), policy))
    numbers = [name for name in part.column_names if pa.types.is_integer(part.schema.field(name).type)]
    return {
        name: np.asarray(part.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=float)
        for name in numbers
    }


def _current(connection: Warehouse, unit_type: str) -> list[tuple[Design, int, float | None, float]]:
    """The plans that are in force: design, units per day, audit and its floor."""
    columns = [
        *("plan_id", "design", "expected_units", "policy_id", "score_basis", "exposure_power", "score_power"),
        *("defence_share", "cold_defence_share", "stratum_bounds", "allocation", "minimum_stratum_units"),
        *("audit_units", "audit_floor"),
    ]
    if "stg_sampling_plans" not in connection.relations("staging"):
        return []
    rows = connection.rows(
        f"select {', '.join(columns)} from staging.stg_sampling_plans"
        f" where unit_type = {connection.literal(unit_type)} order by plan_id"
    )
    found = []
    for row in rows:
        values = dict(zip(columns, row))
        # a plan for one policy alone has sizes of its own, and what was drawn elsewhere has no plan to change
        if values["design"] not in DRAWS or values["policy_id"] is not None or values["expected_units"] is None:
            continue

        def given(name: str, default: float) -> float:
            return default if values[name] is None else float(values[name])

        design = Design(
            name=values["plan_id"],
            draw=values["design"],
            score_basis=values["score_basis"] or "learned",
            exposure_power=given("exposure_power", 1.0),
            score_power=given("score_power", 0.5),
            defence_share=given("defence_share", 1.0),
            cold_defence_share=values["cold_defence_share"],
            stratum_bounds=tuple(float(part) for part in (values["stratum_bounds"] or "").split(";") if part.strip()),
            allocation=values["allocation"] or "neyman",
            minimum_stratum_units=int(given("minimum_stratum_units", 2)),
        )
        found.append((design, int(values["expected_units"]), values["audit_units"], given("audit_floor", 0.0)))
    return found


def _prices(connection: Warehouse) -> Prices:
    rows = connection.rows("select pool, cost_per_label, currency from reference.label_costs")
    prices = {pool: cost for pool, cost, _ in rows}
    missing = [pool for pool in POOLS if prices.get(pool) is None or prices[pool] < 0]
    currencies = sorted({currency for *_, currency in rows})
    if missing or len(currencies) != 1:
        raise UserError(
            f"seeds/label_costs.csv has {len(rows)} rows, currencies {', '.join(map(str, currencies)) or 'none'}, and no price for "
            f"{', '.join(missing) or 'none'}. Remedy: one row of at least 0 for each of {', '.join(POOLS)}, in one currency."
        )
    return Prices(prices["llm"], prices["bpo"], prices["sme"], currencies[0])


def _variable(name: str) -> float:
    import yaml

    from prevalence.engines.settings import PROJECT

    return float(yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"][name])


# --- what plans give ---


def _budgets(request: Request, frame: Frame, current: Sequence[tuple[Design, int, float | None, float]]) -> list[int]:
    most = int(frame.units)
    wrong = [budget for budget in request.budgets if budget > most]
    if wrong:
        raise UserError(
            f"A budget of {max(wrong):,} units is more than the frame has: {most:,} units of type {request.unit_type} on the day "
            f"that is planned for. Remedy: --budgets of at most {most:,}."
        )
    small = [budget for budget in request.budgets if budget < plans.MINIMUM_BUDGET]
    if small:
        raise UserError(
            f"A budget of {min(small):,} units a day is below the smallest that is planned, {plans.MINIMUM_BUDGET}: fewer have no "
            f"interval to speak of. Remedy: --budgets of {plans.MINIMUM_BUDGET} to {most:,}."
        )
    if most < plans.MINIMUM_BUDGET:
        raise UserError(
            f"The frame has {most:,} units of type {request.unit_type}, fewer than the {plans.MINIMUM_BUDGET} that a plan draws at "
            "least. Remedy: label all of them, or plan for another day with --day."
        )
    if request.budgets:
        return sorted(set(request.budgets))
    now = max((units for _, units, _, _ in current), default=1_000)
    usual = (now / 2, now, 2 * now)
    return sorted({int(min(max(budget, plans.MINIMUM_BUDGET), most)) for budget in usual})


def _compare(request: Request, day: date, known: Known) -> Result:
    frame = known.frame
    budgets = _budgets(request, frame, known.current)
    designs = [*plans.BASELINES, plans.COLD_START, plans.STRATA]
    if frame.has_learned_rates:
        designs.insert(0, plans.LEARNED)
    found = []
    for budget in budgets:
        for design in designs:
            found.append(plans.best_audit(frame, design, budget))
            found.append(plans.plan(frame, design, budget, None))
    simulated = [plans.simulated(frame, one, [one.worst_policy], REPLICATES) for one in found]
    # a plan is taken when its intervals are expected to hold for every policy, not for the worst alone
    while True:
        best = plans.recommended(simulated, request.target)
        if len(best.simulated) == len(frame.cells):
            break
        simulated[simulated.index(best)] = plans.simulated(frame, best, list(frame.cells), RECOMMENDED_REPLICATES)
    for_target = None
    if request.target is not None and best.relative_error > request.target:
        for_target = plans.budget_for_target(frame, best.design, request.target, best.labeled_by == plans.JUDGED)
    now = tuple(
        plans.simulated(frame, one, [one.worst_policy], REPLICATES)
        for one in (
            plans.plan(frame, design, min(units, int(frame.units)), audit, floor)
            for design, units, audit, floor in known.current
        )
    )
    trade = curve = None
    if best.labeled_by == plans.JUDGED:
        policy = best.worst_policy
        experts = best.worst.expert_labels / frame.days
        trade, curve = (
            Trade(
                policy,
                best.design,
                experts,
                plans.judged_for_experts(frame, best.design, policy, experts, judged),
                best.worst.prevalence,
            )
            for judged in _judged_units(best.budget, experts, frame.units)
        )
    return Result(
        request=request,
        day=day,
        frame=frame,
        plans=tuple(simulated),
        current=now,
        recommended=best,
        for_target=for_target,
        trade=trade,
        curve=curve,
        has_learned_judge=known.has_learned_judge,
        unscored=tuple(known.unscored),
    )


def _judged_units(budget: int, experts: float, most: float) -> tuple[list[float], list[float]]:
    """Multiples of the budget for people, and a fine grid for the chart; never fewer than the expert labels."""
    least = max(experts * 1.02, plans.MINIMUM_BUDGET)
    factors = sorted({min(max(budget * factor, least), most) for factor in JUDGED_FACTORS})
    return factors, np.geomspace(min(least, most), most, 40).tolist()


# --- what is stored ---


def _store(connection: Warehouse, result: Result) -> None:
    (table,) = planning_tables()
    names = [column.name for column in table.columns]
    key = {"unit_type": result.request.unit_type, "frame_date": result.day.isoformat(), "period_days": result.frame.days}
    rows = []
    for one in (*result.plans, *result.current):
        for policy, expected in one.policies.items():
            simulated = one.simulated.get(policy)
            values = {
                **key,
                "design": one.design.name,
                "budget": one.budget,
                "labeled_by": one.labeled_by,
                "policy_id": policy,
                "is_recommended": one is result.recommended,
                "audit_units": one.audit_units,
                "expected_prevalence": expected.prevalence,
                "rate_source": result.frame.cells[policy].rate_source,
                "expected_positives": expected.expected_positives,
                "std_error": expected.std_error,
                "relative_error": expected.relative_error if np.isfinite(expected.relative_error) else None,
                "no_positive_probability": expected.no_positive_probability,
                "detectable_change": expected.detectable_change if np.isfinite(expected.detectable_change) else None,
                "interval_width": simulated and simulated.interval_width,
                "expected_coverage": simulated and simulated.coverage,
                "judge_labels": expected.judge_labels,
                "rater_labels": expected.rater_labels,
                "expert_labels": expected.expert_labels,
                "cost": result.frame.prices.of(expected),
                "currency": result.frame.prices.currency,
            }
            rows.append([values[name] for name in names])
    connection.replace(table, key, rows)


# --- what is said ---

HEADERS = (
    *("units/day", "design", "labels", "audit", "worst policy", "positives", "error", "width", "none met"),
    *("rise found", "coverage", "LLM", "rater", "expert", "cost"),
)


def text(result: Result) -> str:
    frame, request = result.frame, result.request
    period = "1 day" if frame.days == 1 else f"{frame.days} days, each"
    lines = [
        f"Frame: {frame.units:,.0f} units of type {request.unit_type}, {next(iter(frame.cells.values())).frame_exposure:,.0f} "
        f"{EXPOSURES.get(request.unit_type, 'exposure').removeprefix('of ')}, {result.day}. Figures are for {period} like that.",
        "error: standard error; width: of the 95 % interval; rise found: smallest that a test of two such periods finds 4 times in 5;",
        "all three relative to the expected prevalence of the policy that is worst off. none met: probability of no positive.",
        "",
        *_table(HEADERS, [_row(one, one.design.name) for one in result.plans if one.labeled_by == plans.JUDGED]),
        "",
        "The same drawn units, all of them labelled by experts:",
        *_table(
            HEADERS,
            [
                _row(one, one.design.name)
                for one in result.plans
                if one.labeled_by == plans.EXPERTS and one.design == result.recommended.design
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
    headers = ("policy", "expected", "positives", "std. error", "relative", "width", "none met", "rise found", "coverage", "expert")
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
        said += (
            f". None of these plans reaches the target of {_percent(target)}"
            + (
                f": it takes {reach.budget:,} units a day"
                + (f" and an audit of {reach.audit_units:,.0f}" if reach.audit_units is not None else "")
                + f", for {reach.cost:,.0f}"
                if reach is not None
                else f", and neither does the whole frame of {frame.units:,.0f} units a day: take more --days"
            )
        )
    return said + "."


def best_coverage(result: Result) -> float:
    return result.recommended.coverage


def plan_row(result: Result) -> str:
    """The recommended plan in the columns of sampling_plans; those that are not named stay empty."""
    best = result.recommended
    design = best.design
    values = {"unit_type": result.request.unit_type, "design": design.draw, "expected_units": f"{best.budget}"}
    if design.draw in ("poisson", "pareto"):
        values["score_basis"] = design.score_basis
        values["defence_share"] = f"{design.defence_share:g}"
        if design.cold_defence_share is not None:
            values["cold_defence_share"] = f"{design.cold_defence_share:g}"
    if design.draw == "stratified":
        bounds = design.bounds(next(iter(result.frame.cells.values())))
        values["stratum_bounds"] = ";".join(f"{bound:g}" for bound in bounds)
        values["allocation"] = design.allocation
    if best.audit_units is not None:
        values["audit_units"] = f"{best.audit_units:.0f}"
        values["audit_floor"] = f"{result.frame.audit_floor:g}"
    return "As a row of sampling_plans: " + ", ".join(f"{name} {value}" for name, value in values.items()) + "."


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


def save_chart(settings: Settings, result: Result, output: Path | None) -> Path:
    from prevalence.planner.plan_chart import draw

    return draw(result, output or settings.plan_chart)
