"""The grid: which cells are run, each with its own seed, so that any of them can be run again alone."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from prevalence.planner import bounds
from prevalence_evidence.laboratory import designs, two_phase, worlds

UNITS = 100_000
SAMPLED = 2_000
PREVALENCES = (0.0002, 0.001, 0.005, 0.02)
SCORE_QUALITIES = (0.95, 0.7, 0.3, 0.0)
# the default and the cold start are what people run; they get more populations and more runs
POPULATIONS, RUNS = 5, 200
DEFAULT_POPULATIONS, DEFAULT_RUNS = 8, 250
WELL_MEASURED = (designs.DEFAULT, designs.COLD_START)
HEADLINE_PREVALENCES = (0.001, 0.005, 0.02)
HEADLINE_QUALITIES = (0.85, 0.5)
HEADLINE_SIZES = ((1_200, 300), (5_000, 600), (20_000, 600), (20_000, 1_500))
HEADLINE_POPULATIONS, HEADLINE_RUNS = 4, 150
HEADLINE_KINDS = (
    ("korn_graubard_positives", 0.0),
    ("gamma", 0.0),
    ("gamma", 0.5),
    ("gamma", 1.0),
    ("counted_growing", 1.0),
)


def headline_title(kind: str, missed_share: float) -> str:
    return f"{kind}, missed share {missed_share:g}" if kind in ("gamma", *bounds.COUNTED) else kind


def _wide(by: str, defence: float) -> designs.Design:
    """A design of the published checks, drawn with replacement."""
    kind = "calibrated root" if by == "rates" else "raw root"
    return designs.Design(f"{kind}, defence {defence:g}, with replacement", "with_replacement", by, 0.5, defence)


# what is known of the frame and the shapes below is in the documentation's last section
PUBLISHED = {
    "exact frame": [
        (worlds.World(worlds.EXACT_FRAME, 0.005375, 1.0), design)
        for design in (
            designs.Design("exposure, with replacement", "with_replacement"),
            designs.Design("exposure x score, with replacement", "with_replacement", "score", 1.0, 0.0),
            designs.Design("exposure x root score, with replacement", "with_replacement", "score", 0.5, 0.0),
            designs.Design("raw score, defence .5, with replacement", "with_replacement", "score", 1.0, 0.5),
            designs.Design("simple random", "simple_random"),
        )
    ],
    "raw scores": [
        (worlds.World("log-normal 1.5", prevalence, quality), _wide("score", defence))
        for prevalence, quality in ((0.0022, 0.95), (0.002, 0.7), (0.0023, 0.2), (0.0125, 0.95), (0.0144, 0.2))
        for defence in (0.0, 0.5)
    ],
    "learned rates": [
        (worlds.World("log-normal 1.5", prevalence, quality), _wide("rates", defence))
        for prevalence, quality in (
            (0.0008, 0.95), (0.001, 0.7), (0.002, 0.95), (0.0029, 0.7), (0.0025, 0.2), (0.0022, 0.0), (0.012, 0.95),
            (0.013, 0.2),
        )
        for defence in (0.1, 0.2, 0.5)
    ],
}  # fmt: skip
EXACT_FRAME_SAMPLED = 5_000


@dataclass(frozen=True)
class Cell:
    part: str  # designs, headline or one of PUBLISHED
    world: worlds.World
    design: designs.Design | None = None
    judge: two_phase.Judge | None = None
    allocation: str = ""
    sampled: int = SAMPLED
    audited: int = 0
    populations: int = POPULATIONS
    runs: int = RUNS

    @property
    def seed(self) -> int:
        """Of the cell's populations: the same for all designs, so that they are compared on the same ground."""
        return zlib.crc32(f"{self.world}".encode())


def cells(parts: tuple[str, ...], scale: float = 1.0) -> Iterator[Cell]:
    """All cells of the parts, `scale` times as many runs in each."""

    def scaled(runs: int) -> int:
        return max(20, round(runs * scale))

    if "designs" in parts:
        for tail in worlds.TAILS:
            for prevalence in PREVALENCES:
                for quality in SCORE_QUALITIES:
                    world = worlds.World(tail, prevalence, quality)
                    for design in designs.DESIGNS:
                        size = (POPULATIONS, RUNS)
                        if design.name in WELL_MEASURED:
                            size = (DEFAULT_POPULATIONS, DEFAULT_RUNS)
                        yield Cell("designs", world, design, populations=size[0], runs=scaled(size[1]))
    if "headline" in parts:
        for prevalence in HEADLINE_PREVALENCES:
            for quality in HEADLINE_QUALITIES:
                world = worlds.World("log-normal 1.5", prevalence, quality)
                for judge in two_phase.JUDGES:
                    for allocation in two_phase.ALLOCATIONS:
                        for judged, audited in HEADLINE_SIZES:
                            yield Cell(
                                "headline", world, judge=judge, allocation=allocation, sampled=judged, audited=audited,
                                populations=HEADLINE_POPULATIONS, runs=scaled(HEADLINE_RUNS),
                            )  # fmt: skip
    if "published" in parts:
        for part, pairs in PUBLISHED.items():
            for world, design in pairs:
                if world.tail == worlds.EXACT_FRAME:
                    yield Cell(part, world, design, sampled=EXACT_FRAME_SAMPLED, populations=1, runs=scaled(10 * RUNS))
                else:
                    yield Cell(part, world, design, runs=scaled(2 * RUNS))


