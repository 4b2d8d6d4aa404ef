"""What the grid found: a page with the picture first, every cell as CSV."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from prevalence.planner import bounds
from prevalence.release.chart import HUE, MUTED, STYLE
from prevalence_evidence.laboratory import designs, grid, two_phase, worlds

MANY, FEW = 0.94, 0.93
MANY_FROM = 5.0
WIDTH_LIMIT = 1.25
CELL = ["part", "tail", "prevalence", "score_quality", "design", "judge", "sampled", "audited"]
MEASURES = [
    "expected_positives", "bias", "coefficient_of_variation", "judge_bias", "difference_coefficient_of_variation"
]  # fmt: skip
HEADLINE_DEFAULT = grid.headline_title(bounds.DEFAULT, two_phase.DEFAULT_MISSED_SHARE)


def judged(records: list[dict]) -> pd.DataFrame:
    """The records with, per cell, which kinds hold and how wide each is relative to the narrowest of those."""
    frame = pd.DataFrame(records)
    # a Monte Carlo standard error is not a failure of the interval
    frame["floor"] = frame.expected_positives.map(lambda value: MANY if value >= MANY_FROM else FEW)
    frame["holds"] = frame.coverage >= frame.floor
    narrowest = frame[frame.holds].groupby(CELL).median_width.min().rename("narrowest_width")
    frame = frame.join(narrowest, on=CELL)
    frame["relative_width"] = frame.median_width / frame.narrowest_width
    return frame


def write(records: list[dict], folder: Path, command: str) -> list[Path]:
    """Write laboratory.md, laboratory.svg and laboratory_cells.csv into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = judged(records)
    page, picture, table = (folder / f"laboratory{end}" for end in (".md", ".svg", "_cells.csv"))
    _draw(frame, picture)
    wide = frame.pivot(index=[*CELL, "runs", *MEASURES], columns="interval", values=["coverage", "median_width"])
    wide.columns = [f"{interval}: {measure.replace('_', ' ')}" for measure, interval in wide.columns]
    wide.reset_index().to_csv(table, index=False, float_format="%.4g")
    page.write_text(_page(frame, command))
    return [page, picture, table]


def _table(rows: list[list[str]], header: list[str]) -> str:
    """A Markdown table; columns that begin with a figure in the first row are to the right."""
    marks = ["---:" if value.lstrip("+-")[:1].isdigit() else "---" for value in rows[0]]
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, marks, *rows)) + "\n"


def _cells_of(frame: pd.DataFrame, kinds: list[str]) -> str:
    rows = []
    for kind in kinds:
        of_kind = frame[frame.interval == kind]
        row = [f"**{kind}**" if kind in (bounds.DEFAULT, HEADLINE_DEFAULT) else kind]
        for part in (of_kind[of_kind.expected_positives >= MANY_FROM], of_kind[of_kind.expected_positives < MANY_FROM]):
            if part.empty:
                row += ["", "", "", ""]
                continue
            row += [
                f"{part.coverage.min():.3f}",
                f"{(~part.holds).sum()} of {len(part)}",
                f"{part.relative_width.median():.2f}",
                f"{part.relative_width.max():.2f}",
            ]
        rows.append(row)
    return _table(
        rows,
        ["interval", f"least coverage, {MANY_FROM:g} or more positives", f"below {MANY}", "median width", "largest",
         "least coverage, fewer", f"below {FEW}", "median width", "largest"],
    )  # fmt: skip


def _page(frame: pd.DataFrame, command: str) -> str:
    one = frame[frame.part == "designs"]
    parts = [
        "# Coverage laboratory\n",
        "Which design and which interval hold, measured on populations whose truth is known. Each cell draws populations of"
        f" {grid.UNITS:,} units from a world, learns the rate of violation by score from {worlds.EARLIER_DAYS} earlier"
        f" days of labels, draws {grid.SAMPLED:,} units again and again, and holds every interval against the truth. All"
        f" figures are from `{command}`; every cell is in [laboratory_cells.csv](laboratory_cells.csv).\n",
        "![Coverage and width of the interval kinds under the default design, and of the headline estimator]"
        "(laboratory.svg)\n",
    ]
    if not one.empty:
        parts += _designs_sections(one)
    two = frame[frame.part == "headline"]
    if not two.empty:
        parts += _headline_sections(two)
    published = frame[frame.part.isin(list(grid.PUBLISHED))]
    if not published.empty:
        parts += _published_sections(published)
    return "\n".join(parts)


