"""The command `prevalence`: from raw logs to a gated number."""

import argparse
import os
import resource
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
import yaml

from prevalence.engines import warehouse
from prevalence.engines.settings import TARGETS, Settings, UserError, display

TARGET = "PREVALENCE_TARGET"
RAW_FOLDER = "PREVALENCE_RAW_FOLDER"
EXIT_BLOCKED = 1
EXIT_USER = 2
EXIT_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    # dbt's arguments are dbt's: argparse would take its options for ours
    is_dbt = given[:1] == ["dbt"]
    options = _parser().parse_args(given[:1] if is_dbt else given)
    options.dbt_arguments = given[1:] if is_dbt else []
    if getattr(options, "target", None):
        os.environ[TARGET] = options.target
    # before the working directory changes, because a person types paths relative to where they are
    for name in ("raw_folder", "output"):
        value = getattr(options, name, None)
        if value is not None:
            setattr(options, name, value.expanduser().resolve())
    from prevalence.command_line.steps import GateBlocked
    from prevalence.labeling.open_assignments import AwaitingAnswers

    try:
        settings = Settings.from_environment()
        settings.enter()
        return options.command(settings, options) or 0
    except AwaitingAnswers as waiting:
        print(f"\n{waiting}")
    except GateBlocked as blocked:
        print(f"\n{blocked}", file=sys.stderr)
        return EXIT_BLOCKED
    except UserError as error:
        print(f"\n{error}", file=sys.stderr)
        return EXIT_USER
    except duckdb.Error as error:
        print(f"\n{warehouse.explain_failure(settings, error)}", file=sys.stderr)
        return EXIT_USER
    except KeyboardInterrupt:
        print(
            "\nInterrupted. Whatever step was finished stays; run the same command again.",
            file=sys.stderr,
        )
        return EXIT_INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prevalence",
        description="Measure prevalence: from raw logs to a gated number with its interval.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, work, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=work)
        return command

    def add_on_warehouse(name: str, work, text: str) -> argparse.ArgumentParser:
        command = add(name, work, text)
        command.add_argument("--target", choices=TARGETS, help=f"where the warehouse is (or {TARGET}); default: duckdb")
        return command

    def add_run_options(command: argparse.ArgumentParser) -> None:
        command.add_argument("--start-date", type=_date, help="first day to measure")
        command.add_argument(
            "--end-date", type=_date, help="the day after the last day to measure"
        )
        command.add_argument("--threads", type=int, help="dbt threads")
        command.add_argument(
            "--vars", type=_mapping, default={}, help="dbt vars, as YAML or JSON"
        )

    def add_folder(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--raw-folder",
            type=Path,
            default=Path(os.environ[RAW_FOLDER]) if os.environ.get(RAW_FOLDER) else None,
            help=f"folder of Parquet files in the shape of the input contract (or {RAW_FOLDER})",
        )

    demo = add_on_warehouse("demo", _demo, "write the demo world, measure it and compare with its truth")
    add_run_options(demo)
    demo.add_argument("--interactions", type=int, help="size of the world")
    demo.add_argument("--users", type=int, help="default: a tenth of the interactions")
    demo.add_argument(
        "--contents", type=int, help="default: half of the interactions"
    )
    demo.add_argument("--seed", type=int, help="another number is another world")
    demo.add_argument(
        "--days-per-world",
        type=int,
        help="cut the period into worlds of so many days, each with its own users and contents: many seeds in one build",
    )
    run = add_on_warehouse("run", _run, "measure your own logs (or go on with what the warehouse holds)")
    add_folder(run)
    add_run_options(run)
    land = add_on_warehouse("land", _land, "check the raw tables against the input contract and register them")
    add_folder(land)
    gate = add_on_warehouse("gate", _gate, "run gates on the warehouse as it is; a blocked gate exits with 1")
    gate.add_argument(
        "names", nargs="+", metavar="name", help="raw_to_staging, before_draw, labels_to_estimates or before_publication"
    )
    coverage = add_on_warehouse("coverage", _coverage, "how often the intervals cover the demo world's truth")
    coverage.add_argument("--seeds", type=int, help="build this many small worlds first, and look at those")
    coverage.add_argument("--days", type=int, default=1, help="days of each small world; default: 1")
    coverage.add_argument("--seed", type=int, default=1, help="seed of the small worlds")
    coverage.add_argument("--output", type=Path, help="write the table to this Markdown file as well")
    plan = add_on_warehouse("plan", _plan, "what plans would give and cost, before a label is bought, and which one to take")
    add_folder(plan)
    plan.add_argument("--unit-type", choices=["content_day", "interaction"], default="content_day")
    plan.add_argument("--budgets", nargs="+", type=int, default=[], help="units drawn per day; default: around the plan in force")
    plan.add_argument("--policies", nargs="+", default=[], help="default: all")
    plan.add_argument("--day", type=_date, help="day whose frame stands for all; default: the last whole one")
    plan.add_argument("--days", type=int, default=1, help="days of the period that figures are for; default: 1")
    plan.add_argument("--target-relative-error", type=float, help="standard error / prevalence that every policy must reach")
    plan.add_argument("--sensitivity", type=float, help="of the judge; default: learned from labels, .85 before there are any")
    plan.add_argument("--false-positive-rate", type=float, help="of the judge; default: learned, .01 before")
    plan.add_argument("--threads", type=int, help="dbt threads")
    plan.add_argument("--vars", type=_mapping, default={}, help="dbt vars, as YAML or JSON")
    plan.add_argument("--output", type=Path, help="SVG file; default: beside the warehouse")
    laboratory = add("laboratory", _laboratory, "which designs and intervals hold, on populations of known truth")
    laboratory.add_argument(
        "--parts", nargs="+", choices=["designs", "headline", "published"], default=["designs", "headline", "published"]
    )
    laboratory.add_argument("--scale", type=float, default=1.0, help="how many times the runs of the grid")
    laboratory.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    laboratory.add_argument("--output", type=Path, help="folder of the page, the chart and the cells; default: docs")
    replay = add_on_warehouse(
        "replay", _replay, "draw again and prove that the stored draws are the same; exits with 1 and names rows that are not"
    )
    replay.add_argument("--plan", action="append", default=[], dest="plans", help="a plan; may be repeated; default: all")
    replay.add_argument("--start-date", type=_date, help="first day; default: the first drawn day")
    replay.add_argument("--end-date", type=_date, help="the day after the last; default: after the last drawn day")
    replay.add_argument("--vars", type=_mapping, default={}, help="dbt vars of the run that drew, as YAML or JSON")
    add_on_warehouse("where", _where, "print the newest 28-day prevalence and where everything lies")
    chart = add_on_warehouse("chart", _chart, "draw the published prevalence")
    chart.add_argument("--output", type=Path, help="SVG file; default: beside the warehouse")
    compare = add("compare", _compare, "whether two targets hold the same rows; exits with 1 and names the first difference")
    compare.add_argument("left", choices=TARGETS)
    compare.add_argument("right", choices=TARGETS)
    add("dbt", _dbt, "run dbt with the arguments that follow; for target session with Spark and the functions started")
    spark = add("spark", _spark, "a Spark cluster with a Thrift server on this machine, for target thrift")
    actions = spark.add_subparsers(required=True, metavar="action", dest="action")
    for name, text in {
        "start": "start what is not running, and wait until it answers",
        "stop": "stop all of it",
        "status": "one line for each process; exits with 1 when one is down",
        "logs": "where the logs lie, and the end of each",
    }.items():
        action = actions.add_parser(name, help=text, description=text)
        if name == "logs":
            from prevalence.engines.spark.cluster import NAMES

            action.add_argument("name", nargs="?", choices=NAMES, help="one process; default: all")
            action.add_argument("--lines", type=int, default=20, help="how many lines of each; default: 20")
    return parser


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-10-05") from None


