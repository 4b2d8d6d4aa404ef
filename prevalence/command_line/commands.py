"""The commands of the product. Others join them by the entry points `prevalence.commands` (pyproject.toml)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from prevalence.command_line.exits import EXIT_BLOCKED, EXITS, outcome
from prevalence.command_line.label_commands import label
from prevalence.command_line.options import (
    RAW_FOLDER,
    Command,
    Date,
    FilePath,
    Mapping,
    OfPolicy,
    Several,
    command,
    of_days,
    of_raw_folder,
    on_target,
    with_vars,
)
from prevalence.engines.settings import Settings, UserError, display
from prevalence.engines.terminal import alive, highlighted, plain, plain_lines

MEASURE, PLAN, ENGINES = "Measure", "Plan and prove", "Engines"


@command(MEASURE, works_alone=True)
@on_target
@of_raw_folder
@of_days
@click.option("--costs-only", is_flag=True, help="Stop before the draw, and say what it would ask and cost.")
@with_vars
def run(
    settings: Settings,
    raw_folder: Path | None,
    start_date: date | None,
    end_date: date | None,
    costs_only: bool,
    threads: int | None,
    variables: dict,
) -> int:
    """Measure your own logs (or go on with what the warehouse holds).

    A day, plan or policy that waits for answers or that a gate holds back stops nothing else: the table at the end says of each
    what was published, what waits, and what is held back and why.
    """
    from prevalence.command_line import steps
    from prevalence.command_line.due_days import choose_days
    from prevalence.engines import warehouse
    from prevalence.engines.dbt import BuildError, Dbt
    from prevalence.migration.migrate import refuse_old_layout
    from prevalence.release.parts import last_release, print_parts
    from prevalence.release.summary import print_summary

    refuse_old_layout(settings)
    if raw_folder is None and warehouse.holds_demo_world(settings):
        raise UserError(
            f"The warehouse {settings.place} holds the demo world, whose labels are simulated. Remedy: "
            f"`prevalence demo` for the demo world, or --raw-folder (or {RAW_FOLDER}) for your own logs."
        )
    dbt = Dbt(settings, None, variables, threads)
    try:
        # what the project's configuration says is refused before any log is read
        dbt.manifest()
    except BuildError as error:
        raise UserError(str(error)) from error

    def choose(dbt: Dbt) -> str:
        return choose_days(settings, dbt, start_date, end_date, variables)

    release = last_release(settings)
    measurement = steps.measurement_steps(settings, dbt, choose=choose)
    if costs_only:
        steps.run_steps([steps.land_step(settings, raw_folder), *steps.steps_before_draw(measurement)])
        return 0
    try:
        steps.run_steps([steps.land_step(settings, raw_folder), *measurement, steps.chart_step(settings)])
    except steps.GateBlocked:
        print_parts(settings)
        raise
    print_summary(settings)
    return outcome(print_parts(settings), is_published=last_release(settings) > release)


@command(MEASURE)
@on_target
def status(settings: Settings) -> None:
    """What is published, what waits and for which answers, what is held back, why and until what is done, and what was asked."""
    from prevalence.release.costs import print_costs
    from prevalence.release.parts import print_parts

    print_parts(settings)
    print_costs(settings)


@command(MEASURE, works_alone=True)
@on_target
@of_raw_folder
def land(settings: Settings, raw_folder: Path | None) -> None:
    """Check the raw tables against the input contract and register them."""
    from prevalence.engines import landing

    landed = landing.land(settings, raw_folder)
    for line in (*landed.notices, *landed.tables):
        click.echo(line)


@command(MEASURE, works_alone=True)
@on_target
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def gate(settings: Settings, names: tuple[str, ...]) -> int:
    """Run gates on the warehouse as it is; one that blocks, or holds parts back, exits with 1.

    NAME is raw_to_staging, before_draw, labels_to_estimates or before_publication.
    """
    from prevalence.command_line.steps import GateBlocked, gate_report

    is_whole = True
    for name in names:
        with alive(f"gate {name}"):
            report = gate_report(name, settings)
        if not report.is_passed:
            raise GateBlocked(report.text)
        click.echo(report.text)
        is_whole = is_whole and not report.holding_failures
    return 0 if is_whole else EXIT_BLOCKED


@command(MEASURE)
@on_target
def where(settings: Settings) -> None:
    """Print the newest 28-day prevalence and where everything lies."""
    from prevalence.release.summary import print_summary

    print_summary(settings)


@command(MEASURE)
@on_target
@click.option("--output", type=FilePath(), help="SVG file; default: beside the warehouse.")
def chart(settings: Settings, output: Path | None) -> None:
    """Draw the published prevalence."""
    from prevalence.release.chart import draw

    click.echo(display(draw(settings, output)))


@command(PLAN)
@on_target
@of_raw_folder
@click.option("--unit-type", type=click.Choice(["content_day", "interaction"]), default="content_day")
@click.option(
    "--budgets",
    cls=Several,
    type=int,
    metavar="UNITS...",
    help="Units drawn per day; default: around the plan in force.",
)
@click.option("--policies", cls=Several, metavar="POLICY...", help="Default: all.")
@click.option("--day", type=Date(), help="Day whose frame stands for all; default: the last whole one.")
@click.option("--days", type=int, default=1, help="Days of the period that figures are for; default: 1.")
@click.option("--target-relative-error", type=float, help="Standard error / prevalence that every policy must reach.")
@click.option(
    "--expected-prevalence",
    cls=Several,
    type=OfPolicy(),
    metavar="[POLICY=]SHARE...",
    help="Share of exposure to plan for, of all policies or of one; default: what labels, learned rates or scores say. Needed of a "
    "policy that has none of them.",
)
@click.option("--sensitivity", type=float, help="Of the judge; default: learned from labels, .85 before there are any.")
@click.option("--false-positive-rate", type=float, help="Of the judge; default: learned, .01 before.")
@with_vars
@click.option("--output", type=FilePath(), help="SVG file; default: beside the warehouse.")
def plan(
    settings: Settings,
    raw_folder: Path | None,
    unit_type: str,
    budgets: tuple[int, ...],
    policies: tuple[str, ...],
    day: date | None,
    days: int,
    target_relative_error: float | None,
    expected_prevalence: tuple[tuple[str, float], ...],
    sensitivity: float | None,
    false_positive_rate: float | None,
    threads: int | None,
    variables: dict,
    output: Path | None,
) -> None:
    """What plans would give and cost, before a label is bought, and which one to take."""
    from prevalence.engines import landing
    from prevalence.planner import command as planner
    from prevalence.planner.plan_text import text
    from prevalence.planner.results import Request

    if raw_folder is not None:
        landing.land(settings, raw_folder)
    request = Request(
        unit_type=unit_type,
        budgets=budgets,
        policies=tuple(dict.fromkeys(policies)),
        day=day,
        days=days,
        target=target_relative_error,
        expected_prevalence=dict(expected_prevalence),
        sensitivity=sensitivity,
        false_positive_rate=false_positive_rate,
    )
    with alive("comparing plans"):
        result = planner.make(settings, request, variables, threads)
    click.echo(plain_lines(text(result)))
    drawn = planner.save_chart(settings, result, output)
    click.echo(f"\nchart: {display(drawn)}; rows: planning.plan_expectations")


@command(PLAN, works_alone=True)
@on_target
@click.option("--plan", "plans", multiple=True, help="A plan; may be repeated; default: all.")
@click.option("--start-date", type=Date(), help="First day; default: the first drawn day.")
@click.option("--end-date", type=Date(), help="The day after the last; default: after the last drawn day.")
@click.option(
    "--vars", "variables", type=Mapping(), default=dict, help="dbt vars of the run that drew, as YAML or JSON."
)
def replay(
    settings: Settings, plans: tuple[str, ...], start_date: date | None, end_date: date | None, variables: dict
) -> int:
    """Draw again and prove that the stored draws are the same; exits with 1 and names rows that are not."""
    from prevalence.replay import replay as replaying

    with alive("drawing again"):
        found = replaying.replay(settings, plans, start_date, end_date, variables)
    click.echo("\n".join(map(plain, found.lines)))
    return 0 if found.is_proven else EXIT_BLOCKED


@command(PLAN, works_alone=True)
@on_target
@click.option("--table", required=True, help="The table that quality.broken_seals names.")
@click.option("--plan", required=True, help="The plan that it names.")
@click.option("--day", type=Date(), required=True, help="The day that it names.")
@click.option("--reason", required=True, help="Why the rows are right as they are, and who says so.")
def accept(settings: Settings, table: str, plan: str, day: date, reason: str) -> None:
    """Answer for a change of what is for ever, by name; the day counts again for as long as its rows stay as they are."""
    from prevalence.replay.accept import accept as accept_change

    click.echo("\n".join(accept_change(settings, table, plan, day, reason)))


@command(ENGINES, works_alone=True)
@on_target
def migrate(settings: Settings) -> None:
    """Bring a warehouse of an earlier layout to that of today; what was drawn, asked and published stays as it is."""
    from prevalence.migration.migrate import migrate as migrate_warehouse

    with alive("migrating"):
        said = migrate_warehouse(settings)
    click.echo("\n".join(said) or f"{settings.place} has the layout of today; there was nothing to do")


class Passing(Command):
    """A command whose arguments are another program's, options and all."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["arguments"] = list(args)
        return []


