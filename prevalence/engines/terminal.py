"""What a terminal is shown beside the plain lines that everything else gets: colour in the help, tables, signs of life.

rich is imported where there is a terminal alone: a pipe gets its lines without waiting for it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# what moves a cursor, rings, erases or turns the direction of writing; texts of people may hold any of it
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def plain(text: str, kept: str = "") -> str:
    """The text with every control character written out, but for those `kept`: nothing that is printed acts."""
    return _CONTROLS.sub(lambda found: found[0] if found[0] in kept else repr(found[0])[1:-1], text)


def plain_lines(text: str) -> str:
    """The same for a text of several lines."""
    return plain(text, kept="\n\t")


def is_terminal() -> bool:
    return sys.stdout.isatty()


@contextmanager
def alive(title: str) -> Iterator[None]:
    """Within, a terminal shows that the work goes on and for how long it has."""
    if not is_terminal():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    progress = Progress(
        SpinnerColumn(),
        # a title may have brackets, which rich would take for its own
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        # the screen by its own name: what dbt prints in passing is kept away from sys.stdout meanwhile
        console=Console(file=sys.stdout),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with progress:
        progress.add_task(title, total=None)
        yield


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str]) -> None:
    """A table on a terminal; columns named in `left` are texts, the others numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for header in headers:
        table.add_column(Text(header), justify="left" if header in left else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def highlighted(text: str) -> str:
    """The text of a help page, with headings and options in colour on a terminal."""
    if not is_terminal():
        return text
    from rich.console import Console
    from rich.text import Text

    page = Text(text)
    page.highlight_regex(re.compile(r"^\w[^\n]*:", re.MULTILINE), "bold")
    page.highlight_regex(r"(?<![\w-])--?[a-z][\w-]*", "cyan")
    page.highlight_regex(r"`[^`\n]+`", "green")
    console = Console(soft_wrap=True)
    with console.capture() as captured:
        console.print(page, end="")
    return captured.get()
