"""`prevalence label`: from a written policy to labels, through files, queues and an endpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prevalence.command_line.options import Command, FilePath, Mapping, combined, of_raw_folder, on_target
from prevalence.engines.settings import Settings, UserError, display
from prevalence.engines.terminal import highlighted

if TYPE_CHECKING:
    from prevalence.labeling.exports import Exported
    from prevalence.labeling.policies import Policy

LABELS = "Labels"


class LabelActions(click.Group):
    command_class = Command
    section = LABELS

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are used."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=200)) for name, command in self.commands.items()]
            )

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


def _registry(policies: Path | None) -> dict[str, Policy]:
    from prevalence.labeling.policies import policies_folder, read_policies

    return read_policies(policies_folder(policies))


def _say_exports(made: list[Exported], held_back: Counter[tuple[str, str]], nothing: str) -> None:
    from prevalence.labeling.ledger import SEND

    for one in made:
        click.echo(
            f"{one.export_id}: {one.rows:,} questions under {one.policy_id}; to send: {display(one.folder / SEND)}"
        )
    for (policy_id, reason), rows in sorted(held_back.items()):
        if reason == "asked before":
            continue
        click.echo(f"     {policy_id}: {rows:,} left out, {reason}{_REMEDIES.get(reason, '')}")
    if not made:
        click.echo(nothing)


_REMEDIES = {
    "media not screened": " (--media-cleared, where all of it has passed your screening for child-safety material)",
    "too many components": " (--format label-studio takes 20, openai-batch 100)",
    "escalated": ": quarantined, nobody is shown them again",
}

of_items = combined(
    click.option("--policy", "only", multiple=True, help="A policy; may be repeated; default: all that are open."),
    click.option("--limit", type=int, help="At most so many questions a policy: a random part of what is open."),
    click.option("--text-budget", type=int, default=4000, help="Characters of a component's text; default: 4000."),
    click.option(
        "--media-cleared", is_flag=True, help="All media have passed the screening for child-safety material."
    ),
)
of_judge = combined(
    click.option(
        "--model", envvar="PREVALENCE_JUDGE_MODEL", help="Name of the judge's model (or PREVALENCE_JUDGE_MODEL)."
    ),
    click.option(
        "--decoding",
        type=Mapping(),
        default=dict,
        help="How it decodes, as YAML; default: temperature 0, seed 7, 1024 tokens.",
    ),
    click.option("--new-judge", is_flag=True, help="Another judge than before under the same version of a policy."),
)


@label.command()
@on_target
@of_policies
@click.option(
    "--format",
    "form",
    type=click.Choice(["openai-batch", "label-studio", "vendor-csv"]),
    required=True,
    help="A batch for a judge, tasks for Label Studio, or a CSV for a vendor.",
)
@click.option(
    "--pool",
    type=click.Choice(["llm", "sme", "bpo"]),
    help="The judge, experts (the audit) or raters (the overlap); default: llm for a batch, else sme.",
)
@click.option("--vendor", help="Who labels: in_house, or a vendor's name. One vendor never sees an item twice.")
@click.option("--rater", help="Pseudonym of the one person that a Label Studio project is for.")
@of_items
@of_judge
@click.option("--due-days", type=int, default=7, help="Days until answers are due; default: 7.")
@click.option("--contact", help="Whom the vendor may ask; goes into the manifest.")
def export(
    settings: Settings,
    policies: Path | None,
    form: str,
    pool: str | None,
    vendor: str | None,
    rater: str | None,
    only: tuple[str, ...],
    limit: int | None,
    text_budget: int,
    media_cleared: bool,
    model: str | None,
    decoding: dict,
    new_judge: bool,
    due_days: int,
    contact: str | None,
) -> None:
    """Write what is open, and was not asked before, as files to send.

    Nothing of it says why an item was drawn: no score, stratum, weight or earlier answer leaves, and the order is random. The same
    command again writes only what has been opened since.
    """
    from prevalence.labeling import exports

    request = exports.Request(
        form=form,
        pool=pool or ("llm" if form == "openai-batch" else "sme"),
        policies=only,
        vendor=vendor,
        rater=rater,
        model=model if form == "openai-batch" else None,
        decoding={**exports.DECODING, **decoding},
        limit=limit,
        text_budget=text_budget,
        is_media_cleared=media_cleared,
        is_new_judge=new_judge,
        due_days=due_days,
        contact=contact,
    )
    made, held_back = exports.export(settings, _registry(policies), request)
    _say_exports(made, held_back, "Nothing is open that was not asked before (`prevalence label status`).")


@label.command("run")
@on_target
@of_policies
@of_raw_folder
@click.argument("export_ids", metavar="[EXPORT]...", nargs=-1)
@click.option(
    "--base-url", envvar="PREVALENCE_JUDGE_URL", help="Of an OpenAI-compatible endpoint (or PREVALENCE_JUDGE_URL)."
)
@of_judge
@of_items
@click.option("--concurrency", type=click.IntRange(1, 1024), default=16, help="Requests at once; default: 16.")
@click.option(
    "--tries", type=click.IntRange(1, 20), default=5, help="Of a request, where the fault may pass; default: 5."
)
@click.option("--timeout", type=click.FloatRange(0.1), default=120.0, help="Seconds for an answer; default: 120.")
@click.option("--input-price", type=click.FloatRange(0), help="Of a million tokens of questions, to count costs.")
@click.option("--output-price", type=click.FloatRange(0), help="Of a million tokens of answers.")
@click.option("--currency", default="USD", help="Of the prices; default: USD.")
@click.option("--then-measure", is_flag=True, help="Go on with `prevalence run` when the answers are imported.")
@click.pass_context
def run_judge(
    ctx: click.Context,
    settings: Settings,
    policies: Path | None,
    raw_folder: Path | None,
    export_ids: tuple[str, ...],
    base_url: str | None,
    model: str | None,
    decoding: dict,
    new_judge: bool,
    only: tuple[str, ...],
    limit: int | None,
    text_budget: int,
    media_cleared: bool,
    concurrency: int,
    tries: int,
    timeout: float,
    input_price: float | None,
    output_price: float | None,
    currency: str,
    then_measure: bool,
) -> int:
    """Ask a judge behind an OpenAI-compatible endpoint what is open, and import its answers.

    The key is read from PREVALENCE_JUDGE_KEY or OPENAI_API_KEY; a server of your own needs none. Killed at any moment, the same
    command goes on where it was: what was answered is not asked again.
    """
    from prevalence.labeling import endpoint, exports, imports
    from prevalence.labeling.ledger import Ledger

    if not base_url:
        raise UserError(
            "The judge has no address. Remedy: --base-url (or PREVALENCE_JUDGE_URL) like http://127.0.0.1:8000/v1."
        )
    endpoint.endpoint(base_url)
    if raw_folder is None:
        raise UserError(
            "Answers have no place to go to. Remedy: --raw-folder (or PREVALENCE_RAW_FOLDER), as for `prevalence run`."
        )
    registry = _registry(policies)
    ledger = Ledger(settings)
    if export_ids:
        chosen = [ledger.export(export_id) for export_id in export_ids]
    else:
        request = exports.Request(
            form=exports.BATCH,
            pool="llm",
            policies=only,
            model=model,
            decoding={**exports.DECODING, **decoding},
            limit=limit,
            text_budget=text_budget,
            is_media_cleared=media_cleared,
            is_new_judge=new_judge,
        )
        _say_exports(*exports.export(settings, registry, request), "Nothing is open that was not asked before.")
        chosen = endpoint.unfinished(ledger)
    options = endpoint.Options(base_url, endpoint.key_from_environment(), concurrency, tries, timeout)
    for one in chosen:
        if input_price is not None or output_price is not None:
            endpoint.write_prices(one, input_price or 0.0, output_price or 0.0, currency)
        sent = endpoint.send(ledger, one, options)
        click.echo("\n".join(endpoint.said(one, sent)))
        click.echo("\n".join(imports.said(imports.import_file(settings, raw_folder, one.results))))
    if then_measure:
        _measure(ctx, settings, raw_folder)
    return 0


def _measure(ctx: click.Context, settings: Settings, raw_folder: Path) -> None:
    """As `prevalence run` with this raw folder."""
    commands = ctx.find_root().command
    assert isinstance(commands, click.Group)
    run = commands.get_command(ctx, "run")
    assert run is not None and run.callback is not None
    ctx.invoke(run.callback, settings, raw_folder, None, None, None, {})


@label.command("import")
@on_target
@of_raw_folder
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FilePath())
@click.option("--export", "export_id", help="The export that the files answer, where several could be meant.")
@click.option("--close", is_flag=True, help="No more answers will come: what has none ends as missing.")
@click.option("--then-measure", is_flag=True, help="Go on with `prevalence run` when the answers are imported.")
@click.pass_context
def import_answers(
    ctx: click.Context,
    settings: Settings,
    raw_folder: Path | None,
    files: tuple[Path, ...],
    export_id: str | None,
    close: bool,
    then_measure: bool,
) -> None:
    """Take in files that came back: a batch's output (.jsonl), a Label Studio export (.json), a vendor's decisions (.csv).

    The bytes are kept. Each line is classified, and answers are written to label_events/ in the raw folder, where `prevalence run`
    reads them. The same file again changes nothing.
    """
    from prevalence.labeling import imports

    if raw_folder is None:
        raise UserError(
            "Answers have no place to go to. Remedy: --raw-folder (or PREVALENCE_RAW_FOLDER), as for `prevalence run`."
        )
    for file in files:
        click.echo("\n".join(imports.said(imports.import_file(settings, raw_folder, file, export_id, close))))
    if then_measure:
        _measure(ctx, settings, raw_folder)


@label.command()
@on_target
def status(settings: Settings) -> None:
    """What is open, with whom it lies, what came back and what is overdue."""
    from prevalence.labeling import label_status

    queues, exports = label_status.queues(settings), label_status.exports(settings)
    click.echo(label_status.table(label_status.QUEUE_HEADERS, queues) if queues else "Nothing is open.")
    if exports:
        click.echo("\n" + label_status.table(label_status.EXPORT_HEADERS, exports))