@command(ENGINES, kind=Passing)
def dbt(settings: Settings, arguments: list[str]) -> int:
    """Run dbt with the arguments that follow; for target session with Spark and the functions started."""
    from prevalence.engines.spark.dbt_command import run as run_dbt

    return run_dbt(settings, arguments)


class SparkActions(click.Group):
    command_class = Command
    section = ENGINES

    def get_help(self, ctx: click.Context) -> str:
        return highlighted(super().get_help(ctx))


@click.group(cls=SparkActions)
def spark() -> None:
    """A Spark cluster with a Thrift server on this machine, for target thrift."""


@spark.command()
def start(settings: Settings) -> None:
    """Start what is not running, and wait until it answers."""
    from prevalence.engines.spark.cluster import Cluster

    Cluster(settings).start()


@spark.command()
def stop(settings: Settings) -> None:
    """Stop all of it."""
    from prevalence.engines.spark.cluster import Cluster

    Cluster(settings).stop()


@spark.command("status")
def spark_status(settings: Settings) -> int:
    """One line for each process; exits with 1 when one is down."""
    from prevalence.engines.spark.cluster import Cluster

    return 0 if Cluster(settings).status() else EXIT_BLOCKED


def _process_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    from prevalence.engines.spark.cluster import NAMES

    if value is not None and value not in NAMES:
        raise click.BadParameter(f"{value!r} is not one of {', '.join(NAMES)}", ctx, param)
    return value


@spark.command()
@click.argument("name", required=False, callback=_process_name)
@click.option("--lines", type=int, default=20, help="How many lines of each; default: 20.")
def logs(settings: Settings, name: str | None, lines: int) -> None:
    """Where the logs lie, and the end of each; of one process, or of all."""
    from prevalence.engines.spark.cluster import Cluster

    Cluster(settings).logs(name, max(lines, 0))


run.epilog = "\b\nExit codes:\n" + "\n".join(f"  {code}  {meaning}" for code, meaning in EXITS.items())

COMMANDS = (run, status, land, gate, where, chart, label, plan, replay, migrate, dbt, spark)
