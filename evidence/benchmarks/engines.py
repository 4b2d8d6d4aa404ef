"""Time the daily run on both engines as one day's logs grow, and check that both draw the same units.

    python evidence/benchmarks/engines.py --sizes 1 5 25 --json engines.json

For each size (millions of components) the raw logs of one day are written as Parquet files in the shape of the input
contract, by plain SQL from counters and hashes. Then the daily run goes from these files to published marts, once on
each engine, in a process of its own with an empty warehouse: the steps of `prevalence run` with the seeded plans, the
gates included. Where people and a judge would answer, one statement answers every open assignment by a hash.

Each step is timed by itself. GROWING are the steps that read logs, units or frames; the others read drawn units and
small tables, and are what a run costs whatever its size (as are starting Python, Java and dbt). Peak memory is the
largest sum, twice a second, of what the process and all that it started (Java, Python workers) hold in memory; a page
that they share counts once. DuckDB has two threads per query, Spark two cores; both are given --memory. Spark's own
event log says what its stages shuffled, spilled and sent to the driver.

Both engines must have drawn the same units with the same probabilities, to the last bit, and no stage of Spark may send
the driver more than MOST_RESULT_BYTES: otherwise the run ends with exit code 1. A missed target of time does not,
as machines differ: run it on one that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ("duckdb", "session")
CORES = 2
DAY = "2026-10-05"
# rows of the largest table in one file
FILE_ROWS = 2_500_000
# the steps whose work grows with the logs, by the start of their titles in prevalence/command_line/steps.py
GROWING = ("land", "staging", "units and frames", "draw, items")
SECONDS_BETWEEN_SAMPLES = 0.5
# what a stage may send to the driver: drawn units, groups and histograms, and the metrics of its tasks
MOST_RESULT_BYTES = 8 * 2**20
# Spark's cost per component at the largest size, against the middle one
MOST_GROWTH = 1.2
SHOWN_STAGES = 8

# --- a day of raw logs ------------------------------------------------------------------------------------------------

# Interactions have 3 to 7 components, a query and an answer first. Contents are shown with the frequencies of a power
# law, rank ** -0.6; a content is of one kind, by its number. A few rows are duplicates, a few arrive late, a tenth of
# the traffic is signed out. `{contents}` and `{users}` are numbers, `{first}` to `{last}` the interactions of a file.
INTERACTIONS = """
    select
        'i' || lpad(cast(i as varchar), 9, '0') as interaction_id,
        ['search', 'chat', 'feed'][1 + cast(hash(i * 7 + 1) % 3 as integer)] as surface,
        timestamp '{day} 00:00:00' + to_milliseconds(cast(hash(i * 7 + 2) % 86400000 as bigint)) as occurred_at,
        case when hash(i * 7 + 3) % 10 > 0 then 'u' || user_number end as user_id,
        's' || user_number || '_' || hash(i * 7 + 5) % 3 as session_id,
        ['DE', 'US', 'BR', 'IN', 'JP', 'NG'][1 + cast(user_number % 6 as integer)] as country,
        occurred_at + to_seconds(case when hash(i * 7 + 4) % 500 = 0 then 200000 else 2 end) as received_at,
        cast(null as varchar) as client_stream_id,
        cast(null as bigint) as client_sequence,
        'v' || hash(i * 7 + 6) % 4 as app_version,
        cast(null as varchar) as experiment_id,
        cast(null as varchar) as experiment_arm
    from (
        select i, hash(i * 11 + 1) % {users} as user_number
        from range({first}, {last}) as numbers (i), range(case when i % 500 = 0 then 2 else 1 end) as copies (copy)
    )
