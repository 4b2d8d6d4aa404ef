"""The command `prevalence`: from raw logs to a gated number."""

from __future__ import annotations

import sys
import traceback
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import click

from prevalence.command_line.commands import COMMANDS
from prevalence.command_line.exits import EXIT_BLOCKED, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USER
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.terminal import highlighted, plain_lines

# Packages beside the product bring commands under this name (pyproject.toml): the demo world, and what shows that it holds.
JOINING = "prevalence.commands"


@cache
def _joined() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=JOINING)}


class Commands(click.Group):
    """The product's own commands and those that have joined it, in sections."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *sorted(_joined().keys() - self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands or cmd_name not in _joined():
            return self.commands.get(cmd_name)
        return _joined()[cmd_name].load()

    def resolve_command(self, ctx: click.Context, args: list[str]):
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            remedy = "Remedy: one that `prevalence --help` lists; after an update `make setup` first."
            raise click.UsageError(f"{error.message} {remedy}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None:
                rows = sections.setdefault(getattr(command, "section", ""), [])
                rows.append((name, command.get_short_help_str(limit=200)))
        for title, rows in sections.items():
            with formatter.section(title or "Other"):
                formatter.write_dl(rows)

    def get_help(self, ctx: click.Context) -> str:
        return highlighted(super().get_help(ctx))


@click.group(
    cls=Commands, commands={command.name: command for command in COMMANDS}, context_settings={"max_content_width": 120}
)
def prevalence() -> None:
    """Measure prevalence: from raw logs to a gated number with its interval."""


def main(arguments: list[str] | None = None) -> int:
    try:
        return prevalence.main(arguments, "prevalence", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nInterrupted. Whatever step was finished stays; run the same command again.", err=True)
        return EXIT_INTERRUPTED
    except UserError as error:
        from prevalence.engines.dbt import BuildError

        click.echo(f"\n{plain_lines(str(error))}", err=True)
        return EXIT_FAILED if isinstance(error, BuildError) else EXIT_USER
    except Exception as error:
        return _explained(error)


def _explained(error: Exception) -> int:
    """What ends a run and is no fault of the program's in a sentence, and anything else as Python says it."""
    import duckdb

    from prevalence.command_line.steps import GateBlocked
    from prevalence.engines.duckdb_warehouse import explain_failure, remedy_of

    if isinstance(error, GateBlocked):
        click.echo(f"\n{plain_lines(str(error))}", err=True)
        return EXIT_BLOCKED
    if isinstance(error, duckdb.Error):
        click.echo(f"\n{plain_lines(explain_failure(Settings.from_environment(), error))}", err=True)
        return EXIT_USER
    if isinstance(error, OSError) and error.errno is not None:
        place = f" at {error.filename}" if error.filename else ""
        remedy = remedy_of(str(error)) or "Remedy: mend what is named, or name another place."
        click.echo(f"\nThe system refused{place}: {error.strerror}. {remedy} Finished steps stay.", err=True)
        return EXIT_USER
    traceback.print_exception(error)
    return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
