"""Every result of every reference case is claimed by a test, so that none is left out in silence.

A test claims a result when the id of one of its parameters is `<case>::<id of the result>`, or the same with a hyphen.
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

from test_oracle_survey_estimates import LONELY_IN_THE_DOMAIN, ORACLE, pytestmark

__all__ = ["pytestmark"]

# pattern of case::id -> why no macro answers it
LEFT_OUT = {
    f"h04_lonely_psu::{LONELY_IN_THE_DOMAIN}": "a rule for strata of the domain; ours are about the design's strata",
}


def _claimed() -> set[str]:
    ids = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        if not re.search(r"oracle", path.read_text(), re.IGNORECASE):
            continue
        module = importlib.import_module(path.stem)
        for name, function in vars(module).items():
            marks = getattr(function, "pytestmark", []) if name.startswith("test_") else []
            for mark in marks:
                if mark.name == "parametrize":
                    ids |= {parameter.id for parameter in mark.args[1] if getattr(parameter, "id", None)}
                    ids |= set(mark.kwargs["ids"]) if isinstance(mark.kwargs.get("ids"), list) else set()
    return ids


def test_every_result_is_claimed() -> None:
    results = [
        f"{path.parent.name}::{result['id']}"
        for path in sorted(ORACLE.glob("*/expected.json"))
        for result in json.loads(path.read_text())["results"]
    ]
    assert len(results) > 1000
    claimed = _claimed()
    unclaimed = {name for name in results if not {name, name.replace("::", "-", 1)} & claimed}
    left_out = {pattern: [name for name in unclaimed if re.fullmatch(pattern, name)] for pattern in LEFT_OUT}
    silent = sorted(unclaimed - {name for names in left_out.values() for name in names})
    assert not silent, f"{len(silent)} results of reference cases have no test: {silent[:40]}"
    assert all(left_out.values()), "left out, and yet tested or unknown"