"""
COMPONENTS = """
    select
        'i' || lpad(cast(i as varchar), 9, '0') as interaction_id,
        position,
        case least(position, 2) when 0 then 'query' when 1 then 'response' else 'image' end as component_type,
        case least(position, 2) when 0 then 'q' when 1 then 'r' else 'm' end || number as content_id,
        case when position < 2 then 'What is said in content ' || number end as text,
        case when position >= 2 then 'media/' || number end as uri,
        case when position >= 2 then 'm' || number end as media_hash,
        position < 2 or hash(i * 5 + position) % 10 > 0 as was_viewed
    from (
        select
            i,
            position,
            5 * cast(
                floor({contents} / 5 * pow(hash(i * 13 + position) / 18446744073709551616.0, 2.5)) as bigint
            ) + case when position < 2 then position else 2 + hash(i * 17 + position) % 3 end as number
        from range({first}, {last}) as numbers (i), range(cast(3 + hash(i) % 5 as bigint)) as positions (position),
            range(case when i % 500 = 0 then 2 else 1 end) as copies (copy)
    )
"""
RISK_SCORES = """
    select
        case least(number % 5, 2) when 0 then 'q' when 1 then 'r' else 'm' end || number as content_id,
        policy_id,
        'scorer_1' as model_version,
        round(pow(hash(number * 19 + policy_number) / 18446744073709551616.0, 8), 6) as score,
        timestamp '{day} 00:00:00' - to_hours(cast(1 + hash(number) % 1000 as bigint)) as scored_at
    from range({first}, {last}) as numbers (number),
        (select policy_id, row_number() over (order by policy_id) as policy_number from read_csv('{policies}')) as p
"""
USERS = """
    select
        'u' || i as user_id,
        ['DE', 'US', 'BR', 'IN', 'JP', 'NG'][1 + cast(i % 6 as integer)] as country,
        timestamp '{day} 00:00:00' - to_days(cast(1 + hash(i) % 2000 as integer)) as signed_up_at,
        cast(null as varchar) as age_band
    from range({first}, {last}) as numbers (i)
"""


def write_logs(folder: Path, components: int) -> dict[str, Any]:
    """One day of raw tables below `folder`; returns how many rows each has and the seconds that it took."""
    begun = time.monotonic()
    interactions, contents, users = components // 5, components // 2, max(components // 50, 10)
    # text, number of things that are counted through, rows of each
    tables = {
        "interactions": (INTERACTIONS, interactions, 1),
        "components": (COMPONENTS, interactions, 5),
        "risk_scores": (RISK_SCORES, contents - contents % 5, 4),
        "users": (USERS, users, 1),
    }
    counts = {}
    with duckdb.connect(config={"threads": CORES, "preserve_insertion_order": False}) as connection:
        for name, (text, number, rows_each) in tables.items():
            (folder / name).mkdir(parents=True)
            files = -(-number * rows_each // FILE_ROWS)
            for file in range(files):
                select = text.format(
                    day=DAY,
                    users=users,
                    contents=contents,
                    policies=ROOT / "seeds" / "policies.csv",
                    first=number * file // files,
                    last=number * (file + 1) // files,
                )
                connection.execute(f"copy ({select}) to '{folder / name}/part_{file:03}.parquet' (format parquet)")
            (counts[name],) = connection.execute(
                f"select count(*) from read_parquet('{folder / name}/*.parquet')"
            ).fetchone()
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    return {"rows": counts, "bytes": size, "seconds": time.monotonic() - begun}


# --- the daily run, in a process of its own ---------------------------------------------------------------------------

# The same text on both engines: every open assignment of these pools is answered. An item of one in forty violates,
# whoever is asked; the judge errs on one in sixteen of these and of a thousand others.
ANSWERS = """
    insert into raw.label_events ({columns})
    select
        'answer_' || assignment_id as label_event_id,
        assignment_id,
        item_id,
        item_hash,
        policy_id,
        policy_version,
        label_protocol_id,
        case when pool = 'llm' then 'llm' else 'human' end as source,
        case when pool <> 'llm' then pool || '_' || cast(slot as string) end as rater_id,
        case when pool = 'llm' then 'hash' end as judge_id,
        pool,
        cast(null as string) as vendor,
        case when is_violating <> (pool = 'llm' and is_error) then 'violating' else 'non_violating' end as decision,
        cast(null as string) as rule_ids,
        case when is_violating <> (pool = 'llm' and is_error) then 'c0' end as component_refs,
        cast(null as string) as confidence_raw,
        'ok' as outcome,
        cast(null as timestamp) as started_at,
        cast(sample_date as timestamp) + interval '30' hour as submitted_at,
        cast(null as double) as lead_time_s,
        cast(null as bigint) as cost_minor_units,
        cast(null as string) as currency,
        cast(null as string) as ingest_file_sha256,
        cast(null as string) as supersedes_event_id
    from (
        select
            *,
            substr(md5('violation|' || policy_id || '|' || unit_key), 1, 3) < '066' as is_violating,
            substr(md5('error|' || policy_id || '|' || unit_key), 1, 3)
            < case
                when substr(md5('violation|' || policy_id || '|' || unit_key), 1, 3) < '066' then '100' else '004'
            end as is_error
        from {assignments}
    ) as assignments
