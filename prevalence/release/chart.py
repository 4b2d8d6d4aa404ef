"""The published prevalence as one SVG: a panel per policy, the same bytes for the same figures."""

from datetime import timedelta
from pathlib import Path

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings, UserError
from prevalence.release.headline import EXPOSURES, Figure, Truths, days_of, headlines, percent

HUE = "#1f5f8b"
TRUTH = "#b3541e"
MUTED = "#8a8f98"
FAINT = "#d9dce1"
# a day whose interval is to be read with care
CAUTION = {"mfc": "white", "mec": HUE, "mew": 0.9}
# the same bytes for the same figures: no clock, no font of the machine
STYLE = {
    "svg.hashsalt": "prevalence",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    # a title is text, whatever it holds
    "text.parse_math": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}


def draw(settings: Settings, output: Path | None = None, truths: Truths | None = None) -> Path:
    """Draw what is published, beside the truth where it is known."""
    with warehouse.connect(settings, read_only=True) as connection:
        if not connection.relation_type("marts", "prevalence_v2"):
            raise UserError(
                f"Nothing is published in the warehouse {settings.place} yet, so there is nothing to draw. Remedy: "
                "`prevalence demo` or `prevalence run` first."
            )
        known = truths or {}
        panels = [(figure, days_of(connection, figure, known)) for figure in headlines(connection, known)]
    path = output or settings.chart
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(panels, path)
    return path


def _save(panels: list[tuple[Figure, list[Figure]]], path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    columns = 2 if len(panels) > 1 else 1
    rows = max(-(-len(panels) // columns), 1)
    with pyplot.rc_context(STYLE):
        figure, axes = pyplot.subplots(rows, columns, figsize=(5.2 * columns, 2.75 * rows + 0.35), squeeze=False)
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        for axis, (headline, days) in zip(axes.flat, panels):
            _panel(axis, headline, days)
        figure.tight_layout(rect=(0, 0.05, 1, 1), h_pad=1.8, w_pad=2.0)
        _legend(figure, panels)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


def _panel(axis, headline: Figure, days: list[Figure]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    shown = [day for day in days if day.prevalence is not None]
    bounded = [day for day in days if day.lower is not None]
    true_days = [day for day in days if day.truth is not None]
    top = 100 * _top(headline, days)
    if headline.lower is not None:
        axis.axhspan(100 * headline.lower, 100 * headline.upper, color=HUE, alpha=0.16, lw=0)
    if headline.prevalence is not None:
        axis.axhline(100 * headline.prevalence, color=HUE, lw=1.4)
    axis.vlines(
        [day.period_start for day in bounded],
        [100 * day.lower for day in bounded],
        [min(100 * day.upper, top) for day in bounded],
        color=HUE,
        alpha=0.32,
        lw=2.2,
    )
    # an arrow on each interval that goes on beyond the panel
    beyond = [day.period_start for day in bounded if 100 * day.upper > top]
    axis.plot(beyond, [top] * len(beyond), "^", color=HUE, alpha=0.5, ms=4, mew=0, clip_on=False)
    for points, style in (
        ([day for day in shown if not day.caution], {"color": HUE, "mec": "white", "mew": 0.5}),
        ([day for day in shown if day.caution], CAUTION),
    ):
        axis.plot(
            [day.period_start for day in points], [100 * day.prevalence for day in points], "o", ms=3.4, ls="", **style
        )
    axis.plot(
        [day.period_start for day in true_days],
        [100 * day.truth for day in true_days],
        color=TRUTH,
        lw=1.1,
        drawstyle="steps-mid",
    )
    axis.set_title(headline.title, loc="left", fontsize=11, fontweight="bold", pad=20)
    axis.text(
        0,
        1.045,
        f"{headline.period}: {percent(headline.prevalence)} {EXPOSURES.get(headline.unit_type, '')}"
        f"  [{percent(headline.lower)}, {percent(headline.upper)}]",
        transform=axis.transAxes,
        color=HUE,
        fontsize=9,
    )
    axis.text(0.01, 0.97, ", ".join(headline.remarks), transform=axis.transAxes, color=MUTED, fontsize=8, va="top")
    axis.set_ylim(0, top)
    axis.yaxis.set_major_locator(MaxNLocator(4))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    starts = [day.period_start for day in days] or [headline.period_start]
    step = max(len(starts) // 28, 1) * 7
    weeks = starts[::step] if len(starts) > 7 else starts
    axis.set_xticks(weeks, [f"{day.day} {day:%b}" for day in weeks])
    axis.set_xlim(starts[0] - timedelta(days=1), starts[-1] + timedelta(days=1))
    axis.grid(axis="y", color=FAINT, lw=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(length=0)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _top(headline: Figure, days: list[Figure]) -> float:
    """The panel's height: every point and most intervals; one very wide day would make all others unreadable."""
    uppers = sorted(day.upper for day in days if day.upper is not None)
    heights = [figure.prevalence for figure in [headline, *days] if figure.prevalence is not None]
    heights += [figure.truth for figure in [headline, *days] if figure.truth is not None]
    heights += [headline.upper] if headline.upper is not None else []
    heights += uppers[: max(len(uppers) * 3 // 4, 1)]
    return 1.12 * max(heights, default=0.01)


def _legend(figure, panels: list[tuple[Figure, list[Figure]]]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    level = f"{100 * panels[0][0].level:g} %" if panels else ""
    handles = [
        Line2D([], [], color=HUE, marker="o", ms=3.2, lw=2.2, alpha=0.6, label=f"day, {level} interval"),
        Patch(color=HUE, alpha=0.25, label=f"whole period, {level} interval"),
    ]
    if any(day.caution and day.prevalence is not None for _, days in panels for day in days):
        handles.append(Line2D([], [], marker="o", ms=3.4, ls="", label="read with care (interval_caution)", **CAUTION))
    if any(day.truth is not None for _, days in panels for day in days):
        handles.append(Line2D([], [], color=TRUTH, lw=1.1, label="truth (demo world)"))
    figure.legend(
        handles=handles, loc="lower center", ncols=len(handles), frameon=False, labelcolor=MUTED, fontsize=8.5
    )
