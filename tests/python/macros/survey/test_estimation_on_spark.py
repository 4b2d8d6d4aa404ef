"""The public estimation macros and the Python functions on Spark: the reference results, and DuckDB's own figures.

Every test of a reference case runs here a second time, from the same model text and with the same tolerance. By default
the calls are those that conftest's _chosen_calls takes: every case folder, and every argument of a macro with every
word that it has on DuckDB; tests of other calls' results skip, and the summary counts them. All of them:

    PREVALENCE_TESTS=all python -m pytest tests/python/macros/survey/test_estimation_on_spark.py

One module, because each starts a Spark of its own. Needs the extra `spark` and Java 17, and skips without them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import DbtCalls, SparkCalls
from test_dawid_skene import fitted
from test_dawid_skene import test_reference as test_dawid_skene_reference
from test_oracle_calibrated_estimates import calibrated, test_calibrated_reference, test_calibration_factors_reference
from test_oracle_replicate_estimates import replicate_figures
from test_oracle_replicate_estimates import test_reference as test_replicate_reference
from test_oracle_survey_difference import (
    differences,
    test_change,
    test_independent_periods,
    test_levels_and_covariance,
)
from test_oracle_survey_estimates import survey_figures
from test_oracle_survey_estimates import test_reference as test_survey_reference
from test_oracle_two_phase_estimates import (
    prediction_powered,
    test_prediction_powered_forest_parcels,
    test_prediction_powered_reference,
    test_two_phase_reference,
    test_two_phase_variance_by_phase,
    two_phase,
)
from test_rater_agreement import (
    agreement,
    test_gwet_on_the_reference_data,
    test_no_figure_without_what_it_needs,
    test_observers_of_krippendorff_and_gwet,
    test_pairs_that_have_no_kappa,
)
from test_rater_agreement import test_reference as test_agreement_reference
from test_rogan_gladen import corrected, test_estimated_labels, test_known_labels, test_refused_with_a_reason
from test_rogan_gladen import test_reference as test_rogan_gladen_reference
from test_udfs import test_binomial_reference, test_undefined_is_null

from prevalence.engines.spark import java
from python_udfs.registry import REGISTRY

MISSING = java.missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]

# What is imported above runs in this module, where `dbt_calls` and `connection` are Spark's: the reference cases, and
# what null, zero and refused inputs give, which is where engines differ.
SECOND_RUNS = (
    *(agreement, calibrated, corrected, differences, fitted, prediction_powered, replicate_figures, survey_figures),
    *(test_agreement_reference, test_binomial_reference, test_calibrated_reference),
    *(test_calibration_factors_reference, test_change, test_dawid_skene_reference, test_estimated_labels),
    *(test_gwet_on_the_reference_data, test_independent_periods, test_known_labels, test_levels_and_covariance),
    *(test_no_figure_without_what_it_needs, test_observers_of_krippendorff_and_gwet, test_pairs_that_have_no_kappa),
    *(test_prediction_powered_forest_parcels, test_prediction_powered_reference, test_refused_with_a_reason),
    *(test_replicate_reference, test_rogan_gladen_reference, test_survey_reference, test_two_phase_reference),
    *(test_two_phase_variance_by_phase, test_undefined_is_null, two_phase),
)


@pytest.fixture(scope="module")
def dbt_calls(spark_calls: SparkCalls) -> SparkCalls:
    return spark_calls


class SparkConnection:
    """What test_udfs asks of a connection: one row of a query with positional parameters."""

    def __init__(self, calls: SparkCalls) -> None:
        self.session = calls.session

    def execute(self, query: str, parameters: list[Any]) -> SparkConnection:
        self.rows = self.session.sql(query, args=parameters).collect()
        return self

    def fetchone(self) -> tuple[Any, ...]:
        return tuple(self.rows[0])


@pytest.fixture(scope="module")
def connection(spark_calls: SparkCalls) -> SparkConnection:
    return SparkConnection(spark_calls)


# The same figures as on DuckDB ----------------------------------------------------------------------------------------

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
    "counted": (
        "survey_estimates",
        {**SAMPLE, "stratum": "s", "population_psus": "400", "interval": "counted", "missed_weight": "w"},
    ),
    "counted_total": (
        "survey_estimates",
        {
            **{**SAMPLE, "design": "poisson", "inclusion_probability": "1 / w"},
            **{"interval": "counted", "total": True, "frame_maximum_weight": "5.0"},
        },
    ),
    "counted_phases": (
        "survey_two_phase_estimates",
        {
            **{name: value for name, value in EXPERT.items() if name != "judge"},
            **{"phase_1_weight": "w", "phase_2_stratum": "judge", "interval": "counted"},
        },
    ),
    "counted_chances": (
        "survey_two_phase_estimates",
        {
            **{name: value for name, value in EXPERT.items() if name != "judge"},
            **{"phase_1_weight": "w", "phase_2_design": "poisson", "phase_2_probability": "0.4"},
            **{"phase_1_design": "poisson", "phase_1_probability": "1 / w", "interval": "counted", "total": True},
        },
    ),
    "raked": (
        "survey_calibrated_estimates",
        {**SAMPLE, "method": "raking", "auxiliaries": {"1": 700, "views": 3000}},
    ),
    "change": ("survey_difference", {**SAMPLE, **PERIODS, "relative": "log"}),
    "change_of_times": (
        "survey_difference",
        {
            **{
                **SAMPLE,
                **PERIODS,
                "period": "cast(case p when 'a' then '2026-10-05' else '2026-10-06' end as timestamp)",
            },
            **{"from_period": "2026-10-05", "to_period": "2026-10-06T00:00:00"},
        },
    ),
    "change_of_numbers": (
        "survey_difference",
        {
            **{**SAMPLE, **PERIODS, "period": "cast(case p when 'a' then 0 else 1 end as double)"},
            **{"from_period": 0, "to_period": 1},
        },
    ),
    "no_change": ("survey_difference", {**SAMPLE, **PERIODS, "from_period": "c", "to_period": "2026-10-05"}),
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


def _rows_of(path: Path) -> str:
    return f"select * from '{path}'"


@pytest.fixture(scope="module")
def figures(duckdb_calls: DbtCalls, spark_calls: SparkCalls, call_text, tmp_path_factory) -> Any:
    """Rows of each call on DuckDB and on Spark, from the same Parquet files and the same model text."""
    folder = tmp_path_factory.mktemp("rows")
    models = {name: call_text(macro, **arguments) for name, (macro, arguments) in CALLS.items()}
    tables = {}
    for name, table in _tables().items():
        table.to_parquet(folder / f"{name}.parquet")
        tables[name] = _rows_of(folder / f"{name}.parquet")
    return duckdb_calls.run(models, tables), spark_calls.run(models, tables)


@pytest.mark.parametrize("name", CALLS)
def test_spark_gives_the_figures_of_duckdb(figures, name) -> None:
    ours, theirs = (engine[name] for engine in figures)
    names = ("grouping_set", "country", "half", "item", "rater", "rater_1", "rater_2", "true_label", "label")
    keys = [column for column in names if column in ours]
    assert len(ours) > 0
    _assert_same(ours, theirs, keys or list(ours.columns), 1e-10)


def _assert_same(ours: pd.DataFrame, theirs: pd.DataFrame, keys: list[str], relative: float) -> None:
    ours, theirs = (
        frame[list(ours.columns)].sort_values(keys).reset_index(drop=True).fillna(np.nan) for frame in (ours, theirs)
    )
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=relative, atol=0)


# Types of numbers -----------------------------------------------------------------------------------------------------

# y, x and weight of a call in each type of SQL; every value is exact in all three, and x is also a literal and a product
TYPES = {"integers": "bigint", "decimals": "decimal(12, 4)", "doubles": "double"}
TYPED_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "share": ("survey_estimates", {"x": "1.0", "stratum": "s", "psu": "u"}),
    "ratio": ("survey_estimates", {"y": "y * views", "x": "views * 1.0", "stratum": "s"}),
    "poisson": ("survey_estimates", {"design": "poisson", "inclusion_probability": "pi", "interval": "gamma"}),
    "unequal": ("survey_estimates", {"design": "pps_without_replacement", "inclusion_probability": "pi"}),
    "finite": ("survey_estimates", {"x": "views", "stratum": "s", "population_psus": "population", "total": True}),
    "change": ("survey_difference", {"x": "views", **PERIODS}),
    "raked": (
        "survey_calibrated_estimates",
        {"x": "views", "method": "raking", "auxiliaries": {"1": 700, "views": 3000}},
    ),
    "replicates": ("survey_replicate_estimates", {"replicate_weights": ["r1", "r2", "r3", "r4"], "scale": 0.75}),
}


def _typed_relation(sql_type: str) -> str:
    numbers = ("y", "views", "w", "population", "r1", "r2", "r3", "r4")
    casts = ", ".join(f"cast({name} as {sql_type}) as {name}" for name in numbers)
    # a probability is never whole
    probability_type = "double" if sql_type == "bigint" else sql_type
    return f"select u, s, p, country, cast(pi as {probability_type}) as pi, {casts} from whole_numbers"


def _whole_numbers() -> pd.DataFrame:
    generator = np.random.default_rng(8)
    sample = _tables()["sample"][["u", "s", "p", "country", "y", "views"]]
    weight = generator.integers(1, 9, len(sample)).astype(float)
    sample = sample.assign(w=weight, population=400.0, pi=0.25 * generator.integers(1, 5, len(sample)))
    for replicate in range(4):
        sample[f"r{replicate + 1}"] = np.where(sample.u % 4 == replicate, 0.0, 2 * weight)
    return sample


@pytest.fixture(scope="module")
def typed_figures(duckdb_calls: DbtCalls, spark_calls: SparkCalls, call_text, tmp_path_factory) -> Any:
    path = tmp_path_factory.mktemp("typed") / "whole_numbers.parquet"
    _whole_numbers().to_parquet(path)
    tables = {
        f"sample_{name}": _typed_relation(sql_type).replace("whole_numbers", f"'{path}'")
        for name, sql_type in TYPES.items()
    }
    models = {
        f"{call}_{name}": call_text(macro, **{"relation": f"sample_{name}", "y": "y", "weight": "w", **BY, **arguments})
        for call, (macro, arguments) in TYPED_CALLS.items()
        for name in TYPES
    }
    return duckdb_calls.run(models, tables), spark_calls.run(models, tables)


@pytest.mark.parametrize("call", TYPED_CALLS)
def test_integers_decimals_and_doubles_are_the_same_numbers(typed_figures, call) -> None:
    reference = typed_figures[0][f"{call}_doubles"]
    assert set(reference.status) == {"ok"}
    for engine in typed_figures:
        for name in TYPES:
            _assert_same(reference, engine[f"{call}_{name}"], ["grouping_set", "country"], 1e-12)


# Python functions -----------------------------------------------------------------------------------------------------

# What each argument may be: inside its range, at its ends and beyond them. Values are exact as decimals of four places.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("probability",), (0.0, 0.025, 0.5, 0.975, 1.0, 1.5)),
    **dict.fromkeys(("estimate", "apparent"), (0.0, 0.0125, 0.3, 0.5, 0.95, 1.0, -0.25)),
    **dict.fromkeys(("sensitivity", "specificity"), (0.9, 0.95, 0.9995, 1.0, 0.25)),
    **dict.fromkeys(("sampled", "sensitivity_items", "specificity_items"), (0.0, 1.0, 40.0, 3000.0)),
    **dict.fromkeys(("degrees_of_freedom", "effective_positives"), (0.0, 1.0, 7.5, 40.0, 1000.0)),
    **dict.fromkeys(("std_error", "variance"), (0.0, 0.0005, 0.0125, 0.25)),
    **dict.fromkeys(("certain_share", "missed_weight"), (0.0, 0.0025, 0.0125)),
    **dict.fromkeys(("counted", "counted_rest", "event", "unit"), (0.0, 0.0025, 0.0125)),
    **dict.fromkeys(("base_variance", "event_variance"), (0.0, 0.0005, 0.0125)),
    "third_moment": (-0.0005, 0.0, 0.0025),
    "whole": (1.0, 400.0),
    "positives": (0.0, 1.0, 12.0, 40.0),
    "effective_n": (0.0, 12.5, 400.0, 2500.25),
    "alpha": (0.05, 0.1, 0.5),
    "a": (0.0, 0.5, 4.0, 300.0),
    "b": (0.5, 4.0, 300.0),
    "position": (0.0, 1.0, 2.0, 9.0),
    "matrix": ([[2.0, 1.0], [1.0, 3.0]], [[1.0, 1.0], [1.0, 1.0]], [[2.0, None], [1.0, 3.0]]),
    "vector": ([1.0, 2.0], [1.0, 1.0], [None, 1.0]),
    # two cells of one margin; of two margins
    "cells": (
        [[1.0, 10.0, 1.0, 12.0], [2.0, 20.0, 2.0, 30.0]],
        [[2.0, 5.0, 1.0, 8.0, 1.0, 9.0], [1.0, 4.0, 1.0, 8.0, 2.0, 7.0]],
    ),
    "rows": ([[10.0, 1.0, 0.5], [20.0, 1.0, 0.25], [5.0, 1.0, 2.0]], [[10.0, 1.0, None], [20.0, 1.0, 0.25]]),
    "totals": ([36.0, 21.0], [400.0, 1.0], [None, 21.0]),
    "bounds": ([0.25, 4.0], [0.5, 1.5]),
    "answers": (
        [[1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 2.0, 1.0], [2.0, 1.0, 2.0, 1.0], [2.0, 2.0, 2.0, 2.0], [3.0, 1.0, 1.0, 1.0]],
        [[2.0, 1.0, 1.0, 1.0]],
    ),
    "max_iterations": (1.0, 20.0),
    "tolerance": (0.0, 0.0005),
    "smoothing": (0.0, 0.25),
}
GRID_ROWS = 120


def _grid() -> pa.Table:
    """Arguments at random, a tenth of them null."""
    generator = np.random.default_rng(11)
    columns: dict[str, Any] = {"id": pa.array(range(GRID_ROWS), pa.int64())}
    for name, values in ARGUMENTS.items():
        chosen = [
            None if generator.uniform() < 0.1 else values[generator.integers(len(values))] for _ in range(GRID_ROWS)
        ]
        depth = {"matrix": 2, "cells": 2, "rows": 2, "answers": 2, "vector": 1, "totals": 1, "bounds": 1}.get(name, 0)
        kind = pa.float64()
        for _ in range(depth):
            kind = pa.list_(kind)
        columns[name] = pa.array(chosen, kind)
    return pa.table(columns)


def _function_calls() -> dict[str, str]:
    """Each function with doubles, with the integers and decimals of the same values, and with an untyped null."""
    calls = {}
    for udf in REGISTRY:
        others = list(udf.argument_names)
        for position, (name, kind) in enumerate(zip(udf.argument_names, udf.argument_types, strict=True)):
            if kind == "double":
                is_whole = all(float(value).is_integer() for value in ARGUMENTS[name])
                others[position] = f"cast({name} as {'bigint' if is_whole else 'decimal(12, 4)'})"
        calls[udf.name] = ", ".join(udf.argument_names)
        calls[f"{udf.name}_of_other_types"] = ", ".join(others)
        calls[f"{udf.name}_of_null"] = ", ".join(["null", *udf.argument_names[1:]])
    return {
        name: f"{name.removesuffix('_of_other_types').removesuffix('_of_null')}({arguments})"
        for name, arguments in calls.items()
    }


@pytest.fixture(scope="module")
def functions(duckdb_calls: DbtCalls, spark_calls: SparkCalls, tmp_path_factory) -> Any:
    path = tmp_path_factory.mktemp("functions") / "grid.parquet"
    pq.write_table(_grid(), path)
    columns = ",\n".join(f"{call} as {name}" for name, call in _function_calls().items())
    models = {"functions": f"select id,\n{columns}\nfrom function_arguments"}
    tables = {"function_arguments": _rows_of(path)}
    return tuple(
        calls.run(models, tables)["functions"].set_index("id").sort_index() for calls in (duckdb_calls, spark_calls)
    )


@pytest.mark.parametrize("udf", REGISTRY, ids=lambda udf: udf.name)
def test_every_function_is_the_same_on_both_engines(functions, udf) -> None:
    def values(frame: pd.DataFrame, column: str) -> list[Any]:
        return [
            list(value) if isinstance(value, (list, np.ndarray)) else None if pd.isna(value) else value
            for value in frame[column]
        ]

    ours, theirs = functions
    reference = values(ours, udf.name)
    assert sum(value is not None for value in reference) >= 10, "the grid misses where the function is defined"
    assert any(value is None for value in reference)
    for frame in (ours, theirs):
        for column in (udf.name, f"{udf.name}_of_other_types"):
            for mine, other in zip(reference, values(frame, column), strict=True):
                assert (mine is None) == (other is None), column
                if mine is not None:
                    np.testing.assert_allclose(
                        np.array(other, dtype=float), np.array(mine, dtype=float), rtol=1e-12, err_msg=column
                    )
        assert frame[f"{udf.name}_of_null"].isna().all()