"""
# A draw is for ever, so this is what engines have to agree on to the last bit; figures, to what sums of doubles allow.
DRAWS = """
    select
        plan_id, sample_date, unit_id, inclusion_probability, random_number, is_certainty, frame_units, frame_exposure
    from draws.draw_units
    order by plan_id, sample_date, unit_id
"""
FIGURES = """
    select
        plan_id, policy_id, pivot_name, pivot_value, period_type, estimator,
        prevalence, interval_lower, interval_upper
    from marts.prevalence
"""


def _run(task: dict[str, Any]) -> dict[str, Any]:
    """The daily run of `task` on its engine; returns the seconds of each step."""
    begun = time.monotonic()
    sys.path.insert(0, str(ROOT))
    import pyarrow.parquet

    from prevalence.command_line.due_days import choose_days
    from prevalence.command_line.steps import Step, land_step, measurement_steps
    from prevalence.engines import warehouse
    from prevalence.engines.contract import raw_tables
    from prevalence.engines.dbt import Dbt
    from prevalence.engines.settings import Settings

    settings = Settings.from_environment()
    settings.enter()
    columns = next(table for table in raw_tables() if table.name == "label_events").columns

    def answer(assignments: str) -> None:
        with warehouse.connect(settings) as connection:
            names = ", ".join(column.name for column in columns)
            connection.execute(ANSWERS.format(columns=names, assignments=assignments))

    seconds: dict[str, float] = {"start: Python": time.monotonic() - begun}

    def timed(step: Step) -> None:
        start = time.monotonic()
        step.work()
        seconds[step.title] = time.monotonic() - start

    timed(Step("start: engine", lambda: warehouse.make_ready(settings)))
    timed(land_step(settings, Path(task["raw"])))
    steps = measurement_steps(
        settings, Dbt(settings, None, {}, None), choose=lambda dbt: choose_days(settings, dbt, None, None, {})
    )
    for step in steps:
        timed(step)
        if step.title.startswith("draw, items"):
            timed(Step("answers: judge", lambda: answer("labels.label_assignments")))
        elif step.title.startswith("audit"):
            timed(Step("answers: experts and raters", lambda: answer("labels.label_audit_assignments")))
    with warehouse.connect(settings, read_only=True) as connection:
        for name, select in {"draws": DRAWS, "figures": FIGURES}.items():
            pyarrow.parquet.write_table(connection.arrow(select), Path(task["folder"]) / f"{name}.parquet")
    return {"steps": seconds}


def measure(engine: str, raw: Path, folder: Path, memory: str) -> dict[str, Any]:
    """Seconds, peak memory and, on Spark, what the event log says of one run from `raw` in an empty `folder`."""
    folder.mkdir()
    events = folder / "events"
    events.mkdir()
    environment = {
        **os.environ,
        "PREVALENCE_TARGET": engine,
        "PREVALENCE_DUCKDB_PATH": str(folder / "prevalence.duckdb"),
        "PREVALENCE_DUCKDB_THREADS": str(CORES),
        "PREVALENCE_MEMORY_LIMIT": memory.upper() + "B",
        "PREVALENCE_SPARK_FOLDER": str(folder / "spark"),
        "PREVALENCE_SPARK_CORES": str(CORES),
        "PREVALENCE_SPARK_DRIVER_MEMORY": memory,
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DO_NOT_TRACK": "1",
        "PYSPARK_SUBMIT_ARGS": " ".join(
            [
                *("--conf spark.eventLog.enabled=true", f"--conf spark.eventLog.dir=file:{events}"),
                *("--conf spark.eventLog.rolling.enabled=false", "--conf spark.eventLog.compress=false"),
                "pyspark-shell",
            ]
        ),
    }
    task = {"raw": str(raw), "folder": str(folder)}
    command = [sys.executable, str(Path(__file__).resolve()), "--task", json.dumps(task)]
    begun = time.monotonic()
    with (folder / "output").open("w+b") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        peak = {"all": 0, "java": 0}
        try:
            while process.poll() is None:
                resident = _resident(process.pid)
                for kind, found in resident.items():
                    peak[kind] = max(peak[kind], found)
                time.sleep(SECONDS_BETWEEN_SAMPLES)
        finally:
            process.kill()
            process.wait()
        seconds = time.monotonic() - begun
        output.seek(0)
        said = output.read().decode(errors="replace")
    if process.returncode:
        raise SystemExit(f"{engine}, {raw.parent.name}: the run ended with {process.returncode}\n{said[-4000:]}")
    steps = json.loads(said.strip().splitlines()[-1])["steps"]
    return {
        "engine": engine,
        "seconds": seconds,
        "growing_seconds": sum(spent for title, spent in steps.items() if title.startswith(GROWING)),
        "peak_bytes": peak["all"],
        "peak_java_bytes": peak["java"],
        "steps": steps,
        "nodes": node_seconds(folder / "logs" / "dbt.log"),
        "spark": event_figures(next(events.iterdir())) if engine != "duckdb" else None,
    }


def _resident(process: int) -> dict[str, int]:
    """Bytes that a process and its descendants hold in memory, and those of them that Java holds."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # the name stands in brackets and may hold anything
            name, rest = (entry / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:  # it has ended since
            continue
        parents[int(entry.name)], names[int(entry.name)] = int(rest.split()[1]), name
    found, waiting = {"all": 0, "java": 0}, [process]
    while waiting:
        number = waiting.pop()
        size = _proportional_size(number)
        found["all"] += size
        found["java"] += size if names.get(number) == "java" else 0
        waiting += [child for child, parent in parents.items() if parent == number]
    return found


def _proportional_size(process: int) -> int:
    """Bytes of a process in memory, each page divided by the number of processes that share it; 0 when it has ended."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def node_seconds(log: Path) -> dict[str, float]:
    """Seconds of each model, seed and test that dbt ran, added up over its steps, from its log."""
    done = re.compile(r"(?:OK created|OK loaded|PASS) (?:sql |seed file |)(.*?) \.+ \[.*? in ([\d.]+)s\]")
    seconds: dict[str, float] = defaultdict(float)
    for name, spent in done.findall(log.read_text()):
        seconds[name] += float(spent)
    return dict(seconds)


# --- Spark's event log ------------------------------------------------------------------------------------------------


@dataclass
class Stage:
    """What the tasks of one stage said when they ended. Times in seconds, sizes in bytes."""

    query: str = ""
    name: str = ""
    results: int = 0
    shuffle_written: int = 0
    shuffle_read: int = 0
    spilled: int = 0
    peak_memory: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(self.times)

    @property
    def skew(self) -> float:
        """The longest task against the median one, where the longest takes more than a second."""
        longest = max(self.times, default=0)
        return longest / max(statistics.median(self.times), 0.001) if longest > 1 else 1.0

    def described(self) -> dict[str, Any]:
        return {
            "query": self.query,
            "stage": self.name,
            "tasks": len(self.times),
            "seconds": round(self.seconds, 3),
            "longest_task_seconds": round(max(self.times, default=0), 3),
            "longest_against_median": round(self.skew, 2),
            "result_bytes": self.results,
            "shuffle_written_bytes": self.shuffle_written,
            "shuffle_read_bytes": self.shuffle_read,
            "spilled_bytes": self.spilled,
            "peak_task_memory_bytes": self.peak_memory,
        }


def read_stages(log: Path) -> list[Stage]:
    """The stages that ran; failed attempts of tasks count, since they cost what they cost."""
    queries: dict[str, str] = {}
    stage_queries: dict[int, str] = {}
    stages: dict[int, Stage] = defaultdict(Stage)
    for event in _events(log):
        kind = event["Event"].rsplit(".", 1)[-1]
        if kind == "SparkListenerSQLExecutionStart":
            # a statement that writes runs its query as one of its own, below it
            root = queries.get(str(event["rootExecutionId"]))
            queries[str(event["executionId"])] = root or _written(
                event["physicalPlanDescription"], event["description"]
            )
        elif kind == "SparkListenerJobStart":
            execution = (event.get("Properties") or {}).get("spark.sql.execution.id", "")
            for stage in event["Stage IDs"]:
                stage_queries.setdefault(stage, queries.get(execution, "no query"))
        elif kind == "SparkListenerStageCompleted":
            stages[event["Stage Info"]["Stage ID"]].name = event["Stage Info"]["Stage Name"]
        elif kind == "SparkListenerTaskEnd":
            stage, metrics = stages[event["Stage ID"]], event.get("Task Metrics")
            if not metrics:
                continue
            read = metrics["Shuffle Read Metrics"]
            stage.results += metrics["Result Size"]
            stage.shuffle_written += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
            stage.shuffle_read += read["Local Bytes Read"] + read["Remote Bytes Read"]
            stage.spilled += metrics["Disk Bytes Spilled"]
            stage.peak_memory = max(stage.peak_memory, metrics["Peak Execution Memory"])
            stage.times.append(metrics["Executor Run Time"] / 1000)
    for number, stage in stages.items():
        stage.query = stage_queries.get(number, "no query")
    return list(stages.values())


def _events(log: Path) -> Iterator[dict[str, Any]]:
    with log.open() as lines:
        for line in lines:
            # plans are rewritten as they run, at a length that would take longest to read
            if not line.startswith('{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLAdaptive'):
                yield json.loads(line)


def _written(plan: str, description: str) -> str:
    """The table that the query of this physical plan writes to, or those that it reads, or what Spark calls it."""
    writes = re.search(
        r"^\(\d+\) Execute (?:InsertInto|CreateDataSourceTableAs).*?`(\w+)`\.`(\w+)`[,\]]",
        plan,
        re.DOTALL | re.MULTILINE,
    )
    if writes:
        return ".".join(writes.groups())
    read = sorted(set(re.findall(r"Scan parquet spark_catalog\.([\w.]+)", plan)))
    return "reads " + ", ".join(read) if read else " ".join(description.split())[:80]


def event_figures(log: Path) -> dict[str, Any]:
    stages = read_stages(log)

    def first(key: Callable[[Stage], float]) -> list[dict[str, Any]]:
        return [stage.described() for stage in sorted(stages, key=key, reverse=True)[:SHOWN_STAGES] if key(stage)]

    return {
        "stages": len(stages),
        "tasks": sum(len(stage.times) for stage in stages),
        "task_seconds": sum(stage.seconds for stage in stages),
        "shuffle_written_bytes": sum(stage.shuffle_written for stage in stages),
        "spilled_bytes": sum(stage.spilled for stage in stages),
        "peak_task_memory_bytes": max((stage.peak_memory for stage in stages), default=0),
        "largest_result_bytes": max((stage.results for stage in stages), default=0),
        "largest_results": first(lambda stage: stage.results),
        "longest": first(lambda stage: stage.seconds),
        "most_shuffled": first(lambda stage: stage.shuffle_written),
        "most_spilled": first(lambda stage: stage.spilled),
        "most_skewed": first(lambda stage: stage.skew - 1 if stage.skew > 2 else 0),
    }


# --- both engines beside each other -----------------------------------------------------------------------------------


def differences(folders: dict[str, Path]) -> list[str]:
    """Draws that are not the same to the last bit, and figures that differ by more than sums of doubles may."""
    (left, first), *others = folders.items()
    found = []
    with duckdb.connect() as connection:
        for right, second in others:
            ours, theirs = (f"select * from '{folder}/draws.parquet'" for folder in (first, second))
            (count,) = connection.execute(
                f"select count(*) from (({ours} except all {theirs}) union all ({theirs} except all {ours}))"
            ).fetchone()
            if count:
                found.append(f"{count} rows of the draws differ between {left} and {right}")
            keys = "plan_id, policy_id, pivot_name, pivot_value, period_type, estimator"
            values = ("prevalence", "interval_lower", "interval_upper")
            differs = " or ".join(
                f"l.{name} is distinct from r.{name} and not coalesce("
                f"abs(l.{name} - r.{name}) <= 1e-9 * greatest(abs(l.{name}), abs(r.{name})), false)"
                for name in values
            )
            (count, rows) = connection.execute(
                f"select count_if(l.plan_id is null or r.plan_id is null or {differs}), count(*)"
                f" from '{first}/figures.parquet' l full join '{second}/figures.parquet' r using ({keys})"
            ).fetchone()
            if count or not rows:
                found.append(f"{count} of {rows} published figures differ between {left} and {right}")
    return found


def line_of_best_fit(sizes: list[float], seconds: list[float]) -> dict[str, float]:
    """By least squares: seconds per million components, and those of a run of no size."""
    if len(sizes) < 2:
        return {}
    slope, start = statistics.linear_regression(sizes, seconds)
    return {"seconds_per_million": slope, "seconds_at_zero": start}


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """By engine: slopes, and the cost per component at the largest size against that at the one before it."""
    found: dict[str, Any] = {}
    for engine in dict.fromkeys(run["engine"] for run in runs):
        own = sorted((run for run in runs if run["engine"] == engine), key=lambda run: run["millions"])
        sizes = [run["millions"] for run in own]
        figures: dict[str, Any] = {}
        for name in ("seconds", "growing_seconds"):
            spent = [run[name] for run in own]
            figures[name] = line_of_best_fit(sizes, spent)
            if len(own) > 1:
                costs = [cost / size for cost, size in zip(spent, sizes, strict=True)]
                figures[name]["cost_against_smaller"] = costs[-1] / costs[-2]
                figures[name]["slope_between_last"] = (spent[-1] - spent[-2]) / (sizes[-1] - sizes[-2])
        titles = own[-1]["steps"]
        figures["steps"] = {title: line_of_best_fit(sizes, [run["steps"][title] for run in own]) for title in titles}
        found[engine] = figures
    return found


def print_report(report: dict[str, Any]) -> None:
    runs, summaries = report["runs"], report["summary"]
    columns = ["engine", "components", "run s", "growing s", "growing s per million", "peak GiB"]
    print(f"| {' | '.join(columns)} | shuffled B per component | spilled MiB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for run in runs:
        spark = run["spark"]
        shuffled = f"{spark['shuffle_written_bytes'] / run['millions'] / 1e6:,.0f}" if spark else ""
        spilled = f"{spark['spilled_bytes'] / 2**20:,.0f}" if spark else ""
        print(
            f"| {run['engine']} | {run['components']:,} | {run['seconds']:,.0f} | {run['growing_seconds']:,.0f}"
            f" | {run['growing_seconds'] / run['millions']:.1f} | {run['peak_bytes'] / 2**30:.2f}"
            f" | {shuffled} | {spilled} |"
        )
    columns = [(run["engine"], run["size"]) for run in runs]
    print("\n| step, s | " + " | ".join(f"{engine} {size:g} M" for engine, size in columns) + " |")
    print("|---|" + "---:|" * len(columns))
    for title in runs[-1]["steps"]:
        cells = " | ".join(f"{run['steps'].get(title, 0):.1f}" for run in runs)
        print(f"| {title}{' (grows)' if title.startswith(GROWING) else ''} | {cells} |")
    print()
    for engine, figures in summaries.items():
        for name, text in {"growing_seconds": "steps that grow", "seconds": "whole run"}.items():
            fit = figures[name]
            if fit:
                print(
                    f"{engine}, {text}: {fit['seconds_per_million']:.2f} s per million components and "
                    f"{fit['seconds_at_zero']:.0f} s; cost per component at the largest size "
                    f"{fit['cost_against_smaller']:.2f} times that at the one before"
                )
    spark = [run["spark"] for run in runs if run["spark"]]
    if spark:
        largest = max(spark, key=lambda figures: figures["largest_result_bytes"])["largest_results"][0]
        print(
            f"largest result of a stage to the driver: {largest['result_bytes'] / 2**20:.2f} MiB "
            f"({largest['tasks']} tasks, {largest['query']})"
        )
        growth = summaries["session"]["growing_seconds"].get("cost_against_smaller")
        if growth:
            print(f"Spark's cost per component grows by at most {MOST_GROWTH - 1:.0%}: {growth <= MOST_GROWTH}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 5, 25], help="millions of components")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--memory", default="6g", help="of DuckDB, and of Spark's Java process; default: 6g")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--keep", type=Path, help="keep logs, warehouses and event logs in this folder")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    return parser


def main() -> None:
    options = _parser().parse_args()
    if options.task:
        print(json.dumps(_run(json.loads(options.task))))
        return
    folder = options.keep.resolve() if options.keep else Path(tempfile.mkdtemp(prefix="engines_"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        report, faults = _measure_all(options, folder)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print_report(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    if faults:
        raise SystemExit("\n".join(faults))


def _measure_all(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], list[str]]:
    runs, logs, faults = [], [], []
    for size in sorted(options.sizes):
        place = folder / f"{size:g}"
        raw = place / "raw"
        shutil.rmtree(place, ignore_errors=True)
        written = write_logs(raw, round(size * 1_000_000))
        logs.append({"size": size, **written})
        print(f"{size:g} million: logs in {written['seconds']:.0f} s, {written['bytes'] / 2**20:,.0f} MiB", flush=True)
        for engine in options.engines:
            run = measure(engine, raw, place / engine, options.memory)
            components = written["rows"]["components"]
            runs.append({"size": size, "components": components, "millions": components / 1e6, **run})
            print(f"{size:g} million on {engine}: {run['seconds']:.0f} s", flush=True)
            if run["spark"] and run["spark"]["largest_result_bytes"] > MOST_RESULT_BYTES:
                worst = run["spark"]["largest_results"][0]
                sent = f"{worst['result_bytes']:,} bytes to the driver"
                faults.append(f"{size:g} million: a stage of {worst['query']} sent {sent}")
        faults += [
            f"{size:g} million: {text}" for text in differences({engine: place / engine for engine in options.engines})
        ]
        if not options.keep:
            shutil.rmtree(place)
    settings = {"cores": CORES, "memory": options.memory, "day": DAY}
    return {"settings": settings, "logs": logs, "runs": runs, "summary": summary(runs), "faults": faults}, faults


if __name__ == "__main__":
    main()
