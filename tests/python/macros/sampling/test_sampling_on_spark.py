"""The macros that draw give the rows of DuckDB on Spark, to the last bit, and never bring a day's units together.

The models that call them are tested in test_spark_plans.py. Needs the extra `spark` and Java 17, and skips without.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as parquet
import pytest
from conftest import DbtCalls
from scipy import stats

pyspark = pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
import spark_plans  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None and "JAVA_HOME" not in os.environ, reason="there is no Java"),
]

KEYS = 1_000_000
DAYS = ["2026-10-05", "2026-10-06"]
CONTENTS, INTERACTIONS = 30_000, 20_000
# plan, design, expected units; `census` asks for more than there is, `hundreds` has a frame with few sizes
PLANS = [
    *[("mixture", "poisson", 3000), ("fixed", "pareto", 3000), ("ratio", "sequential_poisson", 3000)],
    ("holdout", "simple_random", 500),
    *[("census", "pareto", 1_000_000), ("hundreds", "pareto", 400), ("none", "pareto", 0)],
]

# Sizes with the tail of a log-normal, every fiftieth 0 and some null; every random number is a hash, but for one that
# is exactly 0 in each group. The plan `hundreds` has sizes 0, 1 and 100 only, so that ties decide.
MACRO_FRAME = f"""
    with plans as (
        select *
        from (values {", ".join(f"('{p}', '{d}', {n}::bigint)" for p, d, n in PLANS)}) as p (plan_id, design, n)
    ),
    units as (
        select 'u' || i as unit_id, i, date '2026-10-05' + cast(i % 2 as integer) as day,
            hash(i) / 18446744073709551616.0 as a, hash(i + 1000000007) / 18446744073709551616.0 as b
        from range(35000) as r (i)
    )
    select plan_id, design, n as expected_units, unit_id, day,
        case
            when plan_id = 'census' and i >= 1500 then 0
            when plan_id = 'hundreds' then case when i % 997 = 0 then 100 else i % 50 // 49 end
            when i % 1009 = 0 then null
            when i % 50 = 0 then 0
            else cast(ceil(1000 * exp(2 * sqrt(-2 * ln(a + 1e-12)) * cos(6.283185307 * b))) as bigint)
        end as size_measure,
        i < 2 as is_first
    from units, plans
