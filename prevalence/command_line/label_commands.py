"""`prevalence label`: from a written policy to labels, through files, queues and an endpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from prevalence.command_line.options import Command, FilePath, of_raw_folder
from prevalence.engines.settings import Settings, UserError, display
from prevalence.engines.terminal import highlighted

LABELS = "Labels"


class LabelActions(click.Group):
    command_class = Command
    section = LABELS

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are used."""
        return list(self.commands)

    def get_help(self, ctx: click.Context) -> str:
        return highlighted(super().get_help(ctx))


@click.group(cls=LabelActions)
def label() -> None:
    """From a written policy to labels: policies, queues, a judge behind an endpoint, people's files (docs/labeling.md)."""


def of_policies(function: Callable) -> Callable:
    return click.option(
        "--policies",
        type=FilePath(),
        envvar="PREVALENCE_POLICIES",
        help="Folder of <policy_id>/policy.yml (or PREVALENCE_POLICIES); default: this project's policies/.",
    )(function)


@label.command()
@of_policies
@of_raw_folder
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a file is not what its policy gives.")
def render(settings: Settings, policies: Path | None, raw_folder: Path | None, check: bool) -> int:
    """Make prompts, guidelines, the label tool's configuration, response schemas and rows from the policies.

    With a raw folder the policies in force are also written to its policies.parquet, which `prevalence run` measures by.
    """
    from prevalence.labeling import policies as registry
    from prevalence.labeling import policy_rendering as rendering

    folder = registry.policies_folder(policies)
    found = registry.read_policies(folder)
    for line in rendering.refuse_long_prompts(found):
        click.echo(line)
    files = rendering.rendered(folder, found)
    stale = rendering.stale_files(files)
    if check:
        if stale:
            listed = "\n".join(f"  - {line}" for line in stale)
            click.echo(
                f"Rendered files differ.\n{listed}\nRemedy: `prevalence label render`, and commit what it writes."
            )
        else:
            click.echo(f"{len(files)} files are what {len(found)} policies give")
        return 1 if stale else 0
    rendering.write(files)
    click.echo(f"{display(folder)}: {len(found)} policies, {len(files)} files, {len(stale)} of them new or changed")
    if raw_folder is not None:
        if not raw_folder.is_dir():
            raise UserError(
                f"The raw folder {raw_folder} is not there. Remedy: name the folder of your logs' Parquet files."
            )
        click.echo(rendering.write_policy_rows(raw_folder, found))
    return 0
