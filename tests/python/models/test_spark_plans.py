"""No step of a model brings together what grows with the logs, and its rows on Spark are those of DuckDB, to the bit.

Every model that reads logs, units or frames is run on both engines, from what dbt compiles for either, on the same raw
tables: two days of them, with the faults that staging knows. The query that Spark ran is then searched for places where
more rows come together than a plan draws (spark_plans). Needs the extra `spark` and Java 17, and skips without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import yaml
from conftest import in_test_all

from prevalence.engines.contract import DUCKDB_TYPES, raw_tables, read_back_tables
from prevalence.engines.settings import PROJECT
from prevalence.engines.spark import java

REASON = java.missing()
pytestmark = [pytest.mark.slow, in_test_all, pytest.mark.skipif(REASON is not None, reason=REASON or "")]
if REASON is None:
    import spark_plans
    from test_demo_world import invoke
    from test_sampling_on_spark import differences, run_on_spark, spark, write_tables  # noqa: F401  (a fixture)

PERIOD = {"period_start_date": "2026-10-05", "period_end_date": "2026-10-07"}
INTERACTIONS, CONTENTS, USERS = 44_000, 90_000, 40_000
POLICIES = ("hate", "scams", "spam")
# groups, histograms, drawn units and their components: what may come together, whatever the size of the logs; below the
# units that each plan has on each day, and the rows of each log
MOST_ROWS = 15_500

# Tables of the input contract that do not grow with the logs, and why.
BOUNDED_SOURCES = {
    "policies": "a row per policy",
    "sampling_plans": "a row per plan",
    "label_events": "answers about drawn units",
    "gold_labels": "items that people have agreed on",
}
# Models that read what grows and do not grow themselves. They are looked at here like all that read logs, units and
# frames. What reads only these (draw_audits, fct_unit_labels, est_*, the profiles of labels and estimates) is not: its
# windows and sums over the drawn units of a plan's day may bring that day together, as it is as large as the plan.
BOUNDED_MODELS = {
    "draw_units": "the units that a plan draws",
    "draw_unit_exposures": "drawn units by the values of a few pivots",
    "draw_unit_scores": "drawn units by policy",
    "draw_user_days": "drawn user-days",
    "draw_user_day_interactions": "interactions of drawn user-days",
    "draw_user_day_components": "components of these",
    "label_units": "drawn units, and interactions of drawn user-days",
    "label_items": "a row per drawn unit",
    "frame_totals": "a row per plan and day",
    "frame_strata": "a row per plan, day and stratum",
    "frame_profiles": "a row per plan and day",
    "log_row_counts": "a row per source, day and reason",
    "log_source_profiles": "a row per source",
    "day_profiles": "a row per source and day",
    "quarantined_log_rows": "rows with a fault, of which the gates let pass one in ten at most",
}

# Heavy tails in views and scores, a content in twenty without a score, a third scored by two models, unviewed
# components. Copies, late rows, rows without an id, of another day and of no interaction are among them.
RAW = {
    "users": f"""
        select 'u' || i as user_id, case when i % 997 > 0 then 'DE' end as country,
            timestamp '2026-01-01 00:00:00' as signed_up_at, null as age_band
        from range({USERS}) as r (i), range(case when i % 500 = 0 then 2 else 1 end) as c (copy)""",
    "interactions": f"""
        select case when i % 991 > 0 then 'i' || i end as interaction_id, 'search' as surface,
            timestamp '2026-10-05 00:00:00'
                + to_seconds(cast((i % 2 + case when i % 701 = 0 then 5 else 0 end) * 86400 + i as bigint))
                as occurred_at,
            case when i % 10 > 0 then 'u' || i % {USERS} end as user_id, 's' || i // 2 as session_id,
            case when i % 3 > 0 then 'DE' end as country,
            occurred_at + to_hours(case when i % 300 = 0 then 60 else 0 end) as received_at, null as client_stream_id,
            null as client_sequence, null as app_version, null as experiment_id, null as experiment_arm
        from range({INTERACTIONS}) as r (i), range(case when i % 500 = 0 then 2 else 1 end) as c (copy)""",
    "components": f"""
        select 'i' || i as interaction_id, position,
            case when (i + position) % 983 > 0 then 'image' end as component_type,
            'c' || cast(floor({CONTENTS} * pow(hash(i * 3 + position) / 18446744073709551616.0, 2.5)) as bigint)
                as content_id,
            'text ' || i as text, null as uri, null as media_hash, hash(i) % 7 > 0 as was_viewed
        from range({INTERACTIONS} + 50) as r (i), range(2) as p (position),
            range(case when i % 500 = 0 then 2 else 1 end) as c (copy)""",
    "risk_scores": f"""
        select 'c' || i as content_id, policy_id, 'v' || version as model_version,
            case when i % 977 > 0 then round(pow(hash(i * 5 + version) / 18446744073709551616.0, 8), 9) end as score,
            timestamp '2026-10-04 12:00:00' + to_hours(cast(version * 24 as integer)) as scored_at
        from range({CONTENTS}) as r (i), range(case when i % 3 = 0 then 2 else 1 end) as v (version),
            (select unnest({list(POLICIES)}) as policy_id)
        where hash(i) % 20 > 0""",
    "policies": f"select unnest({list(POLICIES)}) as policy_id, '1.0.0' as policy_version, 'title' as title",
    "logged_draws": f"""
        select 'logged' as plan_id, 'i' || i as interaction_id, 0.01 as inclusion_probability
        from range({INTERACTIONS}) as r (i) where i % 200 = 7""",
}
# Rates that are in force on the second day, so that the first is drawn cold.
READ_BACK = {
    "learned_rates": f"""
        select 1 as set_number, date '2026-10-06' as effective_date, unit_type, policy_id, bin_number,
            (bin_number - 1) * 250000 as score_from_millionths,
            bin_number * 250000 - case when bin_number < 4 then 1 else 0 end as score_until_millionths,
            50 as labels, bin_number as positives, 1000000 * bin_number * bin_number as violation_rate_billionths,
            100000 as std_error_billionths, 2000000 as overall_rate_billionths, 40000000 as mean_root_rate_billionths,
            1.0 as score_power, date '2026-09-28' as learned_from, date '2026-10-04' as learned_until
        from (select unnest(['content_day', 'interaction']) as unit_type),
            (select unnest({list(POLICIES)}) as policy_id), range(1, 5) as b (bin_number)""",
}
# The seed of plans, which stands in for landed ones; `user_days` has caps that bind. Policies are landed.
SEEDS = {
    "policies": """
        select cast(null as varchar) as policy_id, cast(null as varchar) as policy_version,
            cast(null as varchar) as title, cast(null as double) as importance
        where false""",
    "sampling_plans": f"""
        select *
        from (values
            ('views', 'content_day', 'poisson', 400, null, null, null, 0.5, null, null, null),
            ('fixed', 'content_day', 'pareto', 400, null, null, null, 0.2, 0.5, null, null),
            ('repeated', 'content_day', 'pps_with_replacement', 50, null, null, null, 0.5, null, null, null),
            ('alone', 'content_day', 'poisson', 100, '{POLICIES[0]}', 0.5, 1, 0.2, null, null, null),
            ('interactions', 'interaction', 'pareto', 300, null, null, null, 0.5, null, null, null),
            ('interactions_alone', 'interaction', 'poisson', 50, '{POLICIES[0]}', null, 1, 0.2, 0.5, null, null),
            ('strata', 'content_day', 'stratified', 100, null, null, null, null, null, null, null),
            ('strata_alone', 'interaction', 'stratified', 50, '{POLICIES[0]}', null, null, null, null, null, null),
            ('holdout', 'interaction', 'simple_random', 100, null, null, null, null, null, null, null),
            ('logged', 'interaction', 'logged', null, null, null, null, null, null, null, null),
            ('user_days', 'user_day', 'poisson', 300, null, null, null, 0.5, null, 1, 1),
            ('user_days_alone', 'user_day', 'poisson', 50, '{POLICIES[1]}', null, 1, 0.2, null, 1, 1)
        ) as p (
            plan_id, unit_type, design, expected_units, policy_id, exposure_power, score_power, defence_share,
            cold_defence_share, interactions_per_user_day, components_per_interaction
        )
        left join (
            values ('strata', '0.001;0.1', null), ('strata_alone', '0.01', 'proportional')
        ) as s (plan_id, stratum_bounds, allocation) using (plan_id)""",
}


@dataclass(frozen=True)
class Model:
    """A model that reads what grows with the logs, as compiled for one engine."""

    name: str
    table: str
    is_view: bool
    sql: str


def raw_selects() -> dict[str, str]:
    """Every table that models read and no model makes, in the columns and types of its contract; most are empty."""
    selects = {}
    for table in (*raw_tables(), *read_back_tables()):
        source = (RAW | READ_BACK).get(table.name)
        columns = {column.name: column.duckdb_type for column in table.columns}
        selects[f"{table.schema}__{table.name}"] = typed_select(columns, source)
    seeds = yaml.safe_load((PROJECT / "seeds" / "_seeds.yml").read_text())["seeds"]
    types = {seed["name"]: seed["config"]["column_types"] for seed in seeds}
    return selects | {
        f"reference__{name}": typed_select(
            {key: DUCKDB_TYPES[value] for key, value in types[name].items()},
            SEEDS.get(name, f"select * from read_csv('{PROJECT / 'seeds' / f'{name}.csv'}')"),
        )
        for name in types
    }


def typed_select(columns: dict[str, str], source: str | None) -> str:
    """A SELECT of these columns and types from another; what that lacks is null, and without one there are no rows."""
    if source is None:
        source, found = "select 1", []
    else:
        with duckdb.connect() as connection:
            found = [row[0] for row in connection.execute(f"describe {source}").fetchall()]
    listed = ", ".join(
        f"cast({name if name in found else 'null'} as {data_type}) as {name}" for name, data_type in columns.items()
    )
    return f"select {listed} from ({source})" + ("" if found else " where false")


def reading_models(manifest: dict) -> list[str]:
    """The models that read what grows with the logs, and those that they need, each after those that it reads."""
    sources = {key: node["name"] for key, node in manifest["sources"].items() if node["source_name"] == "raw"}
    models = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["original_file_path"].startswith("models/")
    }
    ordered: list[str] = []

    def visit(key: str) -> None:
        if key in models and key not in ordered:
            for parent in models[key]["depends_on"]["nodes"]:
                visit(parent)
            ordered.append(key)

    for key in sorted(models):
        visit(key)
    growing = {key for key, name in sources.items() if name not in BOUNDED_SOURCES}
    found = []
    for key in ordered:
        if growing.intersection(models[key]["depends_on"]["nodes"]):
            found.append(key)
            if models[key]["name"] not in BOUNDED_MODELS:
                growing.add(key)
    needed = set(found)
    for key in reversed(ordered):
        if key in needed:
            needed.update(models[key]["depends_on"]["nodes"])
    return [key for key in ordered if key in needed]


def compiled(folder: Path, target: str) -> list[Model]:
    """What dbt makes of the models for one engine, with `schema__name` in the place of every relation."""
    options = ["--target", target, "--no-introspect", "--no-populate-cache"]
    folder.mkdir()
    invoke(folder, None, "compile", PERIOD, "--select", "path:models", *options)
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    relations = {
        (node["schema"], node.get("alias") or node["identifier"])
        for node in [*manifest["nodes"].values(), *manifest["sources"].values()]
        if node["resource_type"] in ("model", "seed", "source")
    }
    # a CTE may have the name of a schema: only what is a relation is one
    names = "|".join(rf'"?{schema}"?\."?{name}"?' for schema, name in sorted(relations))
    pattern = re.compile(rf'(?<![\w.])(?:"\w+"\.)?({names})(?!\w)')
    found = []
    for key in reading_models(manifest):
        node = manifest["nodes"][key]
        text = (folder / "target" / "compiled" / "prevalence" / node["original_file_path"]).read_text()
        text = pattern.sub(lambda match: match.group(1).replace('"', "").replace(".", "__"), text)
        is_view = node["config"]["materialized"] == "view"
        found.append(Model(node["name"], f"{node['schema']}__{node['alias']}", is_view, text))
    return found


@dataclass(frozen=True)
class Runs:
    """Both engines' rows of every model, and the query that Spark ran for each table."""

    connection: duckdb.DuckDBPyConnection
    models: list[Model]
    results: dict[str, tuple[Path, object]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, spark) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("plans")
    tables = folder / "tables"
    tables.mkdir()
    paths = write_tables(tables, raw_selects())
    models = compiled(folder / "spark", "thrift")
    # the planner's view is read by no model, so it is run itself
    views = {model.table for model in models if model.is_view and model.name != "plan_cells"}
    results = run_on_spark(spark, paths, {model.table: model.sql for model in models}, tables, views)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name, path in paths.items():
            connection.execute(f"create table {name} as select * from '{path}/*.parquet'")
        for model in compiled(folder / "duckdb", "duckdb"):
            if model.table in paths:
                # as it was the run before: what reads it so has done so by now
                connection.execute(f"drop table {model.table}")
            connection.execute(f"create {'view' if model.is_view else 'table'} {model.table} as {model.sql}")
        yield Runs(connection, models, results)


