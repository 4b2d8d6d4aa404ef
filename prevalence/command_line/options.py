"""How commands of ours are written: the options that several share, and the kinds of values that they take."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import click

from prevalence.engines.run_lock import working_alone
from prevalence.engines.settings import TARGETS, Settings
from prevalence.engines.terminal import highlighted

TARGET = "PREVALENCE_TARGET"
RAW_FOLDER = "PREVALENCE_RAW_FOLDER"


class Date(click.ParamType):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date like 2026-10-05", param, ctx)


class Mapping(click.ParamType):
    name = "mapping"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict:
        if isinstance(value, dict):
            return value
        import yaml

        try:
            found = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError):
            found = None
        if not isinstance(found, dict):
            self.fail(f"{value!r} is not a mapping like 'name: value'", param, ctx)
        return found


class OfPolicy(click.ParamType):
    """A share of all policies, or `POLICY=SHARE`: (policy, share), the policy '' for all."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        if isinstance(value, tuple):
            return value
        # a policy's name may hold the sign, a number does not
        policy, _, share = value.rpartition("=")
        try:
            return policy, float(share)
        except ValueError:
            self.fail(f"{value!r} is not a share like 0.002 or self_harm=0.002", param, ctx)


class FilePath(click.ParamType):
    """Absolute at once: a person types it relative to where they are, and commands work in the project's folder."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        return Path(value).expanduser().resolve()


class Several(click.Option):
    """An option that takes the values that follow it: `--budgets 1000 2000`."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{**settings, "multiple": True})


class Command(click.Command):
    """A command that is given the settings of its run, and works in the project's folder."""

    # where it stands in the help
    section = ""
    # whether it works on the warehouse, so that no other of its kind may at the same time
    works_alone = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        several = {name for option in self.params if isinstance(option, Several) for name in option.opts}
        return super().parse_args(ctx, _repeated(args, several))

    def invoke(self, ctx: click.Context) -> Any:
        target = ctx.params.pop("target", None)
        if target:
            os.environ[TARGET] = target
        settings = Settings.from_environment()
        settings.enter()
        ctx.params["settings"] = settings
        with working_alone(settings) if self.works_alone else nullcontext():
            return super().invoke(ctx)

    def get_help(self, ctx: click.Context) -> str:
        return highlighted(super().get_help(ctx))


def _repeated(arguments: Sequence[str], several: set[str]) -> list[str]:
    """`--budgets 1000 2000` as click reads it: `--budgets 1000 --budgets 2000`."""
    found: list[str] = []
    option, is_first = None, False
    for argument in arguments:
        if argument.startswith("-"):
            option, is_first = argument if argument in several else None, True
        elif option is not None:
            if not is_first:
                found.append(option)
            is_first = False
        found.append(argument)
    return found


def command(
    section: str, name: str | None = None, kind: type[Command] = Command, works_alone: bool = False
) -> Callable[[Callable], Command]:
    """The decorator of a command that stands in this section of the help."""

    def decorate(function: Callable) -> Command:
        made = click.command(name, cls=kind)(function)
        made.section = section
        made.works_alone = works_alone
        return made

    return decorate


def combined(*options: Callable) -> Callable:
    def decorate(function: Callable) -> Callable:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


on_target = click.option(
    "--target", type=click.Choice(TARGETS), help=f"Where the warehouse is (or {TARGET}); default: duckdb."
)
of_raw_folder = click.option(
    "--raw-folder",
    type=FilePath(),
    envvar=RAW_FOLDER,
    help=f"Folder of Parquet files in the shape of the input contract (or {RAW_FOLDER}).",
)
with_vars = combined(
    click.option("--threads", type=int, help="Of dbt."),
    click.option("--vars", "variables", type=Mapping(), default=dict, help="Of dbt, as YAML or JSON."),
)
of_days = combined(
    click.option("--start-date", type=Date(), help="First day to measure."),
    click.option("--end-date", type=Date(), help="The day after the last day to measure."),
)