def _designs_sections(one: pd.DataFrame) -> list[str]:
    default = one[one.design == designs.DEFAULT]
    own = default[default.interval == bounds.DEFAULT]
    error = (0.05 * 0.95 / own.runs.min()) ** 0.5
    everywhere = one[one.interval == bounds.DEFAULT]
    missed = own[~own.holds | (own.relative_width > WIDTH_LIMIT)]
    by_design = []
    exposure = one[one.design == "exposure"].drop_duplicates(CELL).set_index(["tail", "prevalence", "score_quality"])
    for design in designs.DESIGNS:
        of_design = one[one.design == design.name]
        cells = of_design.drop_duplicates(CELL).set_index(["tail", "prevalence", "score_quality"])
        ratio = (cells.coefficient_of_variation / exposure.coefficient_of_variation) ** 2
        row = [f"**{design.name}**" if design.name == designs.DEFAULT else design.name]
        row += [
            f"{ratio[ratio.index.get_level_values('score_quality') == quality].median():.2f}"
            for quality in grid.SCORE_QUALITIES
        ]
        for kind in ("wald_t", "korn_graubard", "korn_graubard_positives", bounds.DEFAULT):
            of_kind = of_design[of_design.interval == kind]
            row.append(f"{of_kind.coverage.min():.3f} ({(~of_kind.holds).sum()})")
        by_design.append(row)
    every = [
        [
            tail, f"{100 * prevalence:g} %", f"{quality:g}", f"{cell.expected_positives:.1f}", f"{cell.coverage:.3f}",
            f"{cell.median_width:.2f}", f"{cell.relative_width:.2f}", f"{100 * cell.bias:+.1f} %",
        ]
        for (tail, prevalence, quality), cell in own.set_index(["tail", "prevalence", "score_quality"]).iterrows()
    ]  # fmt: skip
    exceptions = [
        f"- {cell.tail}, {100 * cell.prevalence:g} %, score {cell.score_quality:g} ({cell.expected_positives:.1f} expected"
        f" positives): coverage {cell.coverage:.3f}, {cell.relative_width:.2f} times the narrowest that holds"
        for cell in missed.itertuples()
    ]
    return [
        "## Intervals under the default design\n",
        f"The default design draws a fifth by exposure and the rest by exposure times the root of the learned rate"
        f" ({designs.DEFAULT}, Poisson). A kind holds in a cell when it covers at least {MANY} ({FEW} below {MANY_FROM:g}"
        f" expected positives). Widths are relative to the narrowest kind that holds in the cell. The Monte Carlo standard"
        f" error of a coverage of .95 is {error:.4f} at {own.runs.min():,} runs a cell; cells number {len(own)}.\n",
        _cells_of(default, list(bounds.KINDS)),
        f"The default interval misses its goal (coverage, or more than {WIDTH_LIMIT:g} times the narrowest) in"
        f" {len(missed)} of {len(own)} cells"
        + (
            ":\n\n" + "\n".join(exceptions) + "\n"
            if exceptions
            else ".\n"
        ),
        "An estimate with fewer than five positives carries the caution `few_positives` in `estimates.est_prevalence`.\n",
        f"Over all {len(designs.DESIGNS)} designs the default interval holds in {everywhere.holds.sum():,} of"
        f" {len(everywhere):,} cells.\n",
        "## Designs\n",
        "Median over the worlds of the variance relative to sampling by exposure alone, by the quality of the score; then"
        " the least coverage over all worlds and in how many cells the kind does not hold.\n",
        _table(
            by_design,
            ["design", *(f"score {quality:g}" for quality in grid.SCORE_QUALITIES), "wald_t", "korn_graubard",
             "korn_graubard_positives", bounds.DEFAULT],
        ),
        "## Every cell of the default\n",
        _table(
            every,
            ["exposure", "prevalence", "score", "expected positives", "coverage", "median width / truth",
             "relative to the narrowest", "bias"],
        ),
    ]  # fmt: skip