"""

MACRO_MODELS = {
    "probabilities": """{{ prevalence.inclusion_probabilities(
        'frame', unit='unit_id', size='size_measure', expected_units='expected_units', by=['plan_id', 'day'],
        columns=['design', 'expected_units', 'size_measure', 'is_first']) }}""",
    "drawn": """with numbered as (
        select *,
            case when is_first then cast(0 as double)
                else {{ prevalence.hash_unit("plan_id || '|' || unit_id", 'test:draw') }} end as random_number
        from probabilities
    )
    select * from ({{ prevalence.draw_sample(
        'numbered', unit='unit_id', design='design', inclusion_probability='inclusion_probability',
        is_certainty='is_certainty', random_number='random_number', expected_units='expected_units',
        by=['plan_id', 'day']) }}) as drawn_units""",
    "drawn_with_replacement": """with numbered as (
        select *, {{ prevalence.hash_unit("plan_id || '|' || unit_id", 'test:draw') }} as random_number
        from probabilities
        where plan_id in ('fixed', 'hundreds', 'none')
    )
    select * from ({{ prevalence.draw_with_replacement(
        'numbered', unit='unit_id', size='size_measure', random_number='random_number',
        expected_units='expected_units', by=['plan_id', 'day'], draw_number=prevalence.hash_unit(
            "plan_id || '|' || cast(day as string) || '|' || cast(_number as string)", 'test:number'
        )) }}) as drawn_units""",
    "hashes": "select k, {{ prevalence.hash_unit('k', 'fixed salt') }} as number from keys",
}

# groups, histograms and drawn units; below the 17,500 units that a plan has on a day
MOST_ROWS = 15_000


@pytest.fixture(scope="module")
def spark() -> Iterator[pyspark.sql.SparkSession]:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "2g",
        # the process keeps its Java, and a later session with a metastore would leave a log in the checkout
        "spark.driver.extraJavaOptions": f"-Dderby.stream.error.file={os.devnull}",
        "spark.sql.session.timeZone": "UTC",
        # what DuckDB writes as a time without zone is one of UTC
        "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in {**settings, **spark_plans.SETTINGS}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


def write_tables(folder: Path, tables: dict[str, str]) -> dict[str, Path]:
    """Each SELECT as a folder of Parquet files: several, as one file would be one partition and need no exchange."""
    paths = {}
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, select in tables.items():
            paths[name] = folder / name
            paths[name].mkdir()
            connection.execute(f"create table {name} as {select}")
            rows = connection.execute(f"select count(*) from {name}").fetchone()[0]
            files = 4 if rows > 1000 else 1
            for part in range(files):
                where = f"where rowid % {files} = {part}"
                connection.execute(f"copy (select * from {name} {where}) to '{paths[name]}/{part}.parquet'")
    return paths


def run_on_spark(
    spark: pyspark.sql.SparkSession,
    paths: dict[str, Path],
    models: dict[str, str],
    folder: Path,
    views: set[str] = frozenset(),
) -> dict[str, tuple[Path, pyspark.sql.DataFrame]]:
    """Rows, as Parquet, and the executed query of each model; a model reads those before it as tables.

    `views`: models that are not run, but read by the others as part of their queries.
    """
    for name, path in paths.items():
        spark.read.parquet(str(path)).createOrReplaceTempView(name)
    results = {}
    for name, text in models.items():
        frame = spark.sql(text)
        if name in views:
            frame.createOrReplaceTempView(name)
            continue
        rows = frame.toArrow()
        # a model that an earlier one reads as it was the run before has its place already
        path = folder / (f"{name}_built" if name in paths else name)
        path.mkdir()
        # four files for the same reason as in `write_tables`
        for part in range(4):
            bounds = [rows.num_rows * edge // 4 for edge in (part, part + 1)]
            parquet.write_table(rows.slice(bounds[0], bounds[1] - bounds[0]), path / f"{part}.parquet")
        spark.read.parquet(str(path)).createOrReplaceTempView(name)
        results[name] = (path, frame)
    return results


def differences(connection: duckdb.DuckDBPyConnection, ours: str, path: Path) -> int:
    """Rows of the table `ours` that are not in the Parquet files, and the other way round; doubles to the last bit."""
    columns = connection.execute(f"describe {ours}").fetchall()
    left = f"select {', '.join(row[0] for row in columns)} from {ours}"
    right = f"select {', '.join(f'cast({row[0]} as {row[1]})' for row in columns)} from '{path}/*.parquet'"
    return connection.execute(
        f"select count(*) from (({left} except all {right}) union all ({right} except all {left}))"
    ).fetchone()[0]


@pytest.fixture(scope="module")
def macro_runs(tmp_path_factory, spark):
    """The calls of the macros on DuckDB (a database) and on Spark."""
    folder = tmp_path_factory.mktemp("sampling_macros")
    calls = DbtCalls(folder)
    tables = folder / "tables"
    tables.mkdir()
    keys = f"select 'key ' || i || case when i % 3 = 0 then ' \u00e9' else '' end as k from range({KEYS}) as r (i)"
    paths = write_tables(tables, {"frame": MACRO_FRAME, "keys": keys})
    read = "from {{ ref('probabilities') }}"
    models = {name: text.replace("from probabilities", read) for name, text in MACRO_MODELS.items()}
    calls.run(models, {name: f"select * from '{path}/*.parquet'" for name, path in paths.items()})
    with (folder / "profiles.yml").open("a") as profiles:
        profiles.write("    thrift: {type: spark, method: thrift, host: localhost, schema: main, threads: 1}\n")
    options = ["--no-introspect", "--no-populate-cache", "--target-path", str(folder / "spark")]
    calls._dbt("compile", "--target", "thrift", *options)
    compiled = folder / "spark" / "compiled" / "macro_calls" / "models"
    texts = {name: (compiled / f"{name}.sql").read_text().replace("main.", "") for name in models}
    with duckdb.connect(str(calls.database), read_only=True) as connection:
        yield connection, run_on_spark(spark, paths, texts, tables)


@pytest.mark.parametrize("name", MACRO_MODELS)
def test_macros_give_the_rows_of_duckdb(macro_runs, name) -> None:
    connection, results = macro_runs
    assert connection.execute(f"select count(*) from {name}").fetchone()[0] > 1_000
    assert differences(connection, name, results[name][0]) == 0


def defined_certainties(sizes: list[int], expected: int) -> int:
    """How many of the sizes, in falling order, are certain: take away what exceeds one until nothing does."""
    count, left = 0, sum(sizes)
    while count < len(sizes) and sizes[count] > 0 and (expected - count) * sizes[count] >= left:
        left -= sizes[count]
        count += 1
    return count


def test_probabilities_are_those_of_the_definition(macro_runs) -> None:
    connection, _ = macro_runs
    frame = connection.execute("select * from probabilities").df()
    frame["size_measure"] = frame["size_measure"].fillna(0).astype("int64")
    assert len(frame) == 35_000 * len(PLANS)
    certain = {}
    for (plan, day), group in frame.groupby(["plan_id", "day"]):
        group = group.sort_values(["size_measure"], ascending=False, kind="stable")
        sizes, expected = [int(size) for size in group["size_measure"]], int(group["expected_units"].iloc[0])
        count = defined_certainties(sizes, expected)
        certain[plan] = certain.get(plan, 0) + count
        assert group["is_certainty"].tolist() == [True] * count + [False] * (len(sizes) - count), (plan, day)
        left = sum(sizes[count:])
        rest = [float(Fraction((expected - count) * size, left)) if left else 0.0 for size in sizes[count:]]
        np.testing.assert_allclose(group["inclusion_probability"], [1.0] * count + rest, rtol=1e-15, atol=0)
        positive = sum(size > 0 for size in sizes)
        assert group["inclusion_probability"].sum() == pytest.approx(min(expected, positive), rel=1e-9)
    # the frame holds what is to be tested: certainties, a census and none at all
    assert certain["fixed"] > 100 and certain["hundreds"] > 10 and certain["none"] == 0
    assert certain["census"] == int((frame["size_measure"][frame["plan_id"] == "census"] > 0).sum())


def test_draws_are_those_of_the_definition(macro_runs) -> None:
    connection, _ = macro_runs
    frame = connection.execute("select * from probabilities").df()
    drawn = connection.execute("select plan_id, day, unit_id from drawn").df()
    keys = frame["plan_id"] + "|" + frame["unit_id"]
    frame["number"] = np.where(frame["is_first"], 0.0, [python_hash(key, "test:draw") for key in keys])
    for (plan, day), group in frame[frame["inclusion_probability"] > 0].groupby(["plan_id", "day"]):
        design, expected = group["design"].iloc[0], int(group["expected_units"].iloc[0])
        u, p, certain = (group[name].to_numpy() for name in ("number", "inclusion_probability", "is_certainty"))
        if design == "poisson":
            wanted = group[certain | (u < p)]
        else:
            ratio = u / p if design == "sequential_poisson" else (u / (1 - u)) * ((1 - p) / p)
            keys = {"not_certain": ~certain, "value": np.where(certain | (design == "simple_random"), u, ratio)}
            wanted = group.assign(**keys).sort_values(["not_certain", "value", "unit_id"]).head(expected)
        ours = drawn[(drawn["plan_id"] == plan) & (drawn["day"] == day)]
        assert sorted(ours["unit_id"]) == sorted(wanted["unit_id"]), (plan, day)
        assert ours["unit_id"].is_unique
    assert not (drawn["plan_id"] == "none").any()


def test_draws_with_replacement_are_those_of_the_definition(macro_runs) -> None:
    """Units of a group behind each other by bucket and name, and the one that holds each draw's place."""
    connection, _ = macro_runs
    frame = connection.execute("select * from probabilities where size_measure > 0").df()
    drawn = connection.execute("select plan_id, day, unit_id, draws from drawn_with_replacement").df()
    assert set(drawn["plan_id"]) == {"fixed", "hundreds"} and (drawn["draws"] > 1).any()
    for (plan, day), ours in drawn.groupby(["plan_id", "day"]):
        group = frame[(frame["plan_id"] == plan) & (frame["day"] == day)]
        buckets = [int(65536 * python_hash(f"{plan}|{unit}", "test:draw")) for unit in group["unit_id"]]
        group = group.assign(bucket=buckets).sort_values(["bucket", "unit_id"])
        ends, count = group["size_measure"].astype("int64").cumsum().to_numpy(), int(group["expected_units"].iloc[0])
        numbers = [python_hash(f"{plan}|{day:%Y-%m-%d}|{number}", "test:number") for number in range(1, count + 1)]
        places = [int(number * float(ends[-1])) for number in numbers]
        wanted = group["unit_id"].iloc[np.searchsorted(ends, places, side="right")].value_counts()
        assert ours.set_index("unit_id")["draws"].sort_index().to_dict() == wanted.sort_index().to_dict()


