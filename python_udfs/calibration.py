"""Small systems of equations behind calibrated weights. Each function returns a vector; SQL asks for one element."""

from __future__ import annotations

import numpy as np

from python_udfs.intervals import Array

_TOLERANCE = 1e-9


def linear_solution(matrix: Array, vector: Array) -> Array:
    """The vector b with matrix b = vector, of least norm where the matrix is singular. Undefined without a solution."""
    solution = np.asarray(np.linalg.lstsq(matrix, vector, rcond=None)[0], dtype=np.float64)
    scale = np.abs(matrix) @ np.abs(solution) + np.abs(vector)
    fits = np.all(np.abs(matrix @ solution - vector) <= 1e-7 * np.maximum(scale, np.finfo(float).tiny))
    return solution if fits else np.full(len(vector), np.nan)


def matrix_rank(matrix: Array) -> Array:
    """Rank of a matrix whose entries are good to about six digits, as replicate weights are; a vector of one number."""
    singular = np.linalg.svd(matrix, compute_uv=False)
    return np.array([np.count_nonzero(singular > 1e-6 * singular[0])], dtype=np.float64)


def raking_factors(cells: Array) -> Array:
    """Factors that make the weights of cells add up to all margins: iterative proportional fitting.

    Rows of `cells`: number of the cell from 1, sum of weights, and for each margin the category's number and its total.
    Deming and Stephan (1940), Annals of Mathematical Statistics 11, 427-444. Undefined where it does not converge.
    """
    cells = cells[np.argsort(cells[:, 0])]
    weights = cells[:, 1]
    factors = np.ones(len(weights))
    margins = [
        (np.unique(cells[:, column], return_inverse=True)[1], cells[:, column + 1])
        for column in range(2, cells.shape[1], 2)
    ]
    for _ in range(5000):
        for categories, totals in margins:
            factors = factors * totals / np.bincount(categories, weights * factors)[categories]
        worst = max(
            np.max(np.abs(np.bincount(categories, weights * factors)[categories] / totals - 1))
            for categories, totals in margins
        )
        if worst < 1e-13:
            return factors
    return factors if worst < _TOLERANCE else np.full(len(weights), np.nan)


def _newton(rows: Array, totals: Array, factor_and_slope) -> Array:  # type: ignore[no-untyped-def]
    """Multipliers m with sum w F(x'm) x = totals; rows hold w and x. Deville and Sarndal (1992), JASA 87, 376-382."""
    weights, x = rows[:, 0], rows[:, 1:]
    multipliers = np.zeros(x.shape[1])
    scale = np.maximum(np.abs(totals), np.finfo(float).tiny)

    def miss(candidate: Array) -> tuple[Array, Array]:
        factors, slopes = factor_and_slope(x @ candidate)
        return totals - (weights * factors) @ x, slopes

    gap, slopes = miss(multipliers)
    for _ in range(200):
        if np.max(np.abs(gap) / scale) < 1e-14:
            break
        step = np.linalg.lstsq((x * (weights * slopes)[:, None]).T @ x, gap, rcond=None)[0]
        for halving in range(40):
            candidate = multipliers + step / 2**halving
            new_gap, new_slopes = miss(candidate)
            if np.all(np.isfinite(new_gap)) and np.linalg.norm(new_gap / scale) < np.linalg.norm(gap / scale):
                break
        else:
            break
        multipliers, gap, slopes = candidate, new_gap, new_slopes
    return multipliers if np.max(np.abs(gap) / scale) < _TOLERANCE else np.full(len(multipliers), np.nan)


def raking_multipliers(rows: Array, totals: Array) -> Array:
    """Multipliers of the exponential distance: factor = exp(x'm). Undefined where no factors meet the totals."""

    def factor_and_slope(score: Array) -> tuple[Array, Array]:
        factors = np.exp(score)
        return factors, factors

    return _newton(rows, totals, factor_and_slope)


def bounded_linear_multipliers(rows: Array, totals: Array, bounds: Array) -> Array:
    """Multipliers of the linear distance cut at bounds: factor = 1 + x'm within them. Undefined out of reach."""
    lower, upper = bounds

    def factor_and_slope(score: Array) -> tuple[Array, Array]:
        factors = np.clip(1 + score, lower, upper)
        return factors, ((1 + score > lower) & (1 + score < upper)).astype(float)

    return _newton(rows, totals, factor_and_slope)


def logit_multipliers(rows: Array, totals: Array, bounds: Array) -> Array:
    """Multipliers of the logit distance, whose factors stay strictly within the bounds. Undefined out of reach."""
    lower, upper = bounds
    a = (upper - lower) / ((1 - lower) * (upper - 1))

    def factor_and_slope(score: Array) -> tuple[Array, Array]:
        growth = np.exp(a * score)
        factors = (lower * (upper - 1) + upper * (1 - lower) * growth) / (upper - 1 + (1 - lower) * growth)
        return factors, (factors - lower) * (upper - factors) / ((1 - lower) * (upper - 1))

    return _newton(rows, totals, factor_and_slope)
