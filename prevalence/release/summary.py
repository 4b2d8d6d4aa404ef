"""What a person wants to know after a run: the figures, and where everything lies."""

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings, UserError, display
from prevalence.engines.terminal import is_terminal, show_table
from prevalence.release.headline import EXPOSURES, Figure, Truths, headlines, percent


def print_summary(settings: Settings, truths: Truths | None = None) -> None:
    """Print what is published, beside the truth where it is known, and where to look further."""
    with warehouse.connect(settings, read_only=True) as connection:
        if not connection.relation_type("marts", "prevalence_v2"):
            raise UserError(
                f"Nothing is published in the warehouse {settings.place} yet. Remedy: `prevalence demo` or `prevalence "
                "run` to the end; a blocked gate says what holds a figure back."
            )
        figures = headlines(connection, truths or {})
    print()
    if not figures:
        print("No figure is published: marts.prevalence has no overall figure of any policy.")
    if figures:
        _print_figures(figures)
    print(f"\nwarehouse  {settings.place.removeprefix('in ')}   (the figures: marts.prevalence)")
    if settings.chart.exists():
        print(f"chart      {display(settings.chart)}")
    pages = settings.data_docs
    if pages.is_dir():
        gates = ", ".join(sorted(path.name for path in pages.iterdir() if not path.name.startswith(".")))
        print(f"data docs  {display(pages)}/<gate>/index.html   ({gates})")


def _print_figures(figures: list[Figure]) -> None:
    has_truth = any(figure.truth is not None for figure in figures)
    level = "/".join(sorted({f"{100 * figure.level:g}" for figure in figures}))
    headers = ["policy", "prevalence", f"{level} % interval", *(["truth", "covered"] if has_truth else []), "of"]
    rows = []
    for figure in figures:
        covered = {True: "yes", False: "NO", None: "n/a"}[figure.covers]
        exposure = EXPOSURES.get(figure.unit_type, figure.unit_type).removeprefix("of ")
        rows.append(
            [
                *(figure.title, percent(figure.prevalence), f"[{percent(figure.lower)}, {percent(figure.upper)}]"),
                *([percent(figure.truth), covered] if has_truth else []),
                "; ".join([f"{exposure}, {figure.period} from {figure.period_start}", *figure.remarks]),
            ]
        )
    if is_terminal():
        show_table(headers, rows, left=("policy", headers[2], "covered", "of"))
        return
    # a pipe gets one line for each figure, in columns of the same places from run to run
    width = max(len("policy"), *(len(figure.title) for figure in figures)) + 2
    for policy, prevalence, interval, *truth, of in (headers, *rows):
        known = f"{truth[0]:>9}  {truth[1]:<7}" if truth else ""
        print(f"{policy:<{width}}{prevalence:>11}  {interval:<21}{known}  {of}")