def test_models_give_the_rows_of_duckdb(runs: Runs) -> None:
    found = {name: differences(runs.connection, name, path) for name, (path, _) in runs.results.items()}
    different = {name: rows for name, rows in found.items() if rows}
    assert different == {}
    counts = {name: runs.connection.execute(f"select count(*) from {name}").fetchone()[0] for name in runs.results}
    # no plan of these is at fault
    assert {name for name, rows in counts.items() if not rows} == {
        "quality__plan_problems",
        "quality__plan_row_problems",
    }


def test_no_step_of_a_model_brings_a_day_together(runs: Runs) -> None:
    found = {name: spark_plans.findings(frame, MOST_ROWS) for name, (_, frame) in runs.results.items()}
    sentences = [f"{name}: {sentence}" for name, each in found.items() for sentence in each]
    assert not sentences, "\n".join(sentences)


def test_there_is_what_could_come_together(runs: Runs) -> None:
    """Every layer is among the models; a plan has more units on each day than MOST_ROWS, each log more rows."""
    assert {model.table.split("__")[0] for model in runs.models} == {
        *("staging", "units", "frames", "draws", "quality", "labels", "planning")
    }
    names = {model.name for model in runs.models}
    assert set(BOUNDED_MODELS) <= names, set(BOUNDED_MODELS) - names

    def rows(text: str) -> list[tuple]:
        return runs.connection.execute(text).fetchall()

    designed = dict(rows("select plan_id, min(frame_units) from frames__frame_totals group by plan_id"))
    assert min(units for plan, units in designed.items() if plan != "logged") > MOST_ROWS, designed
    for name in ("users", "interactions", "components", "risk_scores"):
        ((count,),) = rows(f"select count(*) from staging__stg_{name}")
        assert count > MOST_ROWS, (name, count)
    # what is set aside, for every reason that the raw tables hold
    dispositions = rows("select source_name, row_disposition, sum(row_count) from quality__log_row_counts group by all")
    kept = {(source, disposition) for source, disposition, count in dispositions if count}
    for source in ("users", "interactions", "components", "risk_scores"):
        assert {(source, "used"), (source, "quarantined")} <= kept
    assert {("interactions", "late"), ("interactions", "duplicate"), ("components", "duplicate")} <= kept
    drawn = dict(rows("select plan_id, count(*) from draws__draw_units group by plan_id"))
    assert drawn["fixed"] == 800 and drawn["interactions"] == 600 and drawn["holdout"] == 200
    assert 0 < drawn["logged"] <= 220 and abs(drawn["views"] - 800) < 150 and abs(drawn["user_days"] - 600) < 120
    ((repeats,),) = rows("select sum(draws) from draws__draw_units where plan_id = 'repeated'")
    assert repeats == 100
    assert dict(rows("select unit_type, count(*) from draws__draw_user_day_interactions group by all")).keys() == {
        *("interaction", "interaction_part")
    }
    assert rows("select count_if(is_certainty) from frames__frame_units where unit_type = 'content_day'")[0][0] > 10