@lru_cache(maxsize=DEFAULT_POPULATIONS)
def _ground(world: worlds.World, seed: int, number: int) -> tuple[worlds.Population, np.ndarray]:
    generator = np.random.default_rng([seed, number])
    people = worlds.population(world, UNITS, generator)
    return people, worlds.learned_rates(people, SAMPLED, generator)


def run_cell(cell: Cell) -> list[dict]:
    """One record per interval kind."""
    by_kind: dict[tuple[str, float], list[tuple]] = {}
    relative, positives, naive = [], [], []
    difference = []
    for number in range(cell.populations):
        people, rates = _ground(cell.world, cell.seed, number)
        name = f"{cell.design.name if cell.design else cell.judge} {cell.allocation} {cell.sampled} {cell.audited}"
        generator = np.random.default_rng([cell.seed, number, zlib.crc32(name.encode())])
        if cell.judge is None:
            found = designs.estimates(cell.design, people, rates, cell.sampled, cell.runs, generator)
            kinds = {(kind, 0.0): found for kind in bounds.KINDS}
        else:
            outcome = two_phase.headline(
                people, rates, cell.judge, cell.allocation, cell.sampled, cell.audited, cell.runs, generator
            )
            kinds = {(kind, share): outcome.estimates[share] for kind, share in HEADLINE_KINDS}
            found = outcome.estimates[0.0]
            naive.append(outcome.judge / people.truth)
            difference.append(outcome.difference / people.truth)
        relative.append(found.share / people.truth)
        positives.append(found.positives)
        for key, estimates in kinds.items():
            is_with_replacement = cell.design is not None and cell.design.is_with_replacement
            lower, upper = bounds.interval(key[0], estimates, is_with_replacement)
            by_kind.setdefault(key, []).append((lower / people.truth, upper / people.truth))
    estimate = np.concatenate(relative)
    shared = {
        "part": cell.part,
        "tail": cell.world.tail,
        "prevalence": cell.world.prevalence,
        "score_quality": cell.world.score_quality,
        "design": cell.design.name if cell.design else cell.allocation,
        "judge": cell.judge.name if cell.judge else "",
        "sampled": cell.sampled,
        "audited": cell.audited,
        "runs": len(estimate),
        "expected_positives": float(np.concatenate(positives).mean()),
        "bias": float(estimate.mean() - 1),
        "coefficient_of_variation": float(estimate.std()),
        "judge_bias": float(np.concatenate(naive).mean() - 1) if naive else None,
        "difference_coefficient_of_variation": float(np.concatenate(difference).std()) if naive else None,
    }
    records = []
    for (kind, share), parts in by_kind.items():
        lower, upper = (np.concatenate(side) for side in zip(*parts, strict=True))
        records.append(
            shared
            | {
                "interval": headline_title(kind, share) if cell.judge else kind,
                "coverage": float(((lower <= 1) & (upper >= 1)).mean()),
                "truth_below": float((lower > 1).mean()),
                "truth_above": float((upper < 1).mean()),
                "median_width": float(np.median(upper - lower)),
            }
        )
    return records


def run(parts: tuple[str, ...], scale: float, processes: int, say=print) -> list[dict]:
    """Run the cells in parallel and return their records in the order of the grid, whatever finished first."""
    work = list(cells(parts, scale))
    results: dict[int, list[dict]] = {}
    pool = ProcessPoolExecutor(processes)
    try:
        futures = {pool.submit(run_cell, cell): number for number, cell in enumerate(work)}
        for done, future in enumerate(as_completed(futures), start=1):
            results[futures[future]] = future.result()
            if done % 20 == 0 or done == len(work):
                say(f"{done} of {len(work)} cells")
    finally:
        # whoever interrupts does not wait for the cells that have not begun
        pool.shutdown(cancel_futures=True)
    return [record for number in range(len(work)) for record in results[number]]
