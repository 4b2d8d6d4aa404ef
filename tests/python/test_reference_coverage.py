"""Every result of every reference case is claimed by a test on each engine, so that none is left out in silence.

A test claims a result when the id of one of its parameters is `<case>::<id of the result>`, or the same with a hyphen.
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
from test_oracle_survey_estimates import ORACLE, pytestmark

__all__ = ["pytestmark"]


# the module that runs the others' tests a second time
ON_SPARK = "test_estimation_on_spark"


def _claimed(engine: str) -> set[str]:
    ids = set()
    for path in Path(__file__).parent.glob("test_*.py"):
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
