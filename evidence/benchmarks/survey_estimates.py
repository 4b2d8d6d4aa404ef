"""Time survey_estimates on a million sampled rows, beside the same work by svy, and check that they agree.

    python evidence/benchmarks/survey_estimates.py --runs 7 --json estimates.json

Writes the rows (seeded: 100 strata, 50 domains, 2 % positive), compiles calls of the public macro, and for each call
starts a process of its own with two threads: ours runs the compiled SQL on DuckDB and keeps the result as a table; svy
(Python over Rust and Polars) estimates from a frame that it already holds in memory. svy is installed in an environment
of its own, `.venv-benchmark`, when it is not there yet. One run that is not counted comes first. Times are of estimates
and intervals alone: not of starting a process, reading a file into svy, or compiling. Peak memory is that of the whole
process.

svy gives shares with Korn-Graubard intervals by `prop`, which estimates both levels of y, and the same estimates with t
intervals by `mean`; both are timed, and ratios are of medians. Estimates and standard errors must agree to 1e-9 with
svy's, or with those of a plain numpy sum over rows where svy has no such design (Poisson) or would take too long
(10,000 domains; some are checked). A disagreement ends the run with exit code 1; a missed target does not, as machines
differ: run it on one that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-benchmark"
PACKAGES = ("svy==0.35.0", "polars==2.1.0", "pyarrow")
THREADS = 2
TOLERANCE = 1e-9

ROWS = """
select
    i as unit_id,
    's' || lpad(cast(hash(i * 7 + 1) % 100 as varchar), 3, '0') as stratum,
    cast(hash(i * 13 + 5) % 20 as integer) as psu_of_20,
    cast(hash(i * 13 + 5) % 100 as integer) as psu_of_100,
    'd' || lpad(cast(hash(i * 11 + 3) % 50 as varchar), 2, '0') as domain,
    'c' || cast(hash(i * 23 + 1) % 5 as varchar) as country,
    'f' || cast(hash(i * 29 + 1) % 4 as varchar) as surface,
    'd' || lpad(cast(hash(i * 17 + 7) % 500 as varchar), 3, '0') as fine_domain,
    'p' || lpad(cast(hash(i * 19 + 9) % 20 as varchar), 2, '0') as policy,
    1 + (hash(i * 31 + 1) % 1000) / 100 as weight,
    1 / (1 + (hash(i * 31 + 1) % 1000) / 100) as probability,
    cast(hash(i * 37 + 1) % 1000 < 20 as double) as y
from range({rows}) as sampled (i)
"""


@dataclass(frozen=True)
class Call:
    """A call of the macro; `svy` are the arguments of svy's design, none where there is nothing to compare with."""

    title: str
    by: tuple[tuple[str, ...], ...]
    arguments: dict[str, str] = field(default_factory=dict)
    svy: dict[str, str] | None = None
    methods: tuple[str, ...] = ()
    most_seconds: float | None = None


_DOMAINS = ((), ("domain",))
_SETS = ((), ("domain",), ("country",), ("surface",), ("country", "surface"))
_STRATA = {"stratum": "stratum"}
CALLS = {
    "strata": Call("100 strata, 50 domains", _DOMAINS, _STRATA, _STRATA, ("mean", "prop"), 0.25),
    "psus_20": Call(
        "2,000 PSUs", _DOMAINS, _STRATA | {"psu": "psu_of_20"}, _STRATA | {"psu": "psu_of_20"}, ("mean", "prop")
    ),
    "psus_100": Call(
        "10,000 PSUs", _DOMAINS, _STRATA | {"psu": "psu_of_100"}, _STRATA | {"psu": "psu_of_100"}, ("mean", "prop")
    ),
    "poisson": Call("Poisson", _DOMAINS, {"design": "poisson", "inclusion_probability": "probability"}),
    "sets": Call("5 grouping sets", _SETS, _STRATA, _STRATA, ("mean",)),
    "fine": Call("500 domains x 20 policies", ((), ("fine_domain", "policy")), _STRATA, most_seconds=3.0),
}
INTERVALS = {"mean": "wald_t", "prop": "korn_graubard"}
MOST_BYTES = 2**30
LEAST_RATIO = 30


def _macro_text(call: Call, interval: str) -> str:
    arguments = {"relation": "sampled", "y": "y", "weight": "weight", "interval": interval, **call.arguments}
    named = "".join(f"{name}={value!r}, " for name, value in arguments.items())
    return "{{ prevalence.survey_estimates(" + named + f"by={[list(columns) for columns in call.by]!r}) }}}}"


