"""The demo world begins like a user: its first days are drawn without knowledge, the others by what their labels teach."""

from __future__ import annotations

from datetime import timedelta

from prevalence.command_line.steps import GateBlocked, Step
from prevalence.engines import warehouse
from prevalence.engines.dbt import Dbt, Window
from prevalence.engines.settings import Settings
from prevalence_demo.world import answer

# A world of less than two such periods is measured at once.
COLD_DAYS = 7
# the steps of a run that the first days go through: what a draw waits for is in them, whatever joins it
COLD_STEPS = ("stage", "frame", "draw", "audit")
# and what rates are learned from: labels of days whose seals hold
LEARNED = (
    *("path:models/staging,source:raw.label_events+", "fct_unit_labels"),
    *("label_answer_records", "broken_answers", "broken_seals", "path:models/calibration"),
)


def cold_start(dbt: Dbt) -> tuple[list[Step], Dbt]:
    """The first days, up to the rates that their labels teach, as one step; and dbt for the days after them.

    Own logs need no such step: each run learns for the days of the next. Nothing is published here, so no gate looks; but what
    is drawn stays drawn, so plans that cannot work are refused here, too.
    """
    window = dbt.window
    if window.days < 2 * COLD_DAYS:
        return [], dbt
    end = window.start + timedelta(days=COLD_DAYS)
    first = dbt.within(Window(window.start, end))

    def work() -> None:
        stage, frame, draw, audit = COLD_STEPS
        first.seed()
        first.run(selector=stage)
        first.run(selector=frame)
        _refuse_plans(dbt.settings)
        first.run(selector=draw)
        answer(first)
        first.run(selector=audit)
        answer(first)
        first.run(*LEARNED)

    return [Step(f"first {COLD_DAYS} days: drawn cold, labels, rates", work)], dbt.within(Window(end, window.end))


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
