"""What a person wants to know after a run: the figures, and where everything lies."""

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings, UserError, display
from prevalence.release.headline import EXPOSURES, Truths, headlines, percent


def print_summary(settings: Settings, truths: Truths | None = None) -> None:
    """Print what is published, beside the truth where it is known, and where to look further."""
    with warehouse.connect(settings, read_only=True) as connection:
        if not connection.relation_type("marts", "headline_prevalence"):
            raise UserError(
                f"Nothing is published in the warehouse {settings.place} yet. Remedy: `prevalence demo` or `prevalence "
                "run` to the end; a blocked gate says what holds a figure back."
            )
        figures = headlines(connection, truths or {})
    print()
    if not figures:
        print("No figure is published: marts.prevalence has no overall figure of any policy.")
    has_truth = any(figure.truth is not None for figure in figures)
    if figures:
        width = max(len("policy"), *(len(figure.title) for figure in figures)) + 2
        level = "/".join(sorted({f"{100 * figure.level:g}" for figure in figures}))
        heading = f"{'policy':<{width}}{'prevalence':>11}  {f'{level} % interval':<21}"
        print(heading + ("    truth  covered" if has_truth else "") + "  of")
    for figure in figures:
        interval = f"[{percent(figure.lower)}, {percent(figure.upper)}]"
        line = f"{figure.title:<{width}}{percent(figure.prevalence):>11}  {interval:<21}"
        if has_truth:
            covered = {True: "yes", False: "NO", None: "n/a"}[figure.covers]
            line += f"{percent(figure.truth):>9}  {covered:<7}"
        exposure = EXPOSURES.get(figure.unit_type, figure.unit_type)
        print(f"{line}  {exposure.removeprefix('of ')}, {figure.period_title} from {figure.period_start}")
    print(f"\nwarehouse  {settings.place.removeprefix('in ')}   (the figures: marts.prevalence)")
    if settings.chart.exists():
        print(f"chart      {display(settings.chart)}")
    pages = settings.data_docs
    if pages.is_dir():
        gates = ", ".join(sorted(path.name for path in pages.iterdir() if not path.name.startswith(".")))
        print(f"data docs  {display(pages)}/<gate>/index.html   ({gates})")
