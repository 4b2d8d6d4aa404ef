"""The steps from raw logs to published marts, in order, in one process."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from prevalence.engines import warehouse
from prevalence.engines.dbt import Dbt, Window
from prevalence.engines.landing import land
from prevalence.engines.settings import PROJECT, Settings, UserError
from prevalence.labeling.open_assignments import await_answers

MAXIMUM_DAYS = 400
# The demo world's first days are drawn without knowledge, the others by what their labels teach; a world of less than two such
# periods is measured at once.
COLD_DAYS = 7

# A gate's small tables carry its name as a tag.
JUDGE = ("path:demo/labelers",)
EXPERTS = ("path:demo/labelers",)

ANSWERS = ("stg_label_events_classified", "stg_label_events")
DRAWN = (
    *("draw_units", "draw_unit_exposures", "draw_unit_scores"),
    *("draw_user_days", "draw_user_day_interactions", "draw_user_day_components"),
    *("draw_plans", "draw_records"),
)
ITEMS = ("label_units", "label_items", "label_possible_assignments", "label_assignments")
AUDITS = ("draw_audits", "label_audit_assignments", "label_needed_assignments", "label_open_assignments")


class GateBlocked(Exception):
    """A blocking check failed: what was published before stays, nothing new is."""


@dataclass(frozen=True)
class Step:
    title: str
    work: Callable[[], str | None]


def run_steps(steps: list[Step]) -> None:
    """Do the steps and print one line for each."""
    width = len(str(len(steps)))
    for number, step in enumerate(steps, start=1):
        label = f"[{number:>{width}}/{len(steps)}] {step.title} "
        print(label.ljust(58, "."), end=" ", flush=True)
        begun = time.monotonic()
        try:
            said = step.work()
        except BaseException:
            print("stopped", flush=True)
            raise
        seconds = time.monotonic() - begun
        print(f"{seconds:6.1f} s" + (f"  {said}" if said else ""), flush=True)


def own_logs_window(
    settings: Settings, start, end
) -> Window:
    """The days of the interactions' times, unless both ends were given."""
    if start and end:
        return _checked(Window(start, end))
    with warehouse.connect(settings) as connection:
        ((first, last),) = connection.rows(
            "select cast(min(occurred_at) as date), cast(max(occurred_at) as date) from raw.interactions"
        )
    if first is None:
        raise UserError(
            "raw.interactions has no row with a time in occurred_at, so there is no day to measure. Remedy: fill "
            "occurred_at in your mapping; logs without times can be given one nominal day (see docs/real-data.md)."
        )
    return _checked(Window(start or first, end or last + timedelta(days=1)))


def _checked(window: Window) -> Window:
    if window.days < 1:
        raise UserError(
            f"The window from {window.start} to before {window.end} has no day. Remedy: give --end-date the day after "
            "the last day to measure."
        )
    if window.days > MAXIMUM_DAYS:
        raise UserError(
            f"The times in raw.interactions span {window.days:,} days ({window.start} to {window.end - timedelta(days=1)}"
            f"), more than {MAXIMUM_DAYS}: most often a few rows carry a wrong clock. Remedy: name the days to measure "
            "with --start-date and --end-date; rows outside them are quarantined by name."
        )
    return window


def land_step(settings: Settings, raw_folder: Path | None) -> Step:
    def work() -> str:
        return f"{len(land(settings, raw_folder))} raw tables with rows"

    return Step("land: raw tables against the input contract", work)


def cold_start(dbt: Dbt) -> tuple[list[Step], Dbt]:
    """The demo world's first days, up to the rates that their labels teach, as one step; and dbt for the days after them.

    Own logs need no such step: each run learns for the days of the next. Nothing is published here, so no gate looks; but what is drawn
    stays drawn, so plans that cannot work are refused here, too.
    """
    window = dbt.window
    if window.days < 2 * COLD_DAYS:
        return [], dbt
    end = window.start + timedelta(days=COLD_DAYS)
    first = dbt.within(Window(window.start, end))

    def work() -> None:
        first.seed()
        first.run(
            *_models("staging", without=ANSWERS), *_models("units"), *_models("frames", without=DRAWN),
            "plan_row_problems", "plan_problems",
        )  # fmt: skip
        _refuse_plans(dbt.settings)
        first.run(*DRAWN, *ITEMS)
        first.run(*JUDGE)
        first.run(*ANSWERS, *AUDITS)
        first.run(*EXPERTS)
        first.run(*ANSWERS, "fct_unit_labels", "learned_rates")

    return [Step(f"first {COLD_DAYS} days: drawn cold, labels, rates", work)], dbt.within(Window(end, window.end))