def _headline_sections(two: pd.DataFrame) -> list[str]:
    kinds = [grid.headline_title(kind, share) for kind, share in grid.HEADLINE_KINDS]
    rows = []
    for allocation in two_phase.ALLOCATIONS:
        for judge in two_phase.JUDGES:
            cells = two[(two.design == allocation) & (two.judge == judge.name)]
            row = [allocation, judge.name]
            for kind in kinds:
                of_kind = cells[cells.interval == kind]
                row.append(
                    f"{of_kind.coverage.min():.3f} ({(~of_kind.holds).sum()}), {of_kind.median_width.median():.2f}"
                )
            rows.append(row)
    sizes = []
    for judged_units, audited in grid.HEADLINE_SIZES:
        for allocation in two_phase.ALLOCATIONS:
            cells = two[(two.sampled == judged_units) & (two.audited == audited) & (two.design == allocation)]
            usual = cells[cells.judge == "usual"].drop_duplicates(CELL)
            own = cells[(cells.interval == HEADLINE_DEFAULT) & (cells.judge == "usual")]
            sizes.append([
                f"{judged_units:,}", f"{audited:,}", allocation, f"{usual.coefficient_of_variation.median():.3f}",
                f"{usual.difference_coefficient_of_variation.median():.3f}", f"{100 * usual.judge_bias.median():+.0f} %",
                f"{own.coverage.min():.3f}", f"{own.median_width.median():.2f}",
            ])  # fmt: skip
    own = two[two.interval == HEADLINE_DEFAULT]
    failed = own[~own.holds]
    exceptions = [
        f"- {cell.judge} judge, {cell.design}, {cell.sampled:,} judged and {cell.audited:,} audited,"
        f" {100 * cell.prevalence:g} %, score {cell.score_quality:g}: coverage {cell.coverage:.3f}"
        for cell in failed.itertuples()
    ]
    judges = "; ".join(
        f"{judge.name}: sensitivity {judge.sensitivity:g}"
        + (
            f", believed to be {judge.believed_sensitivity:g}"
            if judge.believed_sensitivity != judge.sensitivity
            else ""
        )
        for judge in two_phase.JUDGES
    )
    return [
        "## The headline estimator\n",
        "A judge labels every drawn unit, experts a probability audit of them; the estimate is that of the experts with one"
        f" over both probabilities. Judges: {judges}. The missed share is how many of the violations that no expert met the"
        " judge is taken to have missed, too (var `judge_missed_share`); it sets the weight that the upper bound adds."
        f" Least coverage over {len(own) // (len(two_phase.ALLOCATIONS) * len(two_phase.JUDGES))} cells, in brackets in how"
        " many the kind does not hold, and the median width relative to the truth:\n",
        _table(rows, ["audit", "judge", *kinds]),
        "What judging more on the same audit does, with the usual judge (medians over worlds; coefficient of variation of"
        " the estimate and of judge plus weighted residual; the naive judge's bias; least coverage and median width of the"
        " default):\n",
        _table(
            sizes,
            ["judged", "audited", "audit", "variation", "variation, difference", "naive judge", "coverage", "width"],
        ),
        f"The default interval does not hold in {len(failed)} of {len(own)} cells"
        + (":\n\n" + "\n".join(exceptions) + "\n" if exceptions else ".\n"),
        f"It is more than {WIDTH_LIMIT:g} times as wide as the narrowest of these kinds that holds in"
        f" {(own.relative_width > WIDTH_LIMIT).sum()} cells (median {own.relative_width.median():.2f}, largest"
        f" {own.relative_width.max():.2f}): mostly where the judge"
        " is as good as it is believed to be and little can have been missed. That is the price of holding for judges that"
        " are not.\n",
        "An estimate whose audit met no violation among what the judge does not call one carries the caution"
        " `no_judge_miss_met`, and one that owes more than three tenths to such violations `judge_misses_many`: the judges of"
        " the cells above miss four or five tenths.\n",
    ]


