"""What plans give as one SVG: precision for money, and precision by how much is judged; the same bytes for the same figures."""

from __future__ import annotations

from pathlib import Path

from prevalence.planner import plans
from prevalence.planner.results import Result
from prevalence.release.chart import FAINT, HUE, MUTED, STYLE, TRUTH

COLORS = {
    plans.LEARNED.name: HUE,
    plans.COLD_START.name: "#5b9aa0",
    plans.STRATA.name: "#8d6cab",
    "exposure": MUTED,
    "simple random": "#c3a24b",
}


def draw(result: Result, path: Path) -> Path:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    path.parent.mkdir(parents=True, exist_ok=True)
    panels = 1 if result.curve is None else 2
    with pyplot.rc_context({**STYLE, "svg.hashsalt": "prevalence plan"}):
        figure, axes = pyplot.subplots(1, panels, figsize=(5.2 * panels, 4.2), squeeze=False)
        _precision(axes.flat[0], result)
        if result.curve is not None:
            _judged(axes.flat[1], result)
        figure.tight_layout(rect=(0, 0.15, 1, 1), w_pad=2.5)
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            loc="lower center",
            ncols=min(len(handles), 2 * panels),
            frameon=False,
            labelcolor=MUTED,
            fontsize=8.5,
        )
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    return path


def _precision(axis, result: Result) -> None:
    designs = list(dict.fromkeys(one.design.name for one in result.plans))
    judged = {one.design.name for one in result.plans if one.labeled_by == plans.JUDGED}
    for name in designs:
        # a design that takes no audit has experts alone
        by = plans.JUDGED if name in judged else plans.EXPERTS
        line = sorted(
            (one for one in result.plans if one.design.name == name and one.labeled_by == by),
            key=lambda one: one.budget,
        )
        axis.plot(
            [one.cost for one in line],
            [100 * one.relative_error for one in line],
            "o-",
            color=COLORS.get(name, MUTED),
            ms=3.6,
            lw=1.4,
            label=name if name in judged else f"{name}, experts alone",
        )
    best = result.recommended
    axis.plot([best.cost], [100 * best.relative_error], "o", ms=10, mfc="none", mec=TRUTH, mew=1.5, label="recommended")
    for one in result.current:
        if one.labeled_by == plans.JUDGED:
            axis.plot(
                [one.cost], [100 * one.relative_error], "D", ms=5, color=TRUTH, mew=0, label=f"now: {one.design.name}"
            )
    period = "a day" if result.frame.days == 1 else f"{result.frame.days} days"
    _dress(
        axis,
        "Precision for money",
        f"relative standard error of the worst policy, {period}; a dot is a budget",
        f"{result.frame.prices.currency} for {period}; judge and best audit where nothing else is said",
    )


def _judged(axis, result: Result) -> None:
    curve, trade = result.curve, result.trade
    rows = [row for row in curve.rows if row[2] is not None]
    axis.plot([row[0] for row in rows], [100 * row[2].relative_error for row in rows], color=HUE, lw=1.6)
    shown = [row for row in trade.rows if row[2] is not None]
    axis.plot([row[0] for row in shown], [100 * row[2].relative_error for row in shown], "o", color=HUE, ms=4)
    best = result.recommended
    axis.plot([best.budget], [100 * best.relative_error], "o", ms=10, mfc="none", mec=TRUTH, mew=1.5)
    _dress(
        axis,
        f"Judged units on {trade.experts:,.0f} expert labels a day",
        f"relative standard error of {trade.policy}",
        "units drawn and judged per day",
    )


def _dress(axis, title: str, subtitle: str, label: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_xscale("log")
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    steps = LogLocator(subs=(1, 2, 3, 5, 7))
    axis.yaxis.set_major_locator(steps)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for each in (axis.xaxis, axis.yaxis):
        each.set_minor_formatter(NullFormatter())
    axis.set_ylim(low, high)
    axis.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=20)
    axis.text(0, 1.045, subtitle, transform=axis.transAxes, color=HUE, fontsize=9)
    axis.set_xlabel(label)
    axis.grid(color=FAINT, lw=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(length=0, which="both")
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