def _mapping(text: str) -> dict:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a mapping like 'name: value'")
    return value


def _gate(settings: Settings, options: argparse.Namespace) -> None:
    from prevalence.gates.checks import GateError
    from prevalence.gates.runner import run_gate
    from prevalence.command_line.steps import GateBlocked

    for name in options.names:
        try:
            report = run_gate(name, settings)
        except GateError as error:
            raise UserError(f"Gate {name} could not be run: {error}") from error
        if not report.is_passed:
            raise GateBlocked(report.text)
        print(report.text)


def _land(settings: Settings, options: argparse.Namespace) -> None:
    from prevalence.engines.landing import land

    for line in land(settings, options.raw_folder):
        print(line)


def _demo(settings: Settings, options: argparse.Namespace) -> None:
    from dataclasses import replace

    from prevalence.engines.dbt import Dbt
    from prevalence_demo.truths import truths
    from prevalence_demo.world import default_world, write_world
    from prevalence.command_line.steps import Step, cold_start, land_step, measurement_steps, run_steps
    from prevalence.release.summary import print_summary

    begun = time.monotonic()
    world = default_world()
    if options.interactions is not None:
        world = replace(
            world,
            interactions=options.interactions,
        )
    given = {
        "seed": options.seed,
        "users": options.users,
        "contents": options.contents,
        "start": options.start_date,
        "end": options.end_date,
        "days_per_world": options.days_per_world,
    }
    world = replace(world, **{k: v for k, v in given.items() if v is not None})
    dbt = Dbt(settings, world.window, {**options.vars, **world.variables}, options.threads)
    switched = warehouse.switch_world(settings, warehouse.DEMO_WORLD)
    if switched:
        print(switched)
    first_steps, rest = cold_start(dbt)

    def chart() -> str:
        dbt.run("path:demo/truth")
        return _draw(settings, None, truths(settings))

    run_steps(
        [
            Step("demo world: raw logs and their truth", lambda: write_world(settings, world, dbt)),
            land_step(settings, None),
            *first_steps,
            *measurement_steps(settings, rest, is_demo=True),
            Step("chart", chart),
        ]
    )
    print_summary(settings, truths(settings))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # kilobytes on Linux, bytes on macOS
    peak_gib = peak / (2**30 if sys.platform == "darwin" else 2**20)
    print(f"\n{time.monotonic() - begun:.0f} s, {peak_gib:.2f} GiB at the peak of this process")


