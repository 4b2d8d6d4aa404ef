"""`prevalence plan`: read the frame's sums, compare plans, take one, store and draw what was found (plan_text.py says it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prevalence.engines import warehouse
from prevalence.engines.contract import planning_tables
from prevalence.engines.dbt import Dbt, Window, project_variable
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.warehouse_interface import Warehouse
from prevalence.planner import plans
from prevalence.planner.cells import Judge, judge_of_rows, of_rows
from prevalence.planner.planned_designs import DRAWS, Design
from prevalence.planner.plans import Frame, Prices
from prevalence.planner.results import Request, Result, Trade

UNIT_TYPES = ("content_day", "interaction")
POOLS = ("llm", "bpo", "sme")
REPLICATES = 1_000
RECOMMENDED_REPLICATES = 4_000
# of the budget, at the same expert labels
JUDGED_FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def make(settings: Settings, request: Request, variables: dict, threads: int | None) -> Result:
    _check(request)
    dbt = Dbt(settings, None, variables, threads)
    day, window = _day(settings, request, dbt)
    _build(settings, day, dbt.within(window))
    with warehouse.connect(settings) as connection:
        result = _compare(request, day, _frame(connection, request, day))
        _store(connection, result)
    return result


def _check(request: Request) -> None:
    if request.target is not None and not request.target > 0:
        raise UserError(f"--target-relative-error is {request.target:g}. Remedy: a number above 0, such as 0.2.")
    if request.days < 1:
        raise UserError(f"--days is {request.days}. Remedy: at least 1.")
    for name, value in (("sensitivity", request.sensitivity), ("false-positive-rate", request.false_positive_rate)):
        if value is not None and not 0 <= value <= 1:
            raise UserError(f"--{name} is {value:g}. Remedy: a share from 0 to 1.")
    for policy, value in request.expected_prevalence.items():
        if not 0 < value < 1:
            raise UserError(
                f"--expected-prevalence{f' of {policy}' if policy else ''} is {value:g}. Remedy: a share of exposure above 0 and "
                "below 1, such as 0.002."
            )


# --- what the frame is ---


def _day(settings: Settings, request: Request, dbt: Dbt) -> tuple[date, Window]:
    """The day whose frame stands for all, and the days that the warehouse knows."""
    if not warehouse.exists(settings):
        raise UserError(
            f"There is no warehouse at {settings.place} yet, so there is no frame to plan for. Remedy: `prevalence demo`, "
            "or `prevalence plan --raw-folder DIR` for your own logs."
        )
    day_of = dbt.expression("{{ prevalence._day_of('occurred_at') }}")
    with warehouse.connect(settings, read_only=True) as connection:
        built, landed = {}, {}
        if "frame_unit_sizes" in connection.relations("frames"):
            built = dict(
                connection.rows(
                    "select unit_date, sum(exposure) from frames.frame_unit_sizes"
                    f" where risk_scope = 'all' and unit_type = '{request.unit_type}' group by unit_date"
                )
            )
        # days that no run has built yet can be planned for as well
        if "interactions" in connection.relations("raw"):
            landed = dict(
                connection.rows(
                    f"select {day_of}, count(*) from raw.interactions where occurred_at is not null group by {day_of}"
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


def _build(settings: Settings, day: date, dbt: Dbt) -> None:
    """Everything that a plan needs and is not there: of the logs one day alone."""
    with warehouse.connect(settings, read_only=True) as connection:
        frames = connection.relations("frames")
        has_frame = {"frame_content_scores", "frame_unit_sizes"} <= frames.keys() and connection.rows(
            f"select 1 from frames.frame_content_scores where unit_date = cast('{day}' as date) limit 1"
        )
        has_labels = "fct_unit_labels" in connection.relations("labels")
    if not has_frame:
        one_day = dbt.within(Window(day, day + timedelta(days=1)))
        one_day.seed()
        one_day.run(selector="plan_frame")
    dbt.build("plan" if has_labels else "plan_before_labels")


@dataclass(frozen=True)
class Known:
    """What the warehouse says: the frame, the plans in force, and what cannot be planned for."""

    frame: Frame
    current: list[tuple[Design, int, float | None, float]]
    has_learned_judge: bool
    unscored: list[str]
    draws: Mapping[str, bool]  # designs for units of this type, and whether what they draw may be judged and audited


def _frame(connection: Warehouse, request: Request, day: date) -> Known:
    where = f"unit_type = {connection.literal(request.unit_type)} and unit_date = cast('{day}' as date)"
    rows = connection.arrow(f"select * from planning.plan_cells where {where} and risk_scope = 'all'")
    known = sorted(set(rows.column("policy_id").to_pylist()))
    unknown = sorted((set(request.policies) | set(request.expected_prevalence) - {""}) - set(known))
    if unknown:
        raise UserError(
            f"Unknown policy {', '.join(unknown)}: the frame of {day} has scores of {len(known)} policies, {', '.join(known)}. "
            "Remedy: --policies and --expected-prevalence with some of them."
        )
    given = {policy: request.expected_prevalence.get(policy, request.expected_prevalence.get("")) for policy in known}
    unscored = [policy for policy in known if given[policy] is None and _is_unscored(_columns(rows, policy))]
    if set(request.policies) & set(unscored) or len(unscored) == len(known):
        named = sorted(set(request.policies) & set(unscored)) or unscored
        raise UserError(
            f"0 units of the frame of {day} have a risk score of {', '.join(named)}, and no rates of violation are learned yet, so "
            f"nothing says how much of it to expect. Remedy: --expected-prevalence {named[0]}=SHARE, risk_scores of that day or earlier, "
            "or --policies without it."
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
        expected = given[policy]
        cells[policy] = of_rows(policy, columns)
        if expected is not None:
            # a score that only stands for a missing one says nothing of what differs between units
            flat = _is_unscored(columns)
            cells[policy] = (replace(cells[policy], rate=0 * cells[policy].rate) if flat else cells[policy]).scaled_to(
                expected
            )
        judges[policy] = believed
        if labels is not None:
            if expected is None:
                cells[policy] = cells[policy].scaled_to_labels(
                    columns["score_bucket"], _columns(_widest_plan(labels, policy), policy)
                )
            if not is_given:
                judges[policy] = judge_of_rows(columns["score_bucket"], _columns(labels, policy), believed)
    current = _current(connection, request.unit_type)
    frame = Frame(
        cells=cells,
        judges=judges,
        prices=_prices(connection),
        days=request.days,
        audit_floor=max((floor for *_, floor in current), default=0.0),
        overlap_share=project_variable("rater_overlap_share"),
        missed_share=project_variable("judge_missed_share"),
    )
    left_out = [] if request.policies else unscored
    has_learned_judge = any(judge.is_learned for judge in judges.values())
    return Known(frame, current, has_learned_judge, left_out, _draws(connection, request.unit_type))


def _draws(connection: Warehouse, unit_type: str) -> dict[str, bool]:
    """What a run draws units of this type by; a plan that it would refuse is not recommended."""
    return dict(
        connection.rows(
            "select design, takes_audit from reference.designs where not is_drawn_elsewhere"
            f" and is_for_{'content_days' if unit_type == 'content_day' else 'interactions'}"
        )
    )


def _widest_plan(labels: pa.Table, policy: str) -> pa.Table:
    """The labels of the plan with most violations: plans that draw differently are not added up."""
    own = (
        labels.filter(pc.equal(labels.column("policy_id"), policy)).select(["plan_id", "violating_labels"]).to_pylist()
    )
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

        def given(name: str, default: float, values: dict = values) -> float:
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
        for design in (one for one in designs if one.draw in known.draws and _parts(one, frame)):
            if known.draws[design.draw]:
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


def _parts(design: Design, frame: Frame) -> bool:
    """Whether a stratified design has strata: scores that are all alike, as where most are missing, have no bounds between them."""
    return design.draw != "stratified" or bool(design.bounds(next(iter(frame.cells.values()))))


def _judged_units(budget: int, experts: float, most: float) -> tuple[list[float], list[float]]:
    """Multiples of the budget for people, and a fine grid for the chart; never fewer than the expert labels."""
    least = max(experts * 1.02, plans.MINIMUM_BUDGET)
    factors = sorted({min(max(budget * factor, least), most) for factor in JUDGED_FACTORS})
    return factors, np.geomspace(min(least, most), most, 40).tolist()


# --- what is stored ---


def _store(connection: Warehouse, result: Result) -> None:
    (table,) = planning_tables()
    names = [column.name for column in table.columns]
    key = {
        "unit_type": result.request.unit_type,
        "frame_date": result.day.isoformat(),
        "period_days": result.frame.days,
    }
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


def save_chart(settings: Settings, result: Result, output: Path | None) -> Path:
    from prevalence.planner.plan_chart import draw

    return draw(result, output or settings.plan_chart)