def test_only_candidates_are_ranked(macro_runs) -> None:
    """Each plan has 17,500 units on a day, 245,000 in all; windows see buckets, candidates of 2 n and draws."""
    _, results = macro_runs
    candidates = 2 * 2 * sum(n for _, _, n in PLANS if n < 1_000_000) + 2 * 750
    buckets = 2 * len(PLANS) * 4097
    for name in ("probabilities", "drawn"):
        frame = results[name][1]
        assert spark_plans.findings(frame, most_rows=candidates) == []
        entered = [window.rows for window in spark_plans.windows(frame)]
        assert len(entered) >= 1 and all(rows <= min(candidates, buckets) for rows in entered), entered
    # draws and 256 sums of a group; what is hit is handed to every task
    frame = results["drawn_with_replacement"][1]
    assert spark_plans.findings(frame, most_rows=2 * (3000 + 400 + 3 * 256)) == []


def python_hash(key: str, salt: str) -> float:
    return int(hashlib.md5(f"{salt}:{key}".encode()).hexdigest()[:13], 16) / 2**52


def test_hashes_are_those_of_python_and_uniform(macro_runs) -> None:
    """A million fixed keys: Python's bits, and no more structure than chance leaves in 1,000 cells and in order."""
    connection, _ = macro_runs
    hashes = connection.execute("select k, number from hashes").df()
    assert len(hashes) == hashes["k"].nunique() == KEYS
    numbers = hashes["number"].to_numpy()
    assert (numbers == np.array([python_hash(key, "fixed salt") for key in hashes["k"]])).all()
    assert numbers.min() >= 0 and numbers.max() < 1
    counts = np.bincount((numbers * 1000).astype(int), minlength=1000)
    assert stats.chisquare(counts).pvalue > 0.001
    assert stats.kstest(numbers, "uniform").pvalue > 0.001
    # neighbouring keys do not go together
    ordered = hashes.sort_values("k")["number"].to_numpy()
    assert abs(np.corrcoef(ordered[:-1], ordered[1:])[0, 1]) < 5 / np.sqrt(KEYS)


