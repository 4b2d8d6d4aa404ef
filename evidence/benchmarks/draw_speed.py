"""Time the way from a day of logs to a draw, beside a script written by hand, and a further day on 10 and on 100 stored days.

    python evidence/benchmarks/draw_speed.py --millions 1 5 20 --json draw_speed.json
    python evidence/benchmarks/draw_speed.py --millions 100 --memory 5GB --script-memory 19GB
    python evidence/benchmarks/draw_speed.py --days 10 100 --repeats 5

First part: raw logs of one day with so many million component rows are written as Parquet, by plain SQL from counters
and hashes (duplicates and late rows included), with two policies, scores of all contents and two plans. Then, each in a
process of its own with an empty database file, two DuckDB threads and --memory:

- the project: `dbt run` of every model up to draw_units and of the units' layer, dbt's own start and parsing included;
- the script below (SCRIPT): the shortest that we could write that gives the same rows of the same tables. It knows that
  there is one day, no learned rates and these two plans, and skips all that the project does for others: quarantine by
  reason, histograms in place of sorts, totals, Spark.

Both must have the same rows, to the last bit, in every table of COMPARED, or the run fails. Memory is the largest
resident set of the process.

Second part: so many small days are stored (dbt run over all of them), then one day more is landed and run, in a copy of that
warehouse, in turns between the sizes. The catalogue of contents and scores is the same: what grows is the number of days.
A ratio is of medians. Processor time of a process is given beside its seconds, because a machine that does other things changes
the one less than the other. Exit code 1 when tables differ; a missed target of time does not fail, as machines differ.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from engines import COMPONENTS, FILE_ROWS, INTERACTIONS

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 10, 5)
THREADS = 2
POLICIES = ("harassment", "self_harm")
MOST_RATIO = 1.5
MOST_GIB = 6
MOST_GROWTH = 1.15
# the models that are timed: what a draw needs, and units that no draw of these plans needs
SELECTED = ("+draw_units", "path:models/units")
LAYERS = ("staging", "quality", "units", "frames", "draws")

RISK_SCORES = """
    select
        case least(number % 5, 2) when 0 then 'q' when 1 then 'r' else 'm' end || number as content_id,
        ['harassment', 'self_harm'][1 + cast(policy_number as integer)] as policy_id,
        'scorer_1' as model_version,
        round(pow(hash(number * 19 + policy_number) / 18446744073709551616.0, 8), 6) as score,
        timestamp '2026-09-01 00:00:00' as scored_at
    from range({first}, {last}) as numbers (number), range(2) as policies (policy_number)
    where hash(number * 23) % 5 > 0
"""
POLICY_ROWS = "select unnest(['harassment', 'self_harm']) as policy_id, '1.0.0' as policy_version, 'A policy' as title"
PLAN_ROWS = """
    select 'content_days' as plan_id, 'content_day' as unit_type, 'poisson' as design, 5000::bigint as expected_units,
        0.5::double as defence_share, 500::bigint as audit_units, 0.05::double as audit_floor
    union all
    select 'interactions', 'interaction', 'pareto', 2000, 0.5, 300, 0.05
"""

# Probabilities proportional to sizes in whole 10^-15 shares. Certainties are among the n largest: no other can be one.
FRAME = """
    create table {frame} as
    with sized as materialized (
        select unit_id, unit_date, unit_key, exposure, is_score_imputed, cast(round(1e15 * (
            0.5::double * exposure::double / all_exposure + 0.5::double * (risk_size::double / all_risk)
        )) as bigint) as size_measure
        from {sizes}, (select sum(exposure)::double as all_exposure, sum(risk_size)::double as all_risk from {sizes})
    ),
    largest as (select size_measure from sized order by size_measure desc limit {n}),
    ranked as (
        select size_measure, row_number() over falling as place,
            (select sum(size_measure) from sized) - sum(size_measure) over falling + size_measure as left_with_it
        from largest window falling as (order by size_measure desc rows unbounded preceding)
    ),
    certain as (
        select coalesce(max(place), 0) as units, min(size_measure) as from_size,
            (select sum(size_measure) from sized) - coalesce(sum(size_measure), 0) as left_over
        from ranked where ({n} - place + 1)::double * size_measure::double >= left_with_it::double
    )
    select '{plan}' as plan_id, unit_id, unit_date, unit_key, '{design}' as design, {n}::bigint as expected_units,
        exposure, size_measure,
        case when size_measure >= from_size then 1::double
            else ({n} - units)::double * size_measure::double / left_over::double end as inclusion_probability,
        coalesce(size_measure >= from_size, false) as is_certainty, false as is_score_learned, is_score_imputed
    from sized, certain
