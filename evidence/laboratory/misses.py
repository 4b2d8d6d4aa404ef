"""Worlds in which a judge's misses depend on what nobody weighs: low scores, a subtype, one heavy content.

`python -m prevalence_evidence.laboratory.misses` draws, judges and audits populations again and again as the pipeline
does (all that the judge calls violating is audited, the rest by weight and risk) and writes docs/laboratory_misses.md.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from prevalence.planner import bounds
from prevalence.planner.bounds import Estimates
from prevalence_evidence.laboratory import designs, sums, two_phase, worlds
from prevalence_evidence.laboratory.worlds import Population, bernoulli, inclusion_probabilities

Array = np.ndarray
UNITS, SAMPLED = 100_000, 2_000
# the audit of the default plan: a share by weight alone, the rest by weight and the root of the raw score
AUDIT_DEFENCE = 0.2
USUAL = next(judge for judge in two_phase.JUDGES if judge.name == "usual")
# share of violating exposure, at the lowest scores, that the judge misses besides what it misses anyway
PATTERNS = {
    "at random (.15)": {},
    "at random (.5)": {"sensitivity": 0.5},
    "and the .15 of lowest score": {"lowest": 0.15},
    "and the .3 of lowest score": {"lowest": 0.3},
    "and a subtype of .3": {"subtype": 0.3},
    "and one content of .4 % of exposure": {"heavy": 0.004},
    "everything": {"sensitivity": 0.0},
}
WORLDS = ((0.0003, 0.7), (0.001, 0.85), (0.005, 0.85), (0.01, 0.5), (0.02, 0.85))


@dataclass(frozen=True)
class Size:
    """Judged and audited a day, the least probability of an audit, and days that one figure is of."""

    judged: int
    audited: int
    floor: float
    days: int
    runs: int  # of each population

    @property
    def title(self) -> str:
        days = f", {self.days} days" if self.days > 1 else ""
        return f"{self.judged:,} / {self.audited}{days}"


SIZES = (Size(1_200, 250, 0.05, 1, 500), Size(1_200, 250, 0.05, 28, 60), Size(20_000, 600, 0.0, 1, 60))
POPULATIONS = 4


@dataclass(frozen=True)
class Cell:
    prevalence: float
    quality: float
    pattern: str
    size: Size

    @property
    def world(self) -> worlds.World:
        return worlds.World("log-normal 1.5", self.prevalence, self.quality)


@dataclass(frozen=True)
class Audits:
    """What survey_estimates makes of each figure's rows; an element per figure."""

    estimates: Estimates  # with the weight of what the judge does not call violating as missed_weight
    called_weight: Array  # of a missed violation that the judge calls one, and of one that it does not
    quiet_weight: Array
    met_misses: Array


def judged_population(people: Population, pattern: str, generator: np.random.Generator) -> tuple[Population, Array]:
    """The population, which a heavy content may change, and what the judge calls violating."""
    what = PATTERNS[pattern]
    exposure, violating = people.exposure.copy(), people.violating.copy()
    calls = replace(USUAL, sensitivity=what.get("sensitivity", USUAL.sensitivity)).says_violating(people, generator)
    found = np.flatnonzero(violating > 0)
    if "lowest" in what:
        order = found[np.argsort(people.score[found])]
        below = np.cumsum(violating[order]) <= what["lowest"] * violating.sum()
        calls[order[below]] = False
    if "subtype" in what:
        calls[found[generator.random(len(found)) < what["subtype"]]] = False
    if "heavy" in what:
        content = np.flatnonzero(violating == 0)[0]
        exposure[content] = violating[content] = what["heavy"] * exposure.sum()
        calls[content] = False
    return Population(exposure, violating, people.score, people.risk, people.base), calls


def audit_rows(
    people: Population, rates: Array, calls: Array, size: Size, runs: int, generator: np.random.Generator
) -> dict[str, Array]:
    """Every judged unit of every run: its probability in both phases and whether experts looked at it."""
    first = inclusion_probabilities(designs.named(designs.DEFAULT).size(people, rates), size.judged)
    run, unit = bernoulli(first, runs, generator)
    weighted = people.exposure[unit] / first[unit]
    called = calls[unit]
    second = np.where(called, 1.0, _quiet_probabilities(run, runs, weighted, ~called, people.score[unit], size))
    return {
        "run": run,
        "unit": unit,
        "probability": first[unit] * second,
        "audited": generator.random(len(unit)) < second,
        "called": called,
        # as the model draw_audits: where the score expects a violation that nobody meets, with a floor of 10^-4
        "expected": weighted * (people.score[unit] + 1e-4),
    }