def _compiled(texts: dict[str, str], folder: Path) -> dict[str, str]:
    """What dbt makes of the calls, in one start of it."""
    marker = "-- benchmark call"
    inline = "\n".join(f"{marker} {name}\n{text}" for name, text in texts.items())
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


def _environment() -> Path:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def _measured(python: Path | str, task: dict[str, Any]) -> dict[str, Any]:
    """Run `task` in a process of its own. This one stays small: a child's peak memory counts from its parent's."""
    environment = {**os.environ, "POLARS_MAX_THREADS": str(THREADS), "RAYON_NUM_THREADS": str(THREADS)}
    result = subprocess.run(
        [str(python), str(Path(__file__).resolve()), "--task", json.dumps(task)],
        env=environment,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise SystemExit(f"{task['kind']} {task['name']}: {result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def _timed(work: Any, runs: int) -> dict[str, Any]:
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return {
        "best_seconds": min(seconds[1:]),
        "median_seconds": statistics.median(seconds[1:]),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _run_ours(task: dict[str, Any]) -> dict[str, Any]:
    import duckdb

    sys.path.insert(0, str(ROOT))
    from python_udfs.duckdb_plugin import register

    with duckdb.connect(task["database"], config={"threads": THREADS}) as connection:
        register(connection)
        figures = _timed(
            lambda: connection.execute(f"create or replace temporary table result as {task['sql']}"), task["runs"]
        )
        columns = sorted({column for columns in task["by"] for column in columns})
        keys = "".join(f"coalesce(cast({column} as varchar), '') || '|' || " for column in columns)
        rows = connection.execute(f"select {keys} grouping_set, estimate, std_error from result").fetchall()
    return {**figures, "rows": {key: values for key, *values in rows}}


def _run_svy(task: dict[str, Any]) -> dict[str, Any]:
    import polars
    import svy

    columns = sorted({column for columns in task["by"] for column in columns})
    frame = polars.read_parquet(task["parquet"], columns=[*task["design"].values(), *columns, "weight", "y"])
    found: dict[str, list[float]] = {}

    def work() -> None:
        sample = svy.Sample(frame, svy.Design(wgt="weight", **task["design"]))
        for by in task["by"]:
            arguments = {"by": tuple(by)} if by else {}
            if task["method"] == "prop":
                result = sample.estimation.prop("y", ci_method="korn-graubard", **arguments)
            else:
                result = sample.estimation.mean("y", **arguments)
            for row in result.to_polars().iter_rows(named=True):
                if task["method"] == "prop" and float(row["y"]) != 1:
                    continue
                key = "".join(f"{row[column] if column in by else ''}|" for column in columns)
                found[key + (",".join(by) or "overall")] = [row["est"], row["se"]]

    return {**_timed(work, task["runs"]), "rows": found}


def _write_rows(task: dict[str, Any]) -> dict[str, Any]:
    import duckdb

    with duckdb.connect(task["database"]) as connection:
        connection.execute(f"create table sampled as {ROWS.format(rows=task['rows'])}")
        connection.execute(f"copy sampled to '{task['parquet']}' (format parquet)")
    return {}


def _run_numpy(task: dict[str, Any], most_domains: int = 25) -> dict[str, Any]:
    """Estimate and standard error of some domains, from the residual of every row of the sample."""
    import duckdb
    import numpy as np

    call = CALLS[task["name"]]
    columns = sorted({column for columns in call.by for column in columns})
    with duckdb.connect(task["database"], read_only=True) as connection:
        frame = connection.execute("select * from sampled").df()
    found = {}
    strata = frame.stratum.astype("category").cat.codes.to_numpy()
    weight, y = frame.weight.to_numpy(), frame.y.to_numpy()
    for by in call.by:
        groups = frame.groupby(list(by)).indices if by else {(): np.arange(len(frame))}
        for value, positions in list(groups.items())[:most_domains]:
            inside = np.zeros(len(frame))
            inside[positions] = 1
            size = (weight * inside).sum()
            estimate = (weight * inside * y).sum() / size
            scores = weight * inside * (y - estimate) / size
            if "inclusion_probability" in call.arguments:
                variance = ((1 - frame.probability.to_numpy()) * scores**2).sum()
            else:
                n = np.bincount(strata)
                centred = scores - (np.bincount(strata, scores) / n)[strata]
                variance = (n / (n - 1) * np.bincount(strata, centred**2)).sum()
            values = dict(zip(by, value if isinstance(value, tuple) else (value,), strict=True))
            key = "".join(f"{values.get(column, '')}|" for column in columns)
            found[key + (",".join(by) or "overall")] = [float(estimate), float(variance) ** 0.5]
    return {"rows": found}


def _largest_difference(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> float:
    """Relative; every row of theirs must be one of ours."""
    missing = set(theirs) - set(ours)
    if missing:
        raise SystemExit(f"{len(missing)} of {len(theirs)} domains are not among ours, such as {min(missing)!r}")
    return max(
        abs(own - other) / abs(other) if other else float(own != other)
        for key, others in theirs.items()
        for own, other in zip(ours[key], others, strict=True)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7, help="counted runs of ours; svy gets a third of them")
    parser.add_argument("--calls", nargs="*", choices=list(CALLS), default=list(CALLS))
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    return parser


def main() -> None:
    options = _parser().parse_args()
    if options.task:
        task = json.loads(options.task)
        kinds = {"rows": _write_rows, "ours": _run_ours, "svy": _run_svy, "numpy": _run_numpy}
        print(json.dumps(kinds[task["kind"]](task)))
        return

    python = _environment()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database, parquet = str(folder / "rows.duckdb"), str(folder / "rows.parquet")
        rows = {"kind": "rows", "name": "rows", "rows": options.rows, "database": database, "parquet": parquet}
        _measured(sys.executable, rows)
        texts = {
            f"{name}.{interval}": _macro_text(CALLS[name], interval)
            for name in options.calls
            for interval in (INTERVALS[method] for method in CALLS[name].methods or ("prop",))
        }
        compiled = _compiled(texts, folder)
        report = [
            _measure(name, method, compiled, python, database, parquet, options.runs)
            for name in options.calls
            for method in CALLS[name].methods or (None,)
        ]
    _print_table(report)
    if options.json:
        figures = {"rows": options.rows, "threads": THREADS, "calls": report}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    if any(line["largest_difference"] > TOLERANCE for line in report):
        raise SystemExit(f"estimates or standard errors differ by more than {TOLERANCE}")


def _measure(
    name: str, method: str | None, compiled: dict[str, str], python: Path, database: str, parquet: str, runs: int
) -> dict[str, Any]:
    call = CALLS[name]
    interval = INTERVALS[method or "prop"]
    by = [list(columns) for columns in call.by]
    task = {"name": name, "by": by, "runs": runs}
    ours = _measured(
        sys.executable, {**task, "kind": "ours", "database": database, "sql": compiled[f"{name}.{interval}"]}
    )
    line = {"call": call.title, "interval": interval, **{key: ours[key] for key in ours if key != "rows"}}
    line["domains"] = len(ours["rows"])
    if method is None:
        checked = _measured(sys.executable, {**task, "kind": "numpy", "database": database})
        return {**line, "largest_difference": _largest_difference(ours["rows"], checked["rows"])}
    theirs = _measured(
        python,
        {
            **task,
            "kind": "svy",
            "method": method,
            "parquet": parquet,
            "design": call.svy,
            "runs": max(1, runs // 3),
        },
    )
    return {
        **line,
        "svy_method": method,
        "svy_best_seconds": theirs["best_seconds"],
        "svy_median_seconds": theirs["median_seconds"],
        "svy_peak_bytes": theirs["peak_bytes"],
        "times_faster": theirs["median_seconds"] / line["median_seconds"],
        "largest_difference": _largest_difference(ours["rows"], theirs["rows"]),
    }


def _print_table(report: list[dict[str, Any]]) -> None:
    columns = "call | domains | interval | best s | median s | peak MiB | svy | svy s | svy MiB | faster | differs by"
    print(f"| {columns} |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for line in report:
        compared = "svy_method" in line
        print(
            f"| {line['call']} | {line['domains']:,} | {line['interval']} | {line['best_seconds']:.3f}"
            f" | {line['median_seconds']:.3f} | {line['peak_bytes'] / 2**20:.0f} | {line.get('svy_method', '')}"
            f" | {format(line['svy_median_seconds'], '.2f') if compared else ''}"
            f" | {format(line['svy_peak_bytes'] / 2**20, '.0f') if compared else ''}"
            f" | {format(line['times_faster'], '.0f') if compared else ''} | {line['largest_difference']:.0e} |"
        )
    print()
    most_seconds = {call.title: call.most_seconds for call in CALLS.values() if call.most_seconds}
    for line in report:
        most = most_seconds.get(line["call"])
        if most:
            print(f"{line['call']}, {line['interval']}: at most {most} s: {line['median_seconds'] <= most}")
        if most and "times_faster" in line:
            faster = line["times_faster"] >= LEAST_RATIO
            print(f"{line['call']}, {line['interval']}: at least {LEAST_RATIO} times faster: {faster}")
    small = all(line["peak_bytes"] <= MOST_BYTES for line in report)
    print(f"at most {MOST_BYTES / 2**20:.0f} MiB in each call: {small}")


if __name__ == "__main__":
    main()
