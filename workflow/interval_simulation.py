"""Compare interval kinds by drawing, judging and auditing a built demo world again and again.

    python -m workflow.interval_simulation warehouse/prevalence.duckdb --audit-units 250

Takes the frames of a plan of content-days, their scores and the truth from the warehouse; draws Poisson samples, lets a
judge of sensitivity .85 and a false-positive rate of .1 % + 3 % x score label them, audits as `draw_audits` does, and
prints coverage, misses on either side and median width relative to the truth. Seeded.
"""

import argparse
from collections import defaultdict

import duckdb
import numpy as np

from python_udfs import intervals

ALPHA = 0.05
SENSITIVITY = 0.85


def _probabilities(size: np.ndarray, expected: float) -> np.ndarray:
    """Proportional to size, with certainties; as the macro `inclusion_probabilities`."""
    if expected >= len(size):
        return np.ones(len(size))
    certain = np.zeros(len(size), dtype=bool)
    while True:
        share = (expected - certain.sum()) * size / size[~certain].sum()
        fresh = ~certain & (share >= 1)
        if not fresh.any():
            return np.where(certain, 1.0, share)
        certain |= fresh


def _mixture(exposure: np.ndarray, risk: np.ndarray, defence: float) -> np.ndarray:
    by_exposure = exposure / exposure.sum()
    by_risk = risk / risk.sum() if risk.sum() > 0 else by_exposure
    return defence * by_exposure + (1 - defence) * by_risk


def _one(name: str, *values: float) -> tuple[float, float]:
    arrays = [np.array([value], dtype=float) for value in (*values, ALPHA)]
    with np.errstate(all="ignore"):
        return tuple(float(getattr(intervals, f"{name}_{side}")(*arrays)[0]) for side in ("lower", "upper"))


def simulate(path: str, plan: str, audit_units: float, floor: float, repeats: int, shuffle: bool, seed: int) -> dict:
    """Per interval kind a list of (lower, upper, truth)."""
    with duckdb.connect(path, read_only=True) as connection:
        rows = connection.execute(
            """
            select f.unit_date, f.exposure, f.inclusion_probability, s.policy_id, s.score_millionths / 1e6, t.is_violating
            from frames.frame_content_days as f
            inner join frames.frame_content_scores as s on f.unit_id = s.unit_id
            inner join truth.content_labels as t on f.unit_key = t.content_id and s.policy_id = t.policy_id
            where f.plan_id = ?
            order by f.unit_date, s.policy_id, f.unit_id
            """,
            [plan],
        ).fetchnumpy()
    day, exposure, pi, policy, score, violating = (np.asarray(column) for column in rows.values())
    groups = defaultdict(list)
    for index, key in enumerate(zip(day, policy, strict=True)):
        groups[key].append(index)
    generator = np.random.default_rng(seed)
    found = defaultdict(list)
    for members in map(np.array, groups.values()):
        x, y, s = exposure[members].astype(float), violating[members].astype(bool), score[members].astype(float)
        truth = float(x[y].sum() / x.sum())
        for _ in range(repeats):
            risk = generator.permutation(s) if shuffle else s
            judged = np.where(y, generator.random(len(y)) < SENSITIVITY, generator.random(len(y)) < 0.001 + 0.03 * s)
            drawn = generator.random(len(y)) < pi[members]
            first = pi[members][drawn].astype(float)
            weighted, says_no = x[drawn] / first, ~judged[drawn]
            second = np.ones(len(first))
            size = _mixture(weighted[says_no], weighted[says_no] * np.sqrt(risk[drawn][says_no]), 0.5)
            second[says_no] = np.maximum(_probabilities(size, audit_units), floor)
            both = first * second
            audited = generator.random(len(first)) < second
            total = (x[drawn] / both)[audited].sum()
            a = (x[drawn] * y[drawn] / both)[audited] / total
            share = float(a.sum())
            residual = (x[drawn] * (y[drawn] - share) / both)[audited] / total
            variance = float(((1 - both[audited]) * residual**2).sum())
            open_units = says_no & (second < 1)
            expected = weighted * (risk[drawn] + 1e-4) * open_units
            average = float((expected * weighted / second).sum() / expected.sum() / total)
            largest = float((x[drawn] / both)[both < 1].max() / total)
            certain = float(a[both[audited] == 1].sum())
            for kind, bounds in _intervals(share, variance, a, int(audited.sum()), certain, average, largest).items():
                found[kind].append((*bounds, truth))
    return found


def _intervals(
    share: float, variance: float, a: np.ndarray, sampled: int, certain: float, average: float, largest: float
) -> dict[str, tuple[float, float]]:
    kinds = ("korn_graubard_positives", "gamma_mid_p, average weight", "gamma_mid_p, largest weight")
    if share == 0:
        bound = min(1.0, largest * np.log(2 / ALPHA))
        return dict.fromkeys(kinds, (0.0, bound))
    freedom = 2 * (a**2).sum() ** 2 / (a**4).sum()
    effective = share * (1 - share) / variance if variance > 0 else np.inf
    classic = (
        (share, share)
        if variance <= 0
        else _one("korn_graubard", share, effective, sampled, min(freedom, sampled - 1))
    )
    return {
        kinds[0]: classic,
        kinds[1]: _one("gamma_mid_p", share, certain, variance, average),
        kinds[2]: _one("gamma_mid_p", share, certain, variance, largest),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warehouse")
    parser.add_argument("--plan", default="content_days_mixture")
    parser.add_argument("--audit-units", type=float, default=250)
    parser.add_argument("--audit-floor", type=float, default=0.05)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--shuffle-scores", action="store_true", help="the audit's scores say nothing")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = simulate(
        options.warehouse, options.plan, options.audit_units, options.audit_floor, options.repeats,
        options.shuffle_scores, options.seed,
    )  # fmt: skip
    print("| interval | tried | cover | truth below | truth above | median width / truth |")
    print("|---|---:|---:|---:|---:|---:|")
    for kind, rows in found.items():
        lower, upper, truth = np.array(rows).T
        some = truth > 0
        covered = (lower <= truth) & (truth <= upper)
        print(
            f"| {kind} | {len(rows)} | {covered.mean():.3f} | {(truth < lower).mean():.3f} | {(truth > upper).mean():.3f}"
            f" | {np.median((upper - lower)[some] / truth[some]):.2f} |"
        )


if __name__ == "__main__":
    main()