"""
RANDOM = (
    "(('0x' || substr(md5('prevalence:draw:' || plan_id || '|' || unit_id), 1, 13))::bigint / 4503599627370496::double)"
)
RISK = "round(least(score_millionths::double * 1000000000000 / (mean_score_millionths * mean_score_millionths), 1e18))::bigint"
# What the project gives, for one day, these plans and no learned rates. {folder}: the raw files.
SCRIPT = [
    (
        "staging",
        """
        create table stg_interactions as
        select *, occurred_at::date as unit_date, received_at > occurred_at::date + interval 48 hour as is_late
        from '{folder}/interactions/*.parquet'
        qualify row_number() over (partition by interaction_id order by occurred_at, received_at) = 1;
        create table stg_components as
        select c.* replace (coalesce(c.was_viewed, true) as was_viewed), i.occurred_at, i.unit_date, i.is_late
        from '{folder}/components/*.parquet' as c inner join stg_interactions as i using (interaction_id)
        qualify row_number() over (
            partition by interaction_id, position
            order by content_id, component_type, was_viewed desc, text, uri, media_hash
        ) = 1
        """,
    ),
    (
        "units",
        """
        create table unit_content_days as
        select content_id || '|' || unit_date as unit_id, unit_date, content_id, min(component_type) as component_type,
            count(*) as views
        from stg_components where was_viewed group by content_id, unit_date;
        create table unit_interactions as
        select interaction_id as unit_id, unit_date, interaction_id, surface, coalesce(country, 'unknown') as country,
            user_id, session_id, coalesce(components, 0) as components, coalesce(views, 0) as views
        from stg_interactions left join (
            select interaction_id, count(*) as components, count_if(was_viewed)::bigint as views
            from stg_components group by interaction_id
        ) using (interaction_id);
        create table unit_sessions as
        select session_id || '|' || unit_date as unit_id, unit_date, session_id, count(*) as interactions,
            sum(views)::bigint as views
        from unit_interactions where session_id is not null group by session_id, unit_date;
        create table unit_user_days as
        select user_id || '|' || unit_date as unit_id, unit_date, user_id, count(*) as interactions,
            sum(views)::bigint as views
        from unit_interactions where user_id is not null group by user_id, unit_date
        """,
    ),
    (
        "frames",
        f"""
        create temp table scores as
        with known as materialized (
            select d.unit_id, d.content_id, p.policy_id, d.views, round(s.score * 1000000)::bigint as score_millionths
            from unit_content_days as d cross join (select unnest(['{POLICIES[0]}', '{POLICIES[1]}']) as policy_id) as p
            left join '{{folder}}/risk_scores/*.parquet' as s
                on d.content_id = s.content_id and p.policy_id = s.policy_id and s.scored_at < d.unit_date + interval 1 day
        ),
        means as (
            select policy_id, sum(views * score_millionths)::double
                / sum(case when score_millionths is not null then views end)::double as mean_score_millionths
            from known group by policy_id
        )
        select unit_id, content_id, policy_id, coalesce(score_millionths, round(mean_score_millionths)::bigint)
            as score_millionths, mean_score_millionths, score_millionths is null as is_score_imputed
        from known inner join means using (policy_id);
        create temp table content_sizes as
        select unit_id, unit_date, content_id as unit_key, views as exposure, is_score_imputed,
            round(views * sqrt(risk::double))::bigint as risk_size
        from unit_content_days inner join (
            select unit_id, bool_or(is_score_imputed) as is_score_imputed, sum({RISK})::bigint as risk
            from scores group by unit_id
        ) using (unit_id);
        create temp table interaction_sizes as
        select unit_id, unit_date, unit_id as unit_key, 1::bigint as exposure,
            coalesce(is_score_imputed, true) as is_score_imputed,
            round(sqrt(coalesce(risk, 0)::double))::bigint as risk_size
        from unit_interactions left join (
            select interaction_id, bool_or(is_score_imputed) as is_score_imputed, sum({RISK})::bigint as risk
            from (
                select interaction_id, policy_id, max(score_millionths) as score_millionths,
                    max(mean_score_millionths) as mean_score_millionths, bool_or(is_score_imputed) as is_score_imputed
                from stg_components inner join scores using (content_id) where was_viewed
                group by interaction_id, policy_id
            ) group by interaction_id
        ) using (interaction_id);
        {FRAME.format(frame="frame_content_days", sizes="content_sizes", n=5000, plan="content_days", design="poisson")};
        {FRAME.format(frame="frame_interactions", sizes="interaction_sizes", n=2000, plan="interactions", design="pareto")};
        create view frame_units as
        select *, 'content_day' as unit_type from frame_content_days
        union all
        select *, 'interaction' as unit_type from frame_interactions
        """,
    ),
    (
        "draws",
        f"""
        create table draw_units as
        select plan_id, unit_id, 'content_day' as unit_type, unit_key, unit_date as sample_date, design, exposure,
            inclusion_probability, 1 / inclusion_probability as design_weight, is_certainty, random_number
        from (select *, {RANDOM} as random_number from frame_content_days)
        where random_number < inclusion_probability or is_certainty
        union all
        select plan_id, unit_id, 'interaction', unit_key, unit_date, design, exposure, inclusion_probability,
            1 / inclusion_probability, is_certainty, random_number
        from (
            select *, {RANDOM} as random_number from frame_interactions
            order by not is_certainty, (random_number / (1 - random_number))
                * ((1 - inclusion_probability) / inclusion_probability), unit_id
            limit 2000
        )
        """,
    ),
]
# schema of the project's table, name, columns left out of the script (what the draw keeps of its frame is the project's)
COMPARED = (
    ("units", "unit_content_days"),
    ("units", "unit_interactions"),
    ("units", "unit_sessions"),
    ("units", "unit_user_days"),
    ("frames", "frame_units"),
    ("draws", "draw_units"),
)


def write_logs(folder: Path, components: int, day: date, contents: int, users: int) -> None:
    """Raw tables of one day, in files of --millions; ids of interactions begin with the day."""
    interactions = components // 5
    with duckdb.connect(config={"threads": THREADS, "preserve_insertion_order": False}) as connection:
        for name, text, rows in (("interactions", INTERACTIONS, interactions), ("components", COMPONENTS, components)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            files = -(-rows // FILE_ROWS)
            for file in range(files):
                select = text.format(
                    day=day,
                    users=users,
                    contents=contents,
                    first=interactions * file // files,
                    last=interactions * (file + 1) // files,
                )
                # a hash in front of the id: as ids of requests are, they come in no order
                select = f"select * replace (md5('{day}' || interaction_id)[:16] || interaction_id as interaction_id) from ({select})"
                path = folder / name / f"{day}_{file:03}.parquet"
                connection.execute(f"copy ({select}) to '{path}' (format parquet)")


def write_catalogue(folder: Path, contents: int) -> None:
    with duckdb.connect(config={"threads": THREADS, "preserve_insertion_order": False}) as connection:
        (folder / "risk_scores").mkdir(parents=True, exist_ok=True)
        files = -(-contents // 1_000_000)
        for file in range(files):
            select = RISK_SCORES.format(first=contents * file // files, last=contents * (file + 1) // files)
            connection.execute(f"copy ({select}) to '{folder}/risk_scores/{file:03}.parquet' (format parquet)")
        connection.execute(f"copy ({POLICY_ROWS}) to '{folder}/policies.parquet' (format parquet)")
        connection.execute(f"copy ({PLAN_ROWS}) to '{folder}/sampling_plans.parquet' (format parquet)")


# --- in a process of its own ------------------------------------------------------------------------------------------


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _project(task: dict[str, Any]) -> dict[str, Any]:
    """Land and seed, untimed; then the timed dbt run. Seconds of each model and of the whole."""
    sys.path.insert(0, str(ROOT))
    from prevalence.engines.dbt import Dbt, Window
    from prevalence.engines.landing import land
    from prevalence.engines.settings import Settings

    settings = Settings.from_environment()
    settings.enter()
    window = Window(*(date.fromisoformat(text) for text in task["window"]))
    measured = Window(*(date.fromisoformat(text) for text in task["measured"]))
    # dbt gives each model one of its threads; here one model after the other has both of DuckDB's
    dbt = Dbt(settings, measured, {}, 1).within(window)
    land(settings, Path(task["folder"]))
    dbt.seed()
    begun, used = time.monotonic(), _cpu_seconds()
    results = dbt._invoke(["run", "--select", *SELECTED, *dbt._event_time()]).results
    seconds, cpu = time.monotonic() - begun, _cpu_seconds() - used
    models = {result.node.name: (result.node.schema, result.execution_time) for result in results}
    return {"seconds": seconds, "cpu": cpu, "models": models, "peak_gib": _peak_gib()}


def _script(task: dict[str, Any]) -> dict[str, Any]:
    layers = {}
    used = _cpu_seconds()
    config = {
        "threads": THREADS,
        "memory_limit": os.environ["PREVALENCE_MEMORY_LIMIT"],
        "preserve_insertion_order": False,
    }
    with duckdb.connect(task["database"], config=config) as connection:
        for layer, text in SCRIPT:
            begun = time.monotonic()
            connection.execute(text.format(folder=task["folder"]))
            layers[layer] = time.monotonic() - begun
        connection.execute("checkpoint")
    return {"seconds": sum(layers.values()), "cpu": _cpu_seconds() - used, "layers": layers, "peak_gib": _peak_gib()}


def in_process(work: str, task: dict[str, Any], database: Path, scratch: Path, memory: str) -> dict[str, Any]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PREVALENCE_DUCKDB_PATH": str(database),
        "PREVALENCE_DUCKDB_THREADS": str(THREADS),
        "PREVALENCE_MEMORY_LIMIT": memory,
        "DBT_TARGET_PATH": str(scratch / "target"),
        "DBT_LOG_PATH": str(scratch / "logs"),
    }
    done = subprocess.run(
        [sys.executable, __file__, "--work", work, "--task", json.dumps(task)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{work} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# --- first part -------------------------------------------------------------------------------------------------------


def layer_of(schema: str, model: str) -> str:
    return "draws" if model.startswith("draw_") else schema


def differences(project: Path, script: Path) -> list[str]:
    found = []
    with duckdb.connect(config={"threads": THREADS}) as connection:
        connection.execute(f"attach '{project}' as project (read_only)")
        connection.execute(f"attach '{script}' as script (read_only)")
        for schema, name in COMPARED:
            columns = [
                column
                for (column,) in connection.execute(
                    "select column_name from duckdb_columns() where database_name = 'script' and table_name = ?", [name]
                ).fetchall()
            ]
            # sums of hashes over rows of every column: the rows are the same in whatever order
            sums = [
                connection.execute(
                    f"select count(*), sum(hash({', '.join(columns)})::hugeint) from {relation}"
                ).fetchone()
                for relation in (f"project.{schema}.{name}", f"script.{name}")
            ]
            if sums[0] != sums[1]:
                found.append(f"{name}: {sums[0]} in the project and {sums[1]} in the script")
    return found


def first_part(millions: list[float], memory: str, script_memory: str, folder: Path) -> list[dict[str, Any]]:
    rows = []
    for number in millions:
        place = folder / f"day_{number:g}"
        components = int(number * 1_000_000)
        contents = max(components // 10 // 5 * 5, 100)
        write_logs(place / "raw", components, DAY, contents, users=max(components // 50, 10))
        write_catalogue(place / "raw", contents)
        task = {
            "folder": str(place / "raw"),
            "window": [str(DAY), str(DAY + timedelta(days=1))],
            "measured": [str(DAY), str(DAY + timedelta(days=1))],
            "database": str(place / "script.duckdb"),
        }
        project = in_process("project", task, place / "project.duckdb", place, memory)
        print(f"project: {project}", file=sys.stderr, flush=True)
        script = in_process("script", task, place / "unused.duckdb", place, script_memory)
        print(f"script: {script}", file=sys.stderr, flush=True)
        layers = dict.fromkeys(LAYERS, 0.0)
        for model, (schema, seconds) in project["models"].items():
            layers[layer_of(schema, model)] += seconds
        row = {
            "millions": number,
            "project": project["seconds"],
            "script": script["seconds"],
            "ratio": project["seconds"] / script["seconds"],
            "project_cpu": project["cpu"],
            "script_cpu": script["cpu"],
            "project_gib": project["peak_gib"],
            "script_gib": script["peak_gib"],
            "project_layers": layers,
            "script_layers": script["layers"],
            "models": dict(sorted(((m, s) for m, (_, s) in project["models"].items()), key=lambda kept: -kept[1])),
            "differences": differences(place / "project.duckdb", place / "script.duckdb"),
        }
        rows.append(row)
        print(
            f"{number:g} million components: project {row['project']:.1f} s and {row['project_gib']:.2f} GiB, script "
            f"{row['script']:.1f} s and {row['script_gib']:.2f} GiB, ratio {row['ratio']:.2f} (target {MOST_RATIO}, "
            f"{MOST_GIB} GiB); processor time {row['project_cpu']:.1f} s and {row['script_cpu']:.1f} s, ratio "
            f"{row['project_cpu'] / row['script_cpu']:.2f}",
            flush=True,
        )
        for layer in LAYERS:
            print(f"  {layer}: project {layers[layer]:.1f} s, script {script['layers'].get(layer, 0.0):.1f} s")
        print(
            "  models: " + ", ".join(f"{model} {seconds:.1f} s" for model, seconds in list(row["models"].items())[:12])
        )
        for difference in row["differences"]:
            print(f"  DIFFERS {difference}")
        shutil.rmtree(place)
    return rows


# --- second part ------------------------------------------------------------------------------------------------------


def second_part(days: list[int], repeats: int, components: int, memory: str, folder: Path) -> dict[str, Any]:
    contents = max(components // 5 // 5 * 5, 100)
    for number in days:
        place = folder / f"days_{number}"
        write_catalogue(place / "raw", contents)
        for offset in range(number):
            write_logs(place / "raw", components, DAY + timedelta(days=offset), contents, users=components // 50)
        end = DAY + timedelta(days=number)
        # one more day is part of the measured period from the start: dbt would parse the project again for other vars
        task = {
            "folder": str(place / "raw"),
            "window": [str(DAY), str(end)],
            "measured": [str(DAY), str(end + timedelta(days=1))],
        }
        stored = in_process("project", task, place / "stored.duckdb", place, memory)
        write_logs(place / "raw", components, end, contents, users=components // 50)
        print(f"{number} days of {components:,} components stored in {stored['seconds']:.0f} s", flush=True)
    runs: dict[int, list[dict[str, Any]]] = {number: [] for number in days}
    for _ in range(repeats):
        for number in days:
            place = folder / f"days_{number}"
            end = DAY + timedelta(days=number)
            shutil.copy(place / "stored.duckdb", place / "further.duckdb")
            task = {
                "folder": str(place / "raw"),
                "window": [str(end), str(end + timedelta(days=1))],
                "measured": [str(DAY), str(end + timedelta(days=1))],
            }
            runs[number].append(in_process("project", task, place / "further.duckdb", place, memory))
    medians = {number: statistics.median(run["seconds"] for run in runs[number]) for number in days}
    cpu = {number: statistics.median(run["cpu"] for run in runs[number]) for number in days}
    in_models = {
        number: statistics.median(sum(seconds for _, seconds in run["models"].values()) for run in runs[number])
        for number in days
    }
    models = {
        model: [statistics.median(run["models"][model][1] for run in runs[number]) for number in days]
        for model in runs[days[0]][0]["models"]
    }
    first, last = days[0], days[-1]
    for name, figures in (("run", medians), ("processor time", cpu), ("models", in_models)):
        print(
            f"a further day, {name}: "
            + ", ".join(f"{figures[number]:.2f} s on {number} days" for number in days)
            + f"; ratio {figures[last] / figures[first]:.3f} (target {MOST_GROWTH})"
        )
    for model, seconds in sorted(models.items(), key=lambda kept: kept[1][0] - kept[1][-1])[:12]:
        print(f"  {model}: " + ", ".join(f"{second:.3f}" for second in seconds))
    return {"days": days, "medians": medians, "cpu": cpu, "in_models": in_models, "models": models}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, nargs="*", default=[], help="component rows of the day, in millions")
    parser.add_argument("--days", type=int, nargs="*", default=[], help="stored days before the further one")
    parser.add_argument("--components", type=int, default=50_000, help="components of a small day")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory_limit; the process needs more than that")
    parser.add_argument(
        "--script-memory", help="the same for the script, which cannot do 100 million in 12 GB; default: --memory"
    )
    parser.add_argument("--scratch", type=Path, help="where the logs and warehouses go; default: a temporary folder")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--work", choices=["project", "script"], help=argparse.SUPPRESS)
    parser.add_argument("--task", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        print(json.dumps({"project": _project, "script": _script}[options.work](options.task)))
        return 0
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        found = {
            "draw": first_part(
                options.millions, options.memory, options.script_memory or options.memory, Path(scratch)
            ),
            "further_day": options.days
            and second_part(sorted(options.days), options.repeats, options.components, options.memory, Path(scratch)),
        }
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(any(row["differences"] for row in found["draw"]))


if __name__ == "__main__":
    sys.exit(main())