def _published_sections(published: pd.DataFrame) -> list[str]:
    sections = [
        "## What was known beforehand\n",
        "Cells in which score weighting and Wald were known to fail, or what repairs them was known to hold: 5,000 draws"
        " from a frame of a million items with exact counts, and 2,000 draws by the root of raw scores and of learned rates"
        " from populations with log-normal exposure. Coverage and median width relative to the truth.\n",
    ]
    kinds = [
        "wald_t", "korn_graubard", "korn_graubard_trunc", "korn_graubard_positives", "korn_graubard, t from positives",
        bounds.DEFAULT,
    ]  # fmt: skip
    rows = []
    for keys, cells in published.groupby(["part", "design", "prevalence", "score_quality"], sort=False):
        by_kind = cells.set_index("interval")
        rows.append([
            keys[0], keys[1].removesuffix(", with replacement"), f"{100 * keys[2]:g} %", f"{keys[3]:g}",
            f"{cells.expected_positives.iloc[0]:.1f}",
            *(f"{by_kind.coverage[kind]:.3f} / {by_kind.median_width[kind]:.2f}" for kind in kinds),
        ])  # fmt: skip
    sections.append(_table(rows, ["check", "design", "prevalence", "score", "expected positives", *kinds]))
    return sections


def _draw(frame: pd.DataFrame, path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    default = frame[(frame.part == "designs") & (frame.design == designs.DEFAULT)]
    two = frame[frame.part == "headline"]
    with pyplot.rc_context(STYLE | {"ytick.color": "black"}):
        figure, axes = pyplot.subplots(1, 3, figsize=(13.5, 4.8), width_ratios=(1, 1, 1))
        kinds = list(bounds.KINDS)[::-1]
        _strip(axes[0], default, kinds, "coverage", bounds.DEFAULT)
        axes[0].axvspan(0.94, 1.0, color="#eef3f7", zorder=0)
        axes[0].set_xlim(0.5, 1.005)
        axes[0].set_title("Coverage, a dot per world", loc="left", fontsize=10)
        _strip(axes[1], default, kinds, "relative_width", bounds.DEFAULT)
        axes[1].axvspan(0, WIDTH_LIMIT, color="#eef3f7", zorder=0)
        axes[1].set_xscale("log")
        axes[1].set_xlim(0.3, 8)
        axes[1].set_xticks([0.5, 1, 2, 4], labels=["0.5", "1", "2", "4"])
        axes[1].minorticks_off()
        axes[1].set_yticklabels([])
        axes[1].set_title("Width / narrowest that holds", loc="left", fontsize=10)
        headline_kinds = sorted(two.interval.unique(), reverse=True) if not two.empty else []
        _strip(axes[2], two, headline_kinds, "coverage", HEADLINE_DEFAULT)
        axes[2].axvspan(0.94, 1.0, color="#eef3f7", zorder=0)
        axes[2].set_xlim(0.5, 1.005)
        axes[2].set_title("Judge and audit: coverage", loc="left", fontsize=10)
        figure.tight_layout(w_pad=2)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


def _strip(axis, frame: pd.DataFrame, kinds: list[str], measure: str, marked: str) -> None:
    for place, kind in enumerate(kinds):
        values = frame[frame.interval == kind][measure].dropna().clip(0.5 if measure == "coverage" else 0.3, 8)
        spread = [place + 0.5 * ((number * 0.618) % 1 - 0.5) for number in range(len(values))]
        colour = HUE if kind == marked else MUTED
        axis.scatter(values, spread, s=9, color=colour, alpha=0.7, linewidths=0)
    axis.set_yticks(range(len(kinds)), labels=kinds)
    for label in axis.get_yticklabels():
        if label.get_text() == marked:
            label.set_fontweight("bold")
    axis.tick_params(length=0)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
