"""How often the intervals hold: estimates of the demo world against its truth.

`prevalence coverage` reads the demo world that the warehouse holds; `prevalence coverage --seeds N` builds N small worlds
first, each a day of its own in one warehouse beside it, so that the whole pipeline is run once and tried N times. With
`--days D` each has D days and keeps its contents over them: with seven, weeks show what pooled intervals are worth where heavy
contents, and what the judge thinks of them, are the same on each day.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from prevalence.engines import warehouse
from prevalence.engines.contract import raw_tables
from prevalence.engines.dbt import Dbt
from prevalence.engines.settings import Settings, UserError
from prevalence_demo.world import answer, default_world, write_world

# The demo world's plans, scaled to worlds of a thousand interactions a day, and one whose contents keep their random numbers.
SMALL_PLAN_COLUMNS = (
    "plan_id",
    "unit_type",
    "design",
    "expected_units",
    "defence_share",
    "random_number_days",
    "audit_units",
    "audit_floor",
)
SMALL_PLANS = (
    ("content_days_mixture", "content_day", "poisson", 400, 0.5, None, 120, 0.05),
    ("content_days_holdout", "content_day", "poisson", 100, 1.0, None, None, None),
    ("interactions_mixture", "interaction", "pareto", 250, 0.5, None, 80, 0.05),
    ("interactions_holdout", "interaction", "simple_random", 60, None, None, None, None),
)
KEPT_NUMBERS_PLAN = ("content_days_kept_numbers", "content_day", "poisson", 400, 0.5, 7, 120, 0.05)
SMALL_INTERACTIONS = 1000


def build_replicates(settings: Settings, seeds: int, seed: int, days: int = 1) -> Settings:
    """Build a warehouse of `seeds` small worlds of so many days each beside the usual one and return its settings."""
    from prevalence.command_line.steps import Step, land_step, measurement_steps, run_steps

    replicates = settings.beside("coverage")
    replicates.enter()
    world = default_world()
    world = replace(
        world,
        seed=seed,
        interactions=SMALL_INTERACTIONS * seeds * days,
        days_per_world=days,
        end=world.start + timedelta(days=seeds * days),
    )
    dbt = Dbt(replicates, world.window, world.variables, threads=None)
    run_steps(
        [
            Step(f"{seeds} small worlds of {days} days", lambda: write_world(replicates, world, dbt)),
            land_step(replicates, None),
            Step("plans of their size", lambda: _plan(replicates, days)),
            *measurement_steps(replicates, dbt, answer),
            Step("their truth", lambda: dbt.run("path:demo/truth")),
        ]
    )
    return replicates


def _plan(settings: Settings, days: int) -> None:
    with warehouse.connect(settings) as connection:
        # where a world is a day there is nothing to draw again
        small_plans = SMALL_PLANS if days == 1 else (*SMALL_PLANS, KEPT_NUMBERS_PLAN)
        plans = next(table for table in raw_tables() if table.name == "sampling_plans")
        rows = [dict(zip(SMALL_PLAN_COLUMNS, plan, strict=True)) for plan in small_plans]
        connection.replace(plans, {}, [[row.get(column.name) for column in plans.columns] for row in rows])


def coverage_table(settings: Settings) -> list[tuple]:
    """One row per period type, plan, unit type and policy; see analyses/interval_coverage.sql for the columns."""
    with warehouse.connect(settings) as connection:
        if not connection.relation_type("truth", "plan_prevalence"):
            raise UserError(
                f"The warehouse {settings.place} holds no demo world, so there is no truth to compare with. "
                "Remedy: `prevalence demo` first, or `prevalence coverage --seeds 200`."
            )
    world = default_world()
    query = Dbt(settings, world.window, world.variables, threads=None).compiled("interval_coverage")
    with warehouse.connect(settings, read_only=True) as connection:
        return connection.rows(query)


def as_markdown(rows: list[tuple]) -> str:
    """The table for people: coverage and median width relative to the truth."""
    lines = [
        "| period | plan | unit | policy | intervals | cover the truth | median width / truth | mean positives | bias |",
        "|---|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for period, plan, unit, policy, intervals, missing, coverage, width, positives, bias in rows:
        given = f"{intervals}" + (f" ({missing} not given)" if missing else "")
        lines.append(
            f"| {period} | {plan} | {unit} | {policy} | {given} | {coverage:.3f} | {width:.2f} | {positives:.1f} | {bias:+.1%} |"
        )
    return "\n".join(lines)


def write_report(settings: Settings, output: Path | None) -> str:
    text = as_markdown(coverage_table(settings))
    if output:
        output.write_text(text + "\n")
    return text