def measurement_steps(settings: Settings, dbt: Dbt, is_demo: bool) -> list[Step]:
    """Everything after landing. In the demo world simulated labelers answer; own logs wait for people's answers."""

    def build(title: str, *selectors: str, exclude: tuple[str, ...] = ()) -> Step:
        return Step(title, lambda: dbt.build(*selectors, exclude=exclude))

    def simulate(title: str, *selectors: str) -> list[Step]:
        return [Step(title, lambda: dbt.run(*selectors))] if is_demo else []

    def gate(name: str) -> Step:
        return Step(f"gate: {name.replace('_', ' ')}", lambda: _gate(settings, name))

    wait = [] if is_demo else [Step("labels: open assignments", lambda: await_answers(settings))]

    def quality(gate_name: str) -> str:
        return f"path:models/quality/{gate_name}"

    return [
        Step("seed: policies, plans and limits", dbt.seed),
        build(
            "staging: types, duplicates, quarantine",
            *[*_models("staging", without=ANSWERS), quality("raw_to_staging")],
        ),
        gate("raw_to_staging"),
        build(
            "units and frames",
            *[*_models("units"), *_models("frames", without=DRAWN), quality("before_draw")],
            # the gate that follows says it with numbers and remedy; the test is for a plain dbt build
            exclude=("assert_plans_can_work",),
        ),
        gate("before_draw"),
        build("draw, items, assignments", *DRAWN, *ITEMS),
        *simulate("labels: simulated judge", *JUDGE),
        build("audit: draw and assignments", *ANSWERS, *AUDITS),
        *simulate("labels: simulated experts and raters", *EXPERTS),
        *wait,
        build(
            "labels: one per unit and policy",
            *[*ANSWERS, "fct_unit_labels", "fct_user_day_labels", quality("labels_to_estimates"), quality("accounting")],
            # the accounting of rows is complete with the answers; the bounds of figures come after the figures
            exclude=("path:models/estimates+",),
        ),
        gate("labels_to_estimates"),
        # The ledger of releases is there before its gate, which compares with it; it takes in only what has passed.
        build(
            "estimates: sums, then intervals",
            *["path:models/estimates", "path:models/calibration", "path:models/releases", quality("before_publication")],
        ),
        gate("before_publication"),
        build(
            "marts: publish",
            *["path:models/releases", "path:models/marts", f"{quality('accounting')},path:models/estimates+", "path:models/planning"],
        ),
    ]


def _models(folder: str, without: tuple[str, ...] = ()) -> list[str]:
    """The models of a layer by name.

    dbt chooses tests before it excludes models, so a path with an exclusion would run tests of models not built yet.
    """
    names = [path.stem for path in (PROJECT / "models" / folder).glob("*.sql")]
    return sorted(set(names) - set(without))


def _gate(settings: Settings, name: str) -> str:
    from prevalence.gates.checks import GateError
    from prevalence.gates.runner import run_gate

    try:
        report = run_gate(name, settings)
    except GateError as error:
        raise UserError(f"Gate {name} could not be run: {error}") from error
    if not report.is_passed:
        raise GateBlocked(
            f"{report.text}\nWhat was published before stays as it was; nothing of this run is published."
        )
    lines = [f"{len(report.results)} checks"]
    lines += [f"     warning {warning.check_name}: {warning.message}" for warning in report.warnings]
    return "\n".join(lines)


def _refuse_plans(settings: Settings) -> None:
    """Stop before a draw when a plan cannot work."""
    with warehouse.connect(settings) as connection:
        rows = connection.rows(
            "select plan_id, message from quality.plan_problems where severity > 1 order by plan_id, message"
        )
    if rows:
        listed = "\n".join(f"  plan {plan_id}: {message}" for plan_id, message in rows)
        raise GateBlocked(
            f"Nothing is drawn, because plans cannot work (quality.plan_problems):\n{listed}\nRemedy: change the plan in "
            "seeds/sampling_plans.csv, or in the table sampling_plans that you land; or make the world larger."
        )
