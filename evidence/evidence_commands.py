"""What shows that it holds, as commands beside the product's: coverage, the laboratory, parity, real data."""

from __future__ import annotations

import os
from pathlib import Path

import click

from prevalence.command_line.exits import EXIT_BLOCKED
from prevalence.command_line.options import FilePath, Several, command, on_target
from prevalence.engines.settings import PROJECT, TARGETS, Settings, UserError, display
from prevalence.engines.terminal import alive

EVIDENCE = "Evidence"
SHARED = Path(os.environ.get("PREVALENCE_SHARED", PROJECT.parent / "shared"))
PARTS = ("designs", "headline", "published")
TIMELINES = tuple(sorted(path.stem for path in (Path(__file__).parent / "nights").glob("*.csv")))
SETS = tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("real_data/*/mapping.sql")))


@command(EVIDENCE)
@on_target
@click.option("--seeds", type=int, help="Build this many small worlds first, and look at those.")
@click.option("--days", type=int, default=1, help="Days of each small world; default: 1.")
@click.option("--seed", type=int, default=1, help="Of the small worlds; default: 1.")
@click.option("--output", type=FilePath(), help="Write the table to this Markdown file as well.")
def coverage(settings: Settings, seeds: int | None, days: int, seed: int, output: Path | None) -> None:
    """How often the intervals cover the demo world's truth."""
    from prevalence_evidence.coverage import build_replicates, write_report

    if seeds:
        settings = build_replicates(settings, seeds, seed, days)
    click.echo(write_report(settings, output))


@command(EVIDENCE)
@click.option(
    "--parts",
    cls=Several,
    type=click.Choice(PARTS),
    metavar="PART...",
    help="Default: all of " + ", ".join(PARTS) + ".",
)
@click.option("--scale", type=float, default=1.0, help="How many times the runs of the grid.")
@click.option("--processes", type=int, default=os.cpu_count() or 1, help="Default: one for each core.")
@click.option("--output", type=FilePath(), help="Folder of the page, the chart and the cells; default: docs.")
def laboratory(settings: Settings, parts: tuple[str, ...], scale: float, processes: int, output: Path | None) -> None:
    """Which designs and intervals hold, on populations of known truth."""
    from prevalence_evidence.laboratory import grid, report

    parts = parts or PARTS
    if not scale > 0 or processes < 1:
        raise UserError("--scale must be above 0 and --processes at least 1.")
    records = grid.run(parts, scale, processes)
    line = "prevalence laboratory"
    if sorted(parts) != sorted(PARTS):
        line += " --parts " + " ".join(parts)
    if scale != 1:
        line += f" --scale {scale:g}"
    for path in report.write(records, output or Path("docs"), line):
        click.echo(display(path))


@command(EVIDENCE)
@click.argument("left", type=click.Choice(TARGETS))
@click.argument("right", type=click.Choice(TARGETS))
def compare(settings: Settings, left: str, right: str) -> int:
    """Whether two targets hold the same rows; exits with 1 and names the first difference."""
    from prevalence_evidence import parity

    sides = [parity.of_target(settings, target) for target in (left, right)]
    with alive(f"comparing {left} with {right}"):
        found = parity.compare(*sides, parity.compared_tables(sides[0]))
    for difference in found.differences:
        click.echo(difference)
    click.echo(
        f"{found.tables} tables, {found.columns:,} columns, {found.rows:,} rows on {left}: "
        + (f"{len(found.differences)} tables differ from {right}" if found.differences else f"the same on {right}")
    )
    return EXIT_BLOCKED if found.differences else 0


@command(EVIDENCE, "real-data")
@on_target
@click.argument("name", metavar="SET", type=click.Choice(SETS))
@click.option("--data", type=FilePath(), default=SHARED / "data", help="Folder of the sets.")
@click.option("--work", type=FilePath(), required=True, help="Folder for raw tables and the warehouse.")
@click.option("--draws", type=int, default=1, help="How often every sample is drawn; default: 1.")
def real_data(settings: Settings, name: str, data: Path, work: Path, draws: int) -> None:
    """Measure a published data set and compare with what is known of the whole."""
    from prevalence_evidence.real_data.measure import lines_of, measure

    comparisons = measure(name, data, work, draws, settings.engine)
    click.echo("\n".join(lines_of(comparisons, draws)))


@command(EVIDENCE)
@click.argument("name", metavar="TIMELINE", type=click.Choice(TIMELINES))
@click.option("--work", type=FilePath(), required=True, help="Folder for raw tables and the warehouse; begun anew.")
@click.option("--nights", "count", type=int, help="How many; default: all of the timeline.")
@click.option(
    "--kills", type=int, default=0, help="Kill so many of the runs at random moments and repeat them; default: 0."
)
@click.option("--seed", type=int, default=1, help="Of the nights and moments of the kills; default: 1.")
@click.option(
    "--undisturbed", is_flag=True, help="Compare the figures with those of one run that is given everything at once."
)
def nights(
    settings: Settings, name: str, work: Path, count: int | None, kills: int, seed: int, undisturbed: bool
) -> int:
    """Run a small world night after night while everything around it changes; exits with 1 when something does not hold."""
    from prevalence_evidence.nights import nights as simulated

    faults = 0
    for night in simulated.run_nights(name, work, count, kills=kills, seed=seed):
        click.echo("\n".join(simulated.lines_of(night)))
        (work / "said").mkdir(exist_ok=True)
        (work / "said" / f"night_{night.number:03d}.txt").write_text(night.output)
        faults += len(night.faults)
    if undisturbed:
        found, compared = simulated.run_undisturbed(work)
        click.echo(f"{compared:,} published figures beside those of an undisturbed run")
        click.echo("".join(f"          FAULT {fault}\n" for fault in found), nl=False)
        faults += len(found)
    click.echo(f"{faults:,} faults; what each run said is in {display(work / 'said')}")
    return EXIT_BLOCKED if faults else 0