def _quiet_probabilities(run: Array, runs: int, weighted: Array, quiet: Array, score: Array, size: Size) -> Array:
    """As the model draw_audits, of what the judge does not call violating: by weight and by risk, at most 1."""

    def total(values: Array) -> Array:
        return np.bincount(run, values, runs)

    def shares(values: Array) -> Array:
        return values / np.maximum(total(values), 1e-300)[run]

    by_weight = np.where(quiet, weighted, 0.0)
    measure = AUDIT_DEFENCE * shares(by_weight) + (1 - AUDIT_DEFENCE) * shares(by_weight * np.sqrt(score))
    wanted = np.minimum(size.audited, total(quiet.astype(float)))
    probability = np.zeros(len(run))
    for _ in range(12):
        is_full = probability >= 1
        left = wanted - total(is_full.astype(float))
        rest = total(np.where(is_full, 0.0, measure))
        probability = np.where(is_full, 1.0, np.minimum(1.0, measure * (left / np.maximum(rest, 1e-300))[run]))
    return np.maximum(probability, max(size.floor, 1e-9))


def audits(people: Population, rows: dict[str, Array], days: int, figures: int) -> Audits:
    """`days` draws of the same contents are one figure, and what the judge misses it misses on each of them."""
    figure, unit, probability = rows["run"] // days, rows["unit"], rows["probability"]

    def total(values: Array) -> Array:
        return np.bincount(figure, values, figures)

    weight = people.exposure[unit] / probability
    expanded = np.where(rows["audited"], weight, 0.0)
    positive = expanded * people.violating[unit] / people.exposure[unit]
    still_open = 1 - probability
    base = total(expanded)
    share = total(positive) / base
    fourth = total(positive**4)
    called, quiet = (
        sums.ratio(total(expected * weight), total(expected)) / base
        for expected in (
            np.where((probability < 1) & (rows["called"] == answer), rows["expected"], 0.0) for answer in (True, False)
        )
    )
    audited = total(rows["audited"].astype(float))
    return Audits(
        estimates=Estimates(
            share=share,
            variance=total(still_open * (positive - share[figure] * expanded) ** 2) / base**2,
            sampled=audited,
            degrees_of_freedom=audited - 1,
            positives=total((positive > 0).astype(float)),
            effective_positives=total(positive**2) ** 2 / np.where(fourth > 0, fourth, 1.0),
            certain_share=total(np.where(probability < 1, 0.0, positive)) / base,
            missed_weight=quiet,
            largest_weight=sums.largest(figure, figures, np.where(probability < 1, weight, 0.0)) / base,
            **sums.of_poisson(figure, figures, probability, expanded, positive),
        ),
        called_weight=called,
        quiet_weight=quiet,
        met_misses=total(((positive > 0) & ~rows["called"]).astype(float)),
    )


def _interval(kind: str, missed_share: float) -> Callable[[Audits], tuple[Array, Array]]:
    def of(found: Audits) -> tuple[Array, Array]:
        weight = (1 - missed_share) * found.called_weight + missed_share * found.quiet_weight
        weight = np.where(found.called_weight > 0, weight, found.quiet_weight)
        return bounds.interval(kind, replace(found.estimates, missed_weight=weight))

    return of


KINDS = {
    "gamma, missed share 0.5": _interval("gamma", 0.5),
    "gamma, missed share 1": _interval("gamma", 1.0),
    "counted": _interval("counted", 1.0),
    "counted_mid_p": _interval("counted_mid_p", 1.0),
    "counted_growing": _interval("counted_growing", 1.0),
}


@lru_cache(maxsize=POPULATIONS)
def _ground(world: worlds.World, number: int) -> tuple[Population, Array]:
    generator = np.random.default_rng([zlib.crc32(f"{world}".encode()), number])
    people = worlds.population(world, UNITS, generator)
    return people, worlds.learned_rates(people, SAMPLED, generator)


def cells(scale: float = 1.0) -> list[Cell]:
    return [
        Cell(prevalence, quality, pattern, replace(size, runs=max(10, round(size.runs * scale))))
        for prevalence, quality in WORLDS
        for pattern in PATTERNS
        for size in SIZES
    ]


