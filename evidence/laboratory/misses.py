"""Worlds in which a judge's misses depend on what nobody weighs: low scores, a subtype, one heavy content.

`python -m prevalence_evidence.laboratory.misses` draws, judges and audits populations again and again as the pipeline
does (all that the judge calls violating is audited, the rest by weight and risk) and writes docs/laboratory_misses.md.
"""

from __future__ import annotations

import argparse
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from prevalence_evidence.laboratory import designs, two_phase, worlds
from prevalence_evidence.laboratory.worlds import Population, bernoulli, inclusion_probabilities
from python_udfs import intervals

Array = np.ndarray
ALPHA = 0.05
UNITS, SAMPLED = 100_000, 2_000
ALLOCATION = "all that the judge calls violating"
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
# judged, audited and how many runs of each population
SIZES = ((1_200, 250, 500), (20_000, 600, 50))
POPULATIONS = 4


@dataclass(frozen=True)
class Cell:
    prevalence: float
    quality: float
    pattern: str
    judged: int
    audited: int
    runs: int

    @property
    def world(self) -> worlds.World:
        return worlds.World("log-normal 1.5", self.prevalence, self.quality)


@dataclass(frozen=True)
class Audits:
    """What survey_estimates makes of each run's rows, as shares of the exposure; an element per run."""

    share: Array
    variance: Array
    third_moment: Array
    counted: Array
    counted_rest: Array
    base_variance: Array
    unit: Array
    unit_of_all: Array
    certain_share: Array
    effective_positives: Array
    heaviest: Array  # largest weight of what could have been missed, and its square as a share
    heaviest_square: Array
    called_weight: Array  # weight of a missed violation that the judge calls one, and of one that it does not
    quiet_weight: Array
    positives: Array
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
    people: Population, rates: Array, calls: Array, cell: Cell, runs: int, generator: np.random.Generator
) -> dict[str, Array]:
    """Every judged unit of every run: its probability in both phases and whether experts looked at it."""
    first = inclusion_probabilities(designs.named(designs.DEFAULT).size(people, rates), cell.judged)
    run, unit = bernoulli(first, runs, generator)
    weighted = people.exposure[unit] / first[unit]
    second = two_phase._audit_probabilities(
        ALLOCATION, run, runs, weighted, calls[unit], rates[unit], rates[unit], cell.audited
    )
    return {
        "run": run,
        "unit": unit,
        "probability": first[unit] * second,
        "audited": generator.random(len(unit)) < second,
        "called": calls[unit],
        "expected": weighted * rates[unit],
    }


def audits(people: Population, rows: dict[str, Array], runs: int) -> Audits:
    run, unit, probability = rows["run"], rows["unit"], rows["probability"]

    def total(values: Array) -> Array:
        return np.bincount(run, values, runs)

    def largest(values: Array) -> Array:
        found = np.zeros(runs)
        np.maximum.at(found, run, values)
        return found

    weight = people.exposure[unit] / probability
    part = people.violating[unit] / people.exposure[unit]
    expanded = np.where(rows["audited"], weight, 0.0)
    positive = expanded * part
    still_open = 1 - probability
    base = total(expanded)
    share = total(positive) / base
    fourth = total(positive**4)
    missed = []
    for answer in (True, False):
        expected = np.where((probability < 1) & (rows["called"] == answer), rows["expected"], 0.0)
        missed.append(total(expected * weight) / np.maximum(total(expected), 1e-300) / base)
    return Audits(
        share=share,
        variance=total(still_open * (positive - share[run] * expanded) ** 2) / base**2,
        third_moment=2 * total(still_open * positive**3) * (1 - share) * (1 - 2 * share) / base**3,
        counted=total(probability * positive) / base,
        counted_rest=total(probability * (expanded - positive)) / base,
        base_variance=total(still_open * expanded**2) / base**2,
        unit=total(still_open * probability * positive**2) / np.maximum(total(still_open * positive), 1e-300) / base,
        unit_of_all=total(still_open * probability * expanded**2) / total(still_open * expanded) / base,
        certain_share=total(np.where(probability < 1, 0.0, positive)) / base,
        effective_positives=total(positive**2) ** 2 / np.where(fourth > 0, fourth, 1.0),
        heaviest=largest(still_open * expanded) / base,
        heaviest_square=largest(still_open * expanded**2) / base**2,
        called_weight=missed[0],
        quiet_weight=missed[1],
        positives=total((positive > 0).astype(float)),
        met_misses=total(((positive > 0) & ~rows["called"]).astype(float)),
    )


