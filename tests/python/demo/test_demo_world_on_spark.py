"""The demo world is the same on Spark to the last bit. Needs the extra `spark` and Java 17, and skips without them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import in_test_all
from test_demo_world import World, invoke, parsed  # noqa: F401  (a fixture)

from prevalence.engines.spark import java

pytestmark = [
    pytest.mark.slow,
    in_test_all,
    pytest.mark.skipif(java.missing() is not None, reason=str(java.missing())),
]

# long enough for the planted step and the second model version
SIXTEEN_DAYS = {"start": "2026-10-05", "end": "2026-10-21", "interactions": 3000}
VARIABLES = {
    "demo_world": True,
    "demo_world_interactions": SIXTEEN_DAYS["interactions"],
    "demo_world_start_date": SIXTEEN_DAYS["start"],
    "demo_world_end_date": SIXTEEN_DAYS["end"],
}


def compiled_models(folder: Path) -> list[tuple[str, str, str]]:
    """Relation, materialization and Spark SQL of every model of the demo world, each after those that it reads."""
    options = ["--select", "path:demo/raw_world", "--target", "thrift"]
    invoke(folder, None, "compile", VARIABLES, *options, "--no-introspect", "--no-populate-cache")
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    nodes = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["original_file_path"].startswith("demo/raw_world")
    }
    ordered: list[str] = []

    def visit(key: str) -> None:
        if key in nodes and key not in ordered:
            for parent in nodes[key]["depends_on"]["nodes"]:
                visit(parent)
            ordered.append(key)

    for key in sorted(nodes):
        visit(key)
    compiled = folder / "target" / "compiled" / "prevalence"
    return [
        (
            nodes[key]["relation_name"].replace("`", ""),
            nodes[key]["config"]["materialized"],
            (compiled / nodes[key]["original_file_path"]).read_text(),
        )
        for key in ordered
    ]


def test_every_table_is_the_same_on_spark(
    parsed: object,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pyspark.sql import SparkSession

    world = World(tmp_path_factory.mktemp("duckdb"), parsed, **SIXTEEN_DAYS)
    folder = tmp_path_factory.mktemp("spark")
    models = compiled_models(folder)
    assert len(models) >= 17
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.chdir(folder)
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    try:
        for schema in sorted({relation.split(".")[0] for relation, _, _ in models}):
            spark.sql(f"create database {schema}")
        for relation, materialized, sql in models:
            kind = "view" if materialized == "view" else "table"
            spark.sql(f"create {kind} {relation} {'' if kind == 'view' else 'using parquet'} as {sql}")
            spark.table(relation).coalesce(1).write.parquet(str(folder / "rows" / relation))
    finally:
        spark.stop()
    differences = {}
    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = 'UTC'; attach '{world.path}' as world (read_only)")
        for relation, _, _ in models:
            columns = connection.execute(f"describe world.{relation}").fetchall()
            ours = f"select {', '.join(row[0] for row in columns)} from world.{relation}"
            casts = ", ".join(f"cast({row[0]} as {row[1]}) as {row[0]}" for row in columns)
            theirs = f"select {casts} from '{folder / 'rows' / relation}/*.parquet'"
            differences[relation] = connection.execute(
                f"select count(*) from (({ours} except all {theirs}) union all ({theirs} except all {ours}))"
            ).fetchone()[0]
    assert not any(differences.values()), {relation: rows for relation, rows in differences.items() if rows}
