"""nchs_presentation: each criterion at its limit, and the flags of the reference case n."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from conftest import SHARED

CASE = SHARED / "oracle" / "n01_binomial_korn_graubard"
# estimate, sampled units, effective n, degrees of freedom, lower, upper -> flag and reason
ROWS = [
    ("a", 0.2, 30, 30.0, 8, 0.1, 0.3, "show", None),
    ("b", 0.2, 29, 30.0, 8, 0.1, 0.3, "suppress", "few_sampled_units"),
    ("c", 0.2, 30, 29.9, 8, 0.1, 0.3, "suppress", "small_effective_n"),
    ("d", 0.4, 90, 90.0, 8, 0.25, 0.56, "suppress", "wide_interval"),
    ("e", 0.1, 90, 90.0, 8, 0.05, 0.185, "suppress", "relatively_wide_interval"),
    ("f", 0.1, 90, 90.0, 8, 0.05, 0.175, "show", None),
    ("g", 0.001, 90, 90.0, 8, 0.0, 0.049, "show", None),
    ("h", 0.2, 30, 30.0, 7, 0.1, 0.3, "review", "few_degrees_of_freedom"),
    ("i", 0.0, 90, None, 80, 0.0, 0.04, "review", "no_events_or_only_events"),
    ("j", 1.0, 90, None, 80, 0.96, 1.0, "review", "no_events_or_only_events"),
    ("k", 0.0, 50, None, 40, 0.0, 0.0711, "suppress", "relatively_wide_interval"),
    ("l", None, 0, None, None, None, None, "suppress", "no_estimate"),
    ("m", 0.2, 90, 90.0, 0, None, None, "suppress", "no_interval"),
]
# each limit moved so that it passes what the standard's does not, or the other way round
OWN_LIMITS = {
    "least_sampled_units": 29, "least_effective_n": 29.9, "least_degrees_of_freedom": 7, "greatest_width": 0.32,
    "always_narrow_width": 0.04, "greatest_relative_width": 1.36,
}  # fmt: skip
CHANGED = {"b": "show", "c": "show", "d": "show", "e": "show", "g": "suppress", "h": "show"}
COLUMNS = ("row_id", "share", "n", "n_eff", "df", "low", "high", "flag", "reason")


@pytest.fixture(scope="module")
def results(dbt_calls, call_text):
    expressions = dict(
        zip(
            ("estimate", "sampled_units", "effective_n", "degrees_of_freedom", "interval_lower", "interval_upper"),
            COLUMNS[1:7],
            strict=True,
        )
    )
    literals = ", ".join(
        "(" + ", ".join("null" if value is None else repr(value) for value in row) + ")" for row in ROWS
    )
    tables = {"shares": f"select * from (values {literals}) as shares ({', '.join(COLUMNS)})"}
    models = {
        "flags": call_text("nchs_presentation", relation="shares", **expressions),
        "own_limits": call_text("nchs_presentation", relation="shares", **expressions, **OWN_LIMITS),
    }
    if CASE.is_dir():
        tables["binomial"] = f"select *, p * (1 - p) / variance as n_eff from read_csv('{CASE}/data.csv')"
        bounds = ", ".join(
            f"korn_graubard_trunc_{side}(p, n_eff, n, df, 0.05) as interval_{side}" for side in ("lower", "upper")
        )
        flags = call_text(
            "nchs_presentation",
            relation="estimates",
            estimate="p",
            sampled_units="n",
            effective_n="n_eff",
            degrees_of_freedom="df",
        )
        models["reference"] = f"with estimates as (select *, {bounds} from binomial) select * from ({flags}) as flags"
    return dbt_calls.run(models, tables)


def test_criteria_at_their_limits(results) -> None:
    frame = results["flags"].sort_values("row_id")
    assert list(frame.presentation) == list(frame.flag) == [row[7] for row in ROWS]
    for ours, row in zip(frame.presentation_reason, ROWS, strict=True):
        assert (None if pd.isna(ours) else ours) == row[8], row


def test_limits_are_configuration(results) -> None:
    frame = results["own_limits"].set_index("row_id").presentation
    assert dict(frame) == {row[0]: CHANGED.get(row[0], row[7]) for row in ROWS}


def test_a_limit_that_is_no_number_is_refused(dbt_calls, call_text) -> None:
    models = {
        name: call_text("nchs_presentation", relation="shares", **{name: value})
        for name, value in (("greatest_width", "wide"), ("least_sampled_units", -1), ("least_effective_n", True))
    }
    for name, message in dbt_calls.refusals(models).items():
        assert f"nchs_presentation: {name} is" in message and "Remedy: " in message, message


def _reference() -> list:
    if not CASE.is_dir():
        return []
    found = json.loads((CASE / "expected.json").read_text())["results"]
    return [pytest.param(result, id=f"{CASE.name}::{result['id']}") for result in found if "nchs_2017" in result]


@pytest.mark.parametrize("result", _reference())
def test_reference(results, result) -> None:
    row = results["reference"].set_index("row").loc[result["id"]]
    expected = result["nchs_2017"]
    assert row.interval_width == pytest.approx(expected["abs_width"], rel=1e-9)
    assert row.relative_interval_width == pytest.approx(expected["rel_width"], rel=1e-9)
    assert (row.presentation == "suppress") == expected["suppress"]
    assert (row.n_eff >= 30) == expected["n_eff_ok"]
    # a figure that is suppressed is not reviewed
    assert (row.presentation == "review") == (expected["df_review"] and not expected["suppress"])