def _gamma(found: Audits, missed_share: float) -> tuple[Array, Array]:
    """As the pipeline: where nothing is found, the bound of the largest weight."""
    weight = (1 - missed_share) * found.called_weight + missed_share * found.quiet_weight
    weight = np.where(found.called_weight > 0, weight, found.quiet_weight)
    alpha = np.full(len(weight), ALPHA)
    some = (found.share > 0) & (found.variance > 0)
    arguments = (found.share, found.certain_share, found.variance, weight, found.effective_positives, alpha)
    with np.errstate(all="ignore"):
        lower, upper = intervals.gamma_lower(*arguments), intervals.gamma_upper(*arguments)
    bound = np.minimum(1, np.log(2 / ALPHA) * found.heaviest)
    return np.where(some, lower, 0.0), np.where(some, upper, bound)


def _counted(found: Audits, name: str) -> tuple[Array, Array]:
    """survey_estimates with missed_weight of what the judge does not call violating."""
    rows = np.ones(len(found.share))
    last = (np.inf * rows, ALPHA * rows)
    lower = getattr(intervals, f"{name}_lower")(
        found.share, found.counted, found.base_variance, found.variance, found.third_moment,
        found.share**2 * found.heaviest, found.share**2 * found.heaviest_square, found.unit, *last,
    )  # fmt: skip
    upper = getattr(intervals, f"{name}_upper")(
        found.share, found.counted_rest, rows, found.base_variance, found.variance, found.third_moment,
        found.quiet_weight, found.quiet_weight**2, found.unit_of_all, *last,
    )  # fmt: skip
    return lower, upper


KINDS = {
    "gamma, missed share 0.5": lambda found: _gamma(found, 0.5),
    "gamma, missed share 1": lambda found: _gamma(found, 1.0),
    "counted": lambda found: _counted(found, "counted"),
    "counted_mid_p": lambda found: _counted(found, "counted_mid_p"),
}


@lru_cache(maxsize=POPULATIONS)
def _ground(world: worlds.World, number: int) -> tuple[Population, Array]:
    generator = np.random.default_rng([zlib.crc32(f"{world}".encode()), number])
    people = worlds.population(world, UNITS, generator)
    return people, worlds.learned_rates(people, SAMPLED, generator)


def cells(scale: float = 1.0) -> list[Cell]:
    return [
        Cell(prevalence, quality, pattern, judged, audited, max(10, round(runs * scale)))
        for prevalence, quality in WORLDS
        for pattern in PATTERNS
        for judged, audited, runs in SIZES
    ]


def run_cell(cell: Cell) -> list[dict]:
    """One record per interval kind: coverage, tails and width, and the coverage of runs that met no miss."""
    bounds: dict[str, list[Array]] = {kind: [] for kind in KINDS}
    positives, met = [], []
    for number in range(POPULATIONS):
        people, rates = _ground(cell.world, number)
        generator = np.random.default_rng([zlib.crc32(f"{cell}".encode()), number])
        people, calls = judged_population(people, cell.pattern, generator)
        rows = audit_rows(people, rates, calls, cell, cell.runs, generator)
        found = audits(people, rows, cell.runs)
        positives.append(found.positives)
        met.append(found.met_misses)
        for kind, interval in KINDS.items():
            bounds[kind].append(np.stack(interval(found)) / people.truth)
    count, misses = np.concatenate(positives), np.concatenate(met)
    records = []
    for kind, parts in bounds.items():
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
        f" {' or '.join(f'{POPULATIONS * runs:,} runs where {judged:,} are judged' for judged, _, runs in SIZES)}. **Bold**:"
        " below .94 by more than two Monte Carlo standard errors. `counted` and `counted_mid_p` take the weight of what the"
        f" judge does not call violating as `missed_weight`. All figures are from `{command}`.",
        "",
        "| prevalence | the judge misses | judged / audited | positives met | misses met | " + " | ".join(KINDS) + " |",
        "| ---: | --- | ---: | ---: | ---: |" + " --- |" * len(KINDS),
    ]
    by_cell: dict[Cell, list[dict]] = {}
    for record in records:
        by_cell.setdefault(record["cell"], []).append(record)
    for cell, of_cell in by_cell.items():
        error = (0.94 * 0.06 / (POPULATIONS * cell.runs)) ** 0.5
        shown = []
        for record in of_cell:
            mark = "**" if record["coverage"] < 0.94 - 2 * error else ""
            shown.append(
                f"{mark}{record['coverage']:.3f}{mark} ({record['too_low']:.3f}), {record['median_width']:.2f}"
            )
        first = of_cell[0]
        lines.append(
            f"| {100 * cell.prevalence:g} % | {cell.pattern} | {cell.judged:,} / {cell.audited} | {first['positives']:.1f}"
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