def _run(settings: Settings, options: argparse.Namespace) -> None:
    from prevalence.engines.dbt import Dbt
    from prevalence_demo.world import is_demo
    from prevalence.command_line.steps import (
        Step,
        land_step,
        measurement_steps,
        own_logs_window,
        run_steps,
    )
    from prevalence.release.summary import print_summary

    if options.raw_folder is None and is_demo(settings):
        raise UserError(
            f"The warehouse {settings.place} holds the demo world, whose labels are simulated. Remedy: "
            f"`prevalence demo` for the demo world, or --raw-folder (or {RAW_FOLDER}) for your own logs."
        )
    run_steps([land_step(settings, options.raw_folder)])
    window = own_logs_window(settings, options.start_date, options.end_date)
    print(f"measuring {window.days} days, {window.start} to before {window.end}")
    dbt = Dbt(settings, window, options.vars, options.threads)
    run_steps(
        [
            *measurement_steps(settings, dbt, is_demo=False),
            Step("chart", lambda: _draw(settings, None)),
        ]
    )
    print_summary(settings)


def _draw(settings: Settings, output: Path | None, truths=None) -> str:
    from prevalence.release.chart import draw

    return display(draw(settings, output, truths))


def _chart(settings: Settings, options: argparse.Namespace) -> None:
    print(_draw(settings, options.output))


def _plan(settings: Settings, options: argparse.Namespace) -> None:
    from prevalence.engines.landing import land
    from prevalence.planner import command

    if options.raw_folder is not None:
        land(settings, options.raw_folder)
    request = command.Request(
        unit_type=options.unit_type,
        budgets=tuple(options.budgets),
        policies=tuple(dict.fromkeys(options.policies)),
        day=options.day,
        days=options.days,
        target=options.target_relative_error,
        sensitivity=options.sensitivity,
        false_positive_rate=options.false_positive_rate,
    )
    result = command.make(settings, request, options.vars, options.threads)
    print(command.text(result))
    print(f"\nchart: {display(command.save_chart(settings, result, options.output))}; rows: planning.plan_expectations")


def _coverage(settings: Settings, options: argparse.Namespace) -> None:
    from prevalence_evidence.coverage import build_replicates, write_report

    if options.seeds:
        settings = build_replicates(settings, options.seeds, options.seed, options.days)
    print(write_report(settings, options.output and options.output.resolve()))


def _laboratory(settings: Settings, options: argparse.Namespace) -> None:
    from prevalence_evidence.laboratory import grid, report

    if not options.scale > 0 or options.processes < 1:
        raise UserError("--scale must be above 0 and --processes at least 1.")
    records = grid.run(tuple(options.parts), options.scale, options.processes)
    command = "prevalence laboratory"
    if sorted(options.parts) != ["designs", "headline", "published"]:
        command += " --parts " + " ".join(options.parts)
    if options.scale != 1:
        command += f" --scale {options.scale:g}"
    for path in report.write(records, options.output or Path("docs"), command):
        print(display(path))


def _dbt(settings: Settings, options: argparse.Namespace) -> int:
    from prevalence.engines.spark.dbt_command import run

    return run(settings, options.dbt_arguments)


def _spark(settings: Settings, options: argparse.Namespace) -> int:
    from prevalence.engines.spark.cluster import Cluster

    cluster = Cluster(settings)
    if options.action == "start":
        cluster.start()
    elif options.action == "stop":
        cluster.stop()
    elif options.action == "status":
        return 0 if cluster.status() else EXIT_BLOCKED
    else:
        cluster.logs(options.name, max(options.lines, 0))
    return 0


def _compare(settings: Settings, options: argparse.Namespace) -> int:
    from prevalence_evidence import parity

    left, right = (parity.of_target(settings, target) for target in (options.left, options.right))
    found = parity.compare(left, right, parity.compared_tables(left))
    for difference in found.differences:
        print(difference)
    print(
        f"{found.tables} tables, {found.columns:,} columns, {found.rows:,} rows on {options.left}: "
        + (f"{len(found.differences)} tables differ from {options.right}" if found.differences else f"the same on {options.right}")
    )
    return EXIT_BLOCKED if found.differences else 0


def _replay(settings: Settings, options: argparse.Namespace) -> int:
    from prevalence.replay.replay import replay

    found = replay(settings, options.plans, options.start_date, options.end_date, options.vars)
    print("\n".join(found.lines))
    return 0 if found.is_proven else EXIT_BLOCKED


def _where(settings: Settings, options: argparse.Namespace) -> None:
    from prevalence.release.summary import print_summary

    print_summary(settings)


if __name__ == "__main__":
    sys.exit(main())