def run_cell(cell: Cell) -> list[dict]:
    """One record per interval kind: coverage, tails and width, and the coverage of runs that met no miss."""
    intervals: dict[str, list[Array]] = {kind: [] for kind in KINDS}
    positives, met = [], []
    for number in range(POPULATIONS):
        people, rates = _ground(cell.world, number)
        generator = np.random.default_rng([zlib.crc32(f"{cell}".encode()), number])
        people, calls = judged_population(people, cell.pattern, generator)
        days = cell.size.days
        rows = audit_rows(people, rates, calls, cell.size, cell.size.runs * days, generator)
        found = audits(people, rows, days, cell.size.runs)
        positives.append(found.estimates.positives)
        met.append(found.met_misses)
        for kind, interval in KINDS.items():
            intervals[kind].append(np.stack(interval(found)) / people.truth)
    count, misses = np.concatenate(positives), np.concatenate(met)
    records = []
    for kind, parts in intervals.items():
        lower, upper = np.concatenate(parts, axis=1)
        nothing = upper[count == 0]
        records.append(
            {
                "cell": cell,
                "kind": kind,
                "positives": float(count.mean()),
                "met_misses": float(misses.mean()),
                "coverage": float(((lower <= 1) & (upper >= 1)).mean()),
                "too_high": float((lower > 1).mean()),
                "too_low": float((upper < 1).mean()),
                "median_width": float(np.median(upper - lower)),
                "nothing_found": int(len(nothing)),
                "nothing_found_too_low": int((nothing < 1).sum()),
            }
        )
    return records


def page(records: list[dict], command: str) -> str:
    lines = [
        "# When the judge misses what nobody weighs",
        "",
        f"Populations of {UNITS:,} contents with log-normal exposure and scores of known quality, judged and audited as the"
        " pipeline does: all that the judge calls violating is audited, the rest by weight and by risk. The judge misses .15"
        " of violations at random, and what the first column says. Coverage of the 95 % interval, in brackets the share of"
        f" runs whose interval lies below the truth, and the median width over the truth; {POPULATIONS} populations, and"
        f" {', '.join(f'{POPULATIONS * size.runs:,} runs of {size.title}' for size in SIZES)}. **Bold**:"
        " below .94 by more than two Monte Carlo standard errors. The counted kinds take the weight of what the judge"
        f" does not call violating as `missed_weight`, as `draw_audits` with var `judge_missed_share` 1."
        f" `counted_growing` is what `est_prevalence` publishes. All figures are from `{command}`.",
        "",
        "| prevalence | the judge misses | judged / audited | positives met | misses met | " + " | ".join(KINDS) + " |",
        "| ---: | --- | ---: | ---: | ---: |" + " --- |" * len(KINDS),
    ]
    by_cell: dict[Cell, list[dict]] = {}
    for record in records:
        by_cell.setdefault(record["cell"], []).append(record)
    for cell, of_cell in by_cell.items():
        error = (0.94 * 0.06 / (POPULATIONS * cell.size.runs)) ** 0.5
        shown = []
        for record in of_cell:
            mark = "**" if record["coverage"] < 0.94 - 2 * error else ""
            shown.append(
                f"{mark}{record['coverage']:.3f}{mark} ({record['too_low']:.3f}), {record['median_width']:.2f}"
            )
        first = of_cell[0]
        lines.append(
            f"| {100 * cell.prevalence:g} % | {cell.pattern} | {cell.size.title} | {first['positives']:.1f}"
            f" | {first['met_misses']:.2f} | " + " | ".join(shown) + " |"
        )
    lines += ["", "Over all of these, and the runs in which nothing was found at all:", ""]
    lines += [
        "| kind | least coverage | below .94 | largest share below the truth | runs with nothing found | of these below the truth |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind in KINDS:
        own = [record for record in records if record["kind"] == kind]
        lines.append(
            f"| {kind} | {min(r['coverage'] for r in own):.3f} | {sum(r['coverage'] < 0.94 for r in own)} of {len(own)}"
            f" | {max(r['too_low'] for r in own):.3f} | {sum(r['nothing_found'] for r in own):,}"
            f" | {sum(r['nothing_found_too_low'] for r in own):,} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="times as many runs in each cell")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("docs"))
    given = parser.parse_args()
    with ProcessPoolExecutor(given.processes) as pool:
        records = [record for found in pool.map(run_cell, cells(given.scale)) for record in found]
    command = "python -m prevalence_evidence.laboratory.misses"
    (given.folder / "laboratory_misses.md").write_text(page(records, command))


if __name__ == "__main__":
    main()
