"""Where a Spark query brings rows together in one place, read from its physical plan after it has run.

A model scales out when all that grows with the logs is filtered, joined and aggregated side by side. It stops doing so
at a sort of all rows, at an exchange to one partition or by a key of few values (a plan and its day), at a window over
such a group, and at anything that passes through the driver. Plans that look alike differ in how many rows get there,
so the rows are counted by Spark itself: the metrics of the plan that ran, after adaptive execution has changed it.

    frame = spark.sql(text)
    run(frame)
    assert not findings(frame, most_rows=10_000)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Settings under which the checks mean most: small inputs must not be broadcast for being small, and the partitions of
# an exchange must be many, so that rows that are spread can be told from rows that are not.
SETTINGS = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "-1",
    "spark.sql.shuffle.partitions": "32",
}

# An exchange is spread when its largest partition holds at most this many times its even share of the bytes.
MOST_UNEVEN = 3.0

# Nodes that hand on as many rows as they get, and do not count them.
_SAME_ROWS = {
    *("Project", "Sort", "AQEShuffleRead", "InputAdapter", "ColumnarToRow", "Window", "AdaptiveSparkPlan"),
    *("WholeStageCodegen", "ShuffleQueryStage", "BroadcastQueryStage", "TableCacheQueryStage", "ReusedExchange"),
    *("ArrowEvalPython", "BatchEvalPython", "SubqueryAlias", "CollectMetrics", "Coalesce", "ResultQueryStage"),
}


@dataclass(frozen=True)
class Gathering:
    """One place where rows come together."""

    # exchange, window, global sort, broadcast, limit, nested loop
    kind: str
    # what Spark says about it, cut to a line
    text: str
    # rows that arrive there; None where Spark does not count them, as in a branch that it never ran
    rows: int | None
    # how many times its even share of the bytes the largest partition holds: 1 is even, infinite a single partition
    unevenness: float | None


def run(frame: DataFrame) -> int:
    """Run the query to its last row, keeping nothing, and return the number of rows; its plan then has its metrics."""
    return frame._jdf.queryExecution().toRdd().count()


def gatherings(frame: DataFrame) -> list[Gathering]:
    """Every place of the query that has been `run` where rows come together, whether or not they are many."""
    return [found for node in _nodes(frame._jdf.queryExecution().executedPlan()) for found in _gathering(node)]


def findings(frame: DataFrame, most_rows: int) -> list[str]:
    """What would keep the query that has been `run` from scaling out, a sentence each; empty when there is nothing.

    `most_rows` is what one task and the driver can be given whatever the size of the logs: groups, histograms, drawn
    units. Exchanges and windows that are spread over the partitions may be of any size; of others it is the fullest
    partition that counts, by its share of the bytes: many groups are no day that comes together.
    """
    sentences = []
    for found in gatherings(frame):
        is_spread = found.unevenness is not None and found.unevenness <= MOST_UNEVEN
        if found.kind in ("exchange", "window") and is_spread:
            continue
        fullest = found.rows
        if fullest is not None and found.unevenness is not None:
            fullest *= min(1, found.unevenness / int(SETTINGS["spark.sql.shuffle.partitions"]))
        if fullest is None or fullest > most_rows:
            uneven = found.unevenness
            uneven = "" if uneven is None else f", {uneven:.1f} times an even share in one partition"
            sentences.append(f"{found.kind} over {found.rows} rows (at most {most_rows}){uneven}: {found.text}")
    return sentences


def windows(frame: DataFrame) -> list[Gathering]:
    """The windows of the query that has been `run`, with the rows that entered them."""
    return [found for found in gatherings(frame) if found.kind == "window"]


def _nodes(plan: Any) -> Iterator[Any]:
    """All nodes of `plan`, through stages and subqueries; what is reused is met where it ran."""
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += _children(node)
        waiting += _sequence(node.subqueries())


def _children(node: Any) -> list[Any]:
    kind = _kind(node)
    if kind == "AdaptiveSparkPlan":
        return [node.executedPlan()]
    if kind.endswith("QueryStage"):
        return [node.plan()]
    return _sequence(node.children())


def _kind(node: Any) -> str:
    return re.sub(r"(Exec|ExecBase)$", "", node.getClass().getSimpleName())


def _sequence(scala: Any) -> list[Any]:
    return [scala.apply(index) for index in range(scala.size())]


def _text(node: Any) -> str:
    return re.sub(r"\s+", " ", node.simpleString(12))[:240]


def _metric(node: Any, name: str) -> int | None:
    metrics = node.metrics()
    return int(metrics.apply(name).value()) if metrics.contains(name) else None


def _rows(node: Any) -> int | None:
    """Rows that `node` hands on, by its own count or by those of the nodes below that hand on as many."""
    for name in ("shuffleRecordsWritten", "numOutputRows"):
        count = _metric(node, name)
        if count is not None:
            return count
    kind, children = _kind(node), _children(node)
    if kind == "Union":
        counts = [_rows(child) for child in children]
        return None if None in counts else sum(counts)
    if kind == "ReusedExchange":
        return _rows(node.child())
    return _rows(children[0]) if kind in _SAME_ROWS and len(children) == 1 else None


def _unevenness(node: Any) -> float | None:
    """Of the nearest exchange at or below `node`; below a join, of the worst. None where rows come without exchange."""
    kind = _kind(node)
    if kind == "ShuffleQueryStage":
        statistics = node.mapStats()
        if not statistics.isDefined():
            return None
        sizes = list(statistics.get().bytesByPartitionId())
        if len(sizes) == 1:
            return float("inf")
        return max(sizes) * len(sizes) / sum(sizes) if sum(sizes) else 1.0
    # what is broadcast comes to the other side's rows and moves none of them
    found = [_unevenness(child) for child in _children(node) if not _kind(child).startswith("Broadcast")]
    return None if not found or None in found else max(found)


def _gathering(node: Any) -> Iterator[Gathering]:
    kind = _kind(node)
    if kind == "ShuffleQueryStage":
        exchange = node.plan()
        if _kind(exchange) == "ReusedExchange":
            return
        yield Gathering("exchange", _text(exchange), _rows(exchange), _unevenness(node))
    elif kind == "Window":
        yield Gathering("window", _text(node), _rows(_children(node)[0]), _unevenness(node))
    elif kind == "Sort" and node.getClass().getMethod("global", None).invoke(node, None):
        yield Gathering("global sort", _text(node), _rows(node), None)
    elif kind == "BroadcastExchange":
        yield Gathering("broadcast", _text(node), _rows(node), None)
    elif kind in ("CollectLimit", "CollectTail", "TakeOrderedAndProject", "GlobalLimit"):
        yield Gathering("limit", _text(node), _rows(_children(node)[0]), None)
    elif kind == "CartesianProduct":
        yield Gathering("nested loop", _text(node), _rows(node), None)
