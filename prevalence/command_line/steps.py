"""The steps from raw logs to published marts, in order, in one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prevalence.engines import warehouse
from prevalence.engines.dbt import Dbt
from prevalence.engines.landing import land
from prevalence.engines.settings import Settings, UserError, display
from prevalence.engines.terminal import alive, is_terminal, plain_lines
from prevalence.labeling.open_assignments import open_assignments

if TYPE_CHECKING:
    from prevalence.gates.runner import GateReport
    from prevalence.release.headline import Truths


# the step that says what the next one asks and costs
COSTS = "costs: what the next step asks"


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
        line = label.ljust(58, ".") + " "
        # elsewhere than on a terminal the line itself says what is at work
        begin, end = ("", line) if is_terminal() else (line, "")
        print(begin, end="", flush=True)
        begun = time.monotonic()
        try:
            with alive(label):
                said = step.work()
        except BaseException:
            print(f"{end}stopped", flush=True)
            raise
        seconds = time.monotonic() - begun
        print(f"{end}{seconds:6.1f} s" + (f"  {plain_lines(said)}" if said else ""), flush=True)


def land_step(settings: Settings, raw_folder: Path | None) -> Step:
    def work() -> str:
        landed = land(settings, raw_folder)
        return "\n".join(
            [f"{len(landed.tables)} raw tables with rows", *(f"     {notice}" for notice in landed.notices)]
        )

    return Step("land: raw tables against the input contract", work)


def measurement_steps(
    settings: Settings,
    dbt: Dbt,
    answer: Callable[[Dbt], None] | None = None,
    choose: Callable[[Dbt], str] | None = None,
) -> list[Step]:
    """Everything after landing; the selectors of selectors.yml say what belongs to each step.

    `answer` answers what is asked by then, in the place of people; without it days whose answers are not in wait, each by
    itself, and the run goes on with the others. `choose` tells dbt which days to build (due_days.py); without it they are those
    that it was made with.
    """

    def build(title: str, selector: str) -> Step:
        return Step(title, lambda: dbt.build(selector))

    def build_days(title: str, selector: str) -> Step:
        return Step(title, lambda: dbt.build_days(selector))

    def simulate(title: str) -> list[Step]:
        return [Step(title, lambda: answer(dbt))] if answer else []

    def gate(name: str) -> Step:
        return Step(f"gate: {name.replace('_', ' ')}", lambda: _gate(settings, name))

    # what a draw costs is said before it is drawn: it is for ever, and what it asks is paid for
    say_costs = [] if answer else [Step(COSTS, lambda: _costs(settings))]
    ask = [] if answer else [Step("labels: open assignments", lambda: open_assignments(settings))]

    return [
        Step("seed: policies, plans and limits", dbt.seed),
        *([Step("days: new, changed and unfinished ones", lambda: choose(dbt))] if choose else []),
        # what the choice of days has built is as it was
        build_days("staging: types, duplicates, quarantine", "stage_of_due_days" if choose else "stage"),
        gate("raw_to_staging"),
        build_days("units and frames", "frame"),
        gate("before_draw"),
        *say_costs,
        build("draw, items, assignments", "draw"),
        *simulate("labels: simulated judge"),
        build("audit: draw and assignments", "audit"),
        *simulate("labels: simulated experts and raters"),
        *ask,
        build("labels: one per unit and policy", "label" if answer else "label_of_known_answers"),
        gate("labels_to_estimates"),
        # The ledger of releases is there before its gate, which compares with it; it takes in only what has passed.
        build("estimates: sums, then intervals", "estimate"),
        gate("before_publication"),
        Step("marts: publish", lambda: _publish(settings, dbt)),
    ]


def steps_before_draw(steps: list[Step]) -> list[Step]:
    """Those of the steps of a measurement that ask nobody anything."""
    return steps[: [step.title for step in steps].index(COSTS) + 1]


def _costs(settings: Settings) -> str:
    from prevalence.release.costs import cost_lines

    with warehouse.connect(settings, read_only=True) as connection:
        lines = cost_lines(connection)
    return "\n".join(["to be asked next:" if lines else "nothing new is asked", *(f"     {line}" for line in lines)])


def _publish(settings: Settings, dbt: Dbt) -> str:
    from prevalence.release.copies import write_copies

    dbt.build("publish")
    return write_copies(settings)


def chart_step(settings: Settings, truths: Truths | None = None) -> Step:
    """The chart of what is published, beside the truth where it is known."""

    def work() -> str:
        from prevalence.release.chart import draw

        return display(draw(settings, None, truths))

    return Step("chart", work)


def gate_report(name: str, settings: Settings) -> GateReport:
    from prevalence.gates.checks import GateError
    from prevalence.gates.runner import run_gate

    try:
        return run_gate(name, settings)
    except GateError as error:
        raise UserError(f"Gate {name} could not be run: {error}") from error


def _gate(settings: Settings, name: str) -> str:
    report = gate_report(name, settings)
    if not report.is_passed:
        raise GateBlocked(
            f"{report.text}\nWhat was published before stays as it was; nothing of this run is published."
        )
    lines = [f"{len(report.results)} checks"]
    lines += [f"     held back by {failure.check_name}: {failure.message}" for failure in report.holding_failures]
    lines += [f"     warning {warning.check_name}: {warning.message}" for warning in report.warnings]
    return "\n".join(lines)
