"""The public estimation macros on Spark give DuckDB's figures. Needs the extra `spark` and Java 17, and skips without."""

from __future__ import annotations

import os
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import DbtCalls

pyspark = pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None and "JAVA_HOME" not in os.environ, reason="there is no Java"),
]

BY = {"by": [[], ["country"]]}
SAMPLE = {"relation": "sample", "y": "y", "weight": "w", **BY}
EXPERT = {"relation": "sample", "y": "case when u % 3 = 0 then y end", "judge": "judge", **BY}
ANSWERS = {"relation": "answers", "item": "item", "rater": "rater", "label": "label"}
HALVES = {"by": [[], ["half"]]}
PERIODS = {"stratum": "s", "psu": "u", "period": "p", "from_period": "a", "to_period": "b"}
CALLS = {
    "clustered": ("survey_estimates", {**SAMPLE, "stratum": "s", "psu": "u", "interval": "agresti_coull"}),
    "poisson": ("survey_estimates", {**SAMPLE, "design": "poisson", "inclusion_probability": "1 / w"}),
    "two_phase": (
        "survey_two_phase_estimates",
        {**EXPERT, "phase_1_weight": "w", "phase_2_stratum": "judge"},
    ),
    "raked": (
        "survey_calibrated_estimates",
        {**SAMPLE, "method": "raking", "auxiliaries": {"1": 700, "views": 3000}},
    ),
    "change": ("survey_difference", {**SAMPLE, **PERIODS, "relative": "log"}),
    "replicates": (
        "survey_replicate_estimates",
        {**SAMPLE, "x": "views", "replicate_weights": ["r1", "r2", "r3", "r4"], "scale": 0.75},
    ),
    "corrected": (
        "rogan_gladen",
        {
            "relation": "shares",
            "apparent": "share",
            "sampled": "n",
            "sensitivity": "0.9",
            "specificity": "0.95",
            "sensitivity_items": "50",
            "specificity_items": "60",
            "columns": ["country"],
        },
    ),
    "agreement": (
        "rater_agreement",
        {**ANSWERS, "positive_label": "'yes'", "label_value": "case when label = 'yes' then 1 else 2 end", **HALVES},
    ),
    "pairs": ("rater_pair_agreement", {**ANSWERS, "positive_label": "'yes'", **HALVES}),
    "votes": ("label_vote_shares", {"relation": "answers", "item": "item", "label": "label", **HALVES}),
    "posteriors": ("dawid_skene", {**ANSWERS, **HALVES}),
    "confusion": ("dawid_skene", {**ANSWERS, **HALVES, "result": "confusion"}),
}


def _tables() -> dict[str, pd.DataFrame]:
    generator, n = np.random.default_rng(5), 240
    unit = np.arange(n) % 160
    sample = pd.DataFrame({"u": unit, "s": unit // 80, "p": np.where(np.arange(n) < 120, "a", "b")})
    sample["country"] = np.where(generator.uniform(size=n) < 0.6, "X", "Y")
    sample["w"] = generator.uniform(1, 4, n)
    sample["views"] = generator.integers(1, 9, n).astype(float)
    sample["y"] = (generator.uniform(size=n) < 0.15).astype(int)
    sample["judge"] = np.where(generator.uniform(size=n) < 0.85, sample.y, 1 - sample.y)
    for replicate in range(4):
        sample[f"r{replicate + 1}"] = np.where(unit % 4 == replicate, 0, sample.w * 4 / 3)
    answers = pd.DataFrame(
        [
            (item, rater, label)
            for item in range(40)
            for rater, label in zip("abc", generator.choice(["yes", "no", "no"], 3), strict=True)
            if generator.uniform() < 0.9
        ],
        columns=["item", "rater", "label"],
    )
    answers["half"] = np.where(answers["item"] < 20, "first", "second")
    shares = pd.DataFrame({"country": ["X", "Y"], "share": [0.1, 0.2], "n": [300, 400]})
    return {"sample": sample, "answers": answers, "shares": shares}


@pytest.fixture(scope="module")
def figures(tmp_path_factory, call_text) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Rows of each call on DuckDB and on Spark, from the same Parquet files and the same model text."""
    folder = tmp_path_factory.mktemp("engines")
    calls = DbtCalls(folder)
    models = {name: call_text(macro, **arguments) for name, (macro, arguments) in CALLS.items()}
    paths = {name: folder / f"{name}.parquet" for name in ("sample", "answers", "shares")}
    for name, table in _tables().items():
        table.to_parquet(paths[name])
    ours = calls.run(models, {name: f"select * from '{path}'" for name, path in paths.items()})

    with (folder / "profiles.yml").open("a") as profiles:
        profiles.write("    spark_compile: {type: spark, method: thrift, host: localhost, schema: main, threads: 1}\n")
    calls._dbt(
        *["compile", "--target", "spark_compile", "--no-introspect", "--no-populate-cache"],
        *["--target-path", str(folder / "spark")],
    )
    from pyspark.sql import SparkSession

    from python_udfs.spark import register

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1", "spark.driver.memory": "1g"}
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        register(session)
        for name, path in paths.items():
            session.read.parquet(str(path)).createOrReplaceTempView(name)
        compiled = folder / "spark" / "compiled" / "macro_calls" / "models"
        theirs = {name: session.sql((compiled / f"{name}.sql").read_text()).toPandas() for name in models}
    finally:
        session.stop()
    return ours, theirs


@pytest.mark.parametrize("name", CALLS)
def test_spark_gives_the_figures_of_duckdb(figures, name) -> None:
    ours, theirs = (engine[name] for engine in figures)
    names = ("grouping_set", "country", "half", "item", "rater", "rater_1", "rater_2", "true_label", "label")
    keys = [column for column in names if column in ours]
    ours, theirs = (
        frame[list(ours.columns)].sort_values(keys or list(ours.columns)).reset_index(drop=True).fillna(np.nan)
        for frame in (ours, theirs)
    )
    assert len(ours) > 0
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-10)
