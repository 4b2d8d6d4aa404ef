"""Every result of every reference case is claimed by a test on each engine, so that none is left out in silence.

A test claims a result when the id of one of its parameters is `<case>::<id of the result>`, or the same with a hyphen.
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
from conftest import _chosen_calls, union_of_calls
from test_oracle_survey_estimates import ORACLE, pytestmark

__all__ = ["pytestmark"]


# the module that runs the others' tests a second time
ON_SPARK = "test_estimation_on_spark"


def _claimed(engine: str) -> set[str]:
    ids = set()
    for path in Path(__file__).parents[2].rglob("test_*.py"):
        if (path.stem == ON_SPARK) != (engine == "spark"):
            continue
        if engine == "duckdb" and not re.search(r"oracle", path.read_text(), re.IGNORECASE):
            continue
        module = importlib.import_module(path.stem)
        for name, function in vars(module).items():
            marks = getattr(function, "pytestmark", []) if name.startswith("test_") else []
            for mark in marks:
                if mark.name == "parametrize":
                    ids |= {parameter.id for parameter in mark.args[1] if getattr(parameter, "id", None)}
                    ids |= set(mark.kwargs["ids"]) if isinstance(mark.kwargs.get("ids"), list) else set()
    return ids


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_every_result_is_claimed(engine) -> None:
    results = [
        f"{path.parent.name}::{result['id']}"
        for path in sorted(ORACLE.glob("*/expected.json"))
        for result in json.loads(path.read_text())["results"]
    ]
    assert len(results) > 1000
    claimed = _claimed(engine)
    silent = sorted(name for name in results if not {name, name.replace("::", "-", 1)} & claimed)
    assert not silent, f"{len(silent)} results of reference cases have no test on {engine}: {silent[:40]}"


def test_spark_leaves_out_only_what_another_call_stands_for(call_text) -> None:
    def calls(**designs: dict) -> str:
        return union_of_calls(
            {
                f"{name}:{variable}:{interval}": call_text(
                    "survey_estimates", relation="sample", y=variable, **arguments, interval=interval
                )
                for name, arguments in designs.items()
                for variable in ("y", "views")
                for interval in ("wald_t", "logit")
            }
        )

    chosen = _chosen_calls(
        {
            "a01": calls(strata={"stratum": "s"}, same={"stratum": "t", "psu": None}),
            # nothing new but the folder
            "a02_first": calls(strata={"stratum": "s"}),
            "a02_second": calls(
                strata={"stratum": "s"}, poisson={"design": "poisson"}, lonely={"lonely_psu": "adjust"}
            ),
        }
    )
    taken = {("a01", "strata"), ("a02_first", "strata"), ("a02_second", "poisson"), ("a02_second", "lonely")}
    assert chosen == {(model, f"{name}:y:{kind}") for model, name in taken for kind in ("wald_t", "logit")}
