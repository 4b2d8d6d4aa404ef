"""`prevalence demo`: the made-up world, measured with simulated labelers and compared with its truth."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace
from datetime import date

import click

from prevalence.command_line.commands import MEASURE
from prevalence.command_line.options import command, of_days, on_target, with_vars
from prevalence.engines.settings import Settings


@command(MEASURE, works_alone=True)
@on_target
@of_days
@with_vars
@click.option("--interactions", type=int, help="Size of the world.")
@click.option("--users", type=int, help="Default: a tenth of the interactions.")
@click.option("--contents", type=int, help="Default: half of the interactions.")
@click.option("--seed", type=int, help="Another number is another world.")
@click.option(
    "--days-per-world",
    type=int,
    help="Cut the period into worlds of so many days, each with its own users and contents: many seeds in one build.",
)
def demo(
    settings: Settings,
    start_date: date | None,
    end_date: date | None,
    threads: int | None,
    variables: dict,
    interactions: int | None,
    users: int | None,
    contents: int | None,
    seed: int | None,
    days_per_world: int | None,
) -> None:
    """Write the demo world, measure it and compare with its truth."""
    from prevalence.command_line.steps import Step, chart_step, land_step, measurement_steps, run_steps
    from prevalence.engines import warehouse
    from prevalence.engines.dbt import Dbt
    from prevalence.engines.warehouse_interface import DEMO_WORLD
    from prevalence.migration.migrate import refuse_old_layout
    from prevalence.release.summary import print_summary
    from prevalence_demo.cold_start import cold_start
    from prevalence_demo.truths import truths
    from prevalence_demo.world import answer, default_world, write_world

    begun = time.monotonic()
    refuse_old_layout(settings)
    given = {
        "seed": seed,
        "interactions": interactions,
        "users": users,
        "contents": contents,
        "start": start_date,
        "end": end_date,
        "days_per_world": days_per_world,
    }
    world = replace(default_world(), **{name: value for name, value in given.items() if value is not None})
    dbt = Dbt(settings, world.window, {**variables, **world.variables}, threads)
    switched = warehouse.switch_world(settings, DEMO_WORLD)
    if switched:
        click.echo(switched)
    first_steps, rest = cold_start(dbt)

    def draw() -> str | None:
        dbt.run("path:demo/truth")
        return chart_step(settings, truths(settings)).work()

    run_steps(
        [
            Step("demo world: raw logs and their truth", lambda: write_world(settings, world, dbt)),
            land_step(settings, None),
            *first_steps,
            *measurement_steps(settings, rest, answer),
            Step("chart", draw),
        ]
    )
    print_summary(settings, truths(settings))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # kilobytes on Linux, bytes on macOS
    peak_gib = peak / (2**30 if sys.platform == "darwin" else 2**20)
    click.echo(f"\n{time.monotonic() - begun:.0f} s, {peak_gib:.2f} GiB at the peak of this process")
