"""What it is worth that the same contents are drawn again: week-on-week change with and without permanent random numbers.

A world of three weeks in which three quarters of the contents persist from one week to the next. A content violates or not
for as long as it is there, and is viewed on six days in ten, by a heavy tail. Each day draws a Poisson sample, a fifth by
views and the rest by views x root of the rate of violation at the content's score. A content is labelled once, on whichever
day it is drawn first, by either plan:

- independent: a content-day has a random number of its own (`random_number_days` null), so many units a day;
- permanent: a content keeps its number (`random_number_days` 28), with as many units a day as need the same number of new
  labels in the third week (contents that were not labelled in the first two), and with as many units a day.

For the change from the second to the third week: its variance, exactly (linearised, over all draws of this population) and
simulated, what `survey_difference(design='coordinated_poisson')` estimates, and how often its interval holds; and the same of
the fourteen days pooled by `survey_estimates`. Exits with 1 when the variance of the change with permanent numbers is above
60 % of that with independent ones, in either of the two ways, or when intervals hold in less than 93 %.

    python evidence/benchmarks/overlap.py [--contents 20000] [--units 300] [--prevalence 0.02] [--runs 1000] [--seed 3]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from prevalence_evidence.laboratory.worlds import inclusion_probabilities, mixture
from python_udfs import duckdb_plugin

ROOT = Path(__file__).resolve().parents[2]
WEEKS, DAYS, PERSISTING = 3, 7, 0.75
MOST_VARIANCE, LEAST_COVERAGE = 0.6, 0.93
CALLS = {
    "change": """{{ prevalence.survey_difference('drawn', y='violating_views', x='views', weight='1 / pi',
        design='coordinated_poisson', psu='number_of', inclusion_probability='pi', period='week', from_period='1',
        to_period='2', by=[['run']]) }}""",
    "pooled": """{{ prevalence.survey_estimates('drawn', y='violating_views', x='views', weight='1 / pi',
        design='coordinated_poisson', psu='number_of', inclusion_probability='pi', by=[['run']], interval='gamma') }}""",
}


@dataclass(frozen=True)
class World:
    """Rows are content-days; arrays of one length."""

    content: np.ndarray
    day: np.ndarray
    views: np.ndarray
    size: np.ndarray  # relative to the day's total
    violating_views: np.ndarray
    contents: int

    @property
    def week(self) -> np.ndarray:
        return self.day // DAYS


def build(contents: int, prevalence: float, generator: np.random.Generator) -> World:
    """Each week replaces a quarter of the contents; all of them come and go at the turn of a week."""
    replaced = round(contents * (1 - PERSISTING))
    everyone = contents + replaced * (WEEKS - 1)
    # contents 0 to `replaced` leave after the first week, as many more after the second, and as many new ones come
    popularity = np.exp(1.5 * generator.standard_normal(everyone))
    risk = generator.standard_normal(everyone)
    rate = 1 / (1 + np.exp(-(np.log(prevalence / (1 - prevalence)) - 1.2 + 1.5 * risk)))
    is_violating = generator.random(everyone) < rate
    parts = []
    for day in range(WEEKS * DAYS):
        week = day // DAYS
        there = np.arange(week * replaced, week * replaced + contents)
        there = there[generator.random(contents) < 0.6]
        views = np.ceil(5 * popularity[there] * np.exp(0.5 * generator.standard_normal(len(there))))
        size = mixture(views, views * np.sqrt(rate[there]), 0.2)
        parts.append((there, np.full(len(there), day), views, size, views * is_violating[there]))
    return World(*(np.concatenate(column) for column in zip(*parts, strict=True)), contents=everyone)


def probabilities(world: World, units: float) -> np.ndarray:
    pi = np.empty(len(world.size))
    for day in np.unique(world.day):
        rows = world.day == day
        pi[rows] = inclusion_probabilities(world.size[rows], units)
    return pi


def drawn_in(world: World, pi: np.ndarray, weeks: tuple[int, ...], permanent: bool) -> np.ndarray:
    """Probability of each content to be drawn on some day of these weeks."""
    rows = np.isin(world.week, weeks)
    if permanent:
        largest = np.zeros(world.contents)
        np.maximum.at(largest, world.content[rows], pi[rows])
        return largest
    missed = np.ones(world.contents)
    np.multiply.at(missed, world.content[rows], 1 - pi[rows])
    return 1 - missed


def new_labels(world: World, pi: np.ndarray, permanent: bool) -> float:
    """Expected contents that are labelled for the first time in the last week."""
    before, all_weeks = (drawn_in(world, pi, weeks, permanent) for weeks in ((0, 1), (0, 1, 2)))
    return float((all_weeks - before).sum())


def units_for(world: World, labels: float) -> float:
    """Units a day with permanent numbers that need so many new labels."""
    low, high = 1.0, len(world.size) / (WEEKS * DAYS) * 0.9
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if new_labels(world, probabilities(world, middle), True) < labels else (low, middle)
    return (low + high) / 2


def exact_variance(world: World, pi: np.ndarray, permanent: bool, score: np.ndarray) -> float:
    """Of the sum of score / pi over what is drawn: rows of a content are drawn together with the smaller probability."""
    if not permanent:
        return float((score**2 * (1 / pi - 1)).sum())
    order = np.lexsort((pi, world.content))
    content, score, pi = world.content[order], score[order], pi[order]
    running = np.cumsum(score)
    begins = np.concatenate([[True], content[1:] != content[:-1]])
    start = np.maximum.accumulate(np.where(begins, np.arange(len(score)), 0))
    before = running - score - np.where(start > 0, running[np.maximum(start - 1, 0)], 0.0)
    # pairs' covariance is score score' (1 / larger pi - 1), and rows rise in pi
    return float(((1 / pi - 1) * score * (score + 2 * before)).sum())


def scores(world: World, weeks: tuple[int, ...]) -> tuple[float, np.ndarray]:
    rows = np.isin(world.week, weeks)
    total = world.views[rows].sum()
    share = world.violating_views[rows].sum() / total
    return share, np.where(rows, world.violating_views - share * world.views, 0.0) / total


def samples(world: World, pi: np.ndarray, permanent: bool, runs: int, generator: np.random.Generator) -> pd.DataFrame:
    parts = []
    for run in range(runs):
        number = generator.random(world.contents)[world.content] if permanent else generator.random(len(pi))
        rows = np.flatnonzero((number < pi) & (world.week > 0))
        parts.append(
            pd.DataFrame(
                {
                    "run": run,
                    "week": world.week[rows],
                    "number_of": world.content[rows] if permanent else rows,
                    "views": world.views[rows],
                    "violating_views": world.violating_views[rows],
                    "pi": pi[rows],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def compiled(folder: Path) -> dict[str, str]:
    """What dbt makes of the calls, in one start of it."""
    marker = "-- benchmark call"
    inline = "\n".join(f"{marker} {name}\n{text}" for name, text in CALLS.items())
    result = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "--quiet", "compile", "--no-introspect", "--output", "text"),
            *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs"), "--inline", inline),
        ],
        cwd=ROOT,
        env={**os.environ, "PREVALENCE_DUCKDB_PATH": ":memory:", "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise SystemExit(f"dbt compile: {result.stdout}{result.stderr}")
    parts = result.stdout.split(marker + " ")[1:]
    return {part.split("\n", 1)[0].strip(): part.split("\n", 1)[1] for part in parts}


def estimates(texts: dict[str, str], drawn: pd.DataFrame) -> dict[str, pd.DataFrame]:
    with duckdb.connect() as connection:
        duckdb_plugin.register(connection)
        connection.register("drawn", drawn)
        return {name: connection.execute(text).df() for name, text in texts.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contents", type=int, default=20_000, help="contents of a week")
    parser.add_argument("--units", type=int, default=300, help="content-days that the independent plan draws a day")
    parser.add_argument("--prevalence", type=float, default=0.02)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    world = build(arguments.contents, arguments.prevalence, generator)
    (before, first), (after, second), (pooled, both) = (scores(world, weeks) for weeks in ((1,), (2,), (1, 2)))
    labels = new_labels(world, probabilities(world, arguments.units), False)
    plans = {
        "independent": (float(arguments.units), False),
        "permanent": (units_for(world, labels), True),
        "permanent, as many units": (float(arguments.units), True),
    }
    with tempfile.TemporaryDirectory() as folder:
        texts = compiled(Path(folder))
    print(f"prevalence {before:.3%}, then {after:.3%}; {pooled:.3%} in both weeks\n")
    print("| plan | units a day | new labels in the week | correlation of the weeks | variance of the change, exact | simulated |"
          " estimated | interval holds | standard error of both weeks, exact | estimated | interval holds |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    exact, simulated, coverages = {}, {}, []
    for name, (units, permanent) in plans.items():
        pi = probabilities(world, units)
        exact[name] = exact_variance(world, pi, permanent, second - first)
        of_weeks = [exact_variance(world, pi, permanent, each) for each in (first, second)]
        correlation = (sum(of_weeks) - exact[name]) / 2 / np.sqrt(of_weeks[0] * of_weeks[1])
        found = estimates(texts, samples(world, pi, permanent, arguments.runs, generator))
        change, period = found["change"], found["pooled"]
        simulated[name] = float(((change.estimate - (after - before)) ** 2).mean())
        holds = change.interval_lower.le(after - before) & change.interval_upper.ge(after - before)
        pooled_holds = period.interval_lower.le(pooled) & period.interval_upper.ge(pooled)
        coverages += [holds.mean(), pooled_holds.mean()]
        pooled_error = np.sqrt(exact_variance(world, pi, permanent, both))
        print(
            f"| {name} | {units:.0f} | {new_labels(world, pi, permanent):.0f} | {correlation:.2f} | {exact[name]:.3g} |"
            f" {simulated[name]:.3g} | {change.variance.mean():.3g} | {holds.mean():.3f} | {pooled_error:.3%} |"
            f" {np.sqrt(period.variance.mean()):.3%} | {pooled_holds.mean():.3f} |"
        )
    ratios = [found["permanent"] / found["independent"] for found in (exact, simulated)]
    print(f"\nvariance of the change, permanent / independent: {ratios[0]:.2f} exact, {ratios[1]:.2f} simulated")
    return int(max(ratios) > MOST_VARIANCE or min(coverages) < LEAST_COVERAGE)


if __name__ == "__main__":
    sys.exit(main())