def test_the_check_of_plans_finds_what_it_is_for(macro_runs, spark) -> None:
    """A sort of all units, one partition, a window and a join over a plan's day, and rows through the driver."""
    spark.table("frame").createOrReplaceTempView("units")
    group_join = "select u.unit_id, d.n from units u inner join (select day, count(*) as n from units group by day) d"
    queries = {
        "global sort": "select * from units order by unit_id",
        "window over": "select *, row_number() over (partition by plan_id, day order by unit_id) as r from units",
        f"window over 245000 rows (at most {MOST_ROWS}), inf": (
            "select *, row_number() over (order by day) as r from units"
        ),
        "exchange": f"{group_join} on u.day = d.day",
        "limit": "select * from units limit 50000",
        "broadcast": "select /*+ broadcast(k) */ u.unit_id from units u inner join keys k on u.unit_id = k.k",
    }
    for start, text in queries.items():
        frame = spark.sql(text)
        spark_plans.run(frame)
        found = spark_plans.findings(frame, MOST_ROWS)
        assert any(sentence.startswith(start) for sentence in found), (text, found)
    for text in (
        "select *, row_number() over (partition by unit_id, plan_id order by size_measure) as r from units",
        "select unit_id, count(*) as n from units group by unit_id",
        "select plan_id, day, count(*) as n from units group by plan_id, day order by plan_id, day limit 3",
        group_join.replace("select u.", "select /*+ broadcast(d) */ u.") + " on u.day = d.day",
    ):
        frame = spark.sql(text)
        spark_plans.run(frame)
        assert spark_plans.findings(frame, MOST_ROWS) == [], text
