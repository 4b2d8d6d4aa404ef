"""Latent labels of items and error rates of raters, from who gave which label how often (Dawid and Skene 1979).

SQL counts the answers; here they are numbers only. The same counts give the same bits, in whatever order they arrive:
they are sorted first, and every sum runs over them in that order.
"""

from __future__ import annotations

import numpy as np

from python_udfs.intervals import Array

# what stands before the class shares in the result; macros/raters/dawid_skene.sql counts on it
HEAD = ("items", "raters", "classes", "iterations", "converged", "log_likelihood")


def dawid_skene(answers: Array, max_iterations: float, tolerance: float, smoothing: float) -> Array:
    """Maximum likelihood by expectation-maximisation, from the shares of votes.

    `answers` has rows (item, rater, label, count), numbered from 1. The result is HEAD, then the class shares, the
    items' posteriors (item by class) and the raters' confusion (rater by class by label), each with the last index
    fastest. It stops when the log-likelihood changes by at most `tolerance` of itself. `smoothing` is added to each
    cell of a rater's confusion before it is divided by its row's sum; where it outweighs the answers, the row is NaN.
    NaN alone where the numbers cannot be answers.
    """
    table, counts = _sorted(answers)
    if not _is_valid(table, counts, max_iterations, tolerance, smoothing):
        return np.array([np.nan])
    item, rater, label = (table - 1).T
    items, raters, classes = (int(number) for number in table.max(axis=0))

    cells = np.bincount(item * classes + label, counts, items * classes)
    posterior = np.asarray(cells, dtype=np.float64).reshape(items, classes)
    posterior /= _row_sums(posterior)[:, None]
    log_likelihood = -np.inf
    converged = False
    iteration = 0

    def parameters() -> tuple[Array, Array, Array]:
        share = np.bincount(np.tile(np.arange(classes), items), posterior.ravel(), classes) / items
        confusion = np.empty((raters, classes, classes))
        for true in range(classes):
            given = np.bincount(rater * classes + label, counts * posterior[item, true], raters * classes)
            confusion[:, true] = given.reshape(raters, classes)
        confusion += smoothing
        totals = _row_sums(confusion.reshape(-1, classes)).reshape(raters, classes, 1)
        return share, np.divide(confusion, totals, out=np.zeros_like(confusion), where=totals > 0), totals[..., 0]

    share, confusion, totals = parameters()
    while iteration < max_iterations and not converged:
        iteration += 1
        with np.errstate(divide="ignore"):
            log_share, log_confusion = np.log(share), np.log(confusion)
        joint = np.empty((items, classes))
        for true in range(classes):
            joint[:, true] = np.bincount(item, counts * log_confusion[rater, true, label], items) + log_share[true]
        highest = joint.max(axis=1)
        posterior = np.exp(joint - highest[:, None])
        evidence = _row_sums(posterior)
        posterior /= evidence[:, None]
        previous, log_likelihood = log_likelihood, float(np.sum(highest + np.log(evidence)))
        converged = bool(abs(log_likelihood - previous) <= tolerance * abs(log_likelihood))
        share, confusion, totals = parameters()
    confusion[totals <= 2 * classes * smoothing] = np.nan
    head = [items, raters, classes, iteration, float(converged), log_likelihood]
    return np.concatenate([head, share, posterior.ravel(), confusion.ravel()])


def _sorted(answers: Array) -> tuple[np.ndarray, Array]:
    rows = np.asarray(answers, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != 4 or not np.isfinite(rows).all():
        return np.empty((0, 3), dtype=np.int64), np.empty(0)
    rows = rows[np.lexsort(rows.T[::-1])]
    return rows[:, :3].astype(np.int64), rows[:, 3]


def _is_valid(table: np.ndarray, counts: Array, max_iterations: float, tolerance: float, smoothing: float) -> bool:
    if not len(table) or not max_iterations >= 1 or not tolerance >= 0 or not smoothing >= 0:
        return False
    # an item without an answer has no shares of votes to start from
    return bool((counts > 0).all() and (table >= 1).all() and len(np.unique(table[:, 0])) == table[:, 0].max())


def _row_sums(rows: Array) -> Array:
    total = rows[:, 0].copy()
    for column in range(1, rows.shape[1]):
        total += rows[:, column]
    return total
