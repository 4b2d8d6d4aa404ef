"""survey_calibrated_estimates against R survey: every result of the reference cases f, and the sample before it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import ReferenceRows, union_of_calls
from test_oracle_survey_estimates import INTERVALS, ORACLE, _close, _estimand, _intervals, _prefix_and_name, pytestmark

__all__ = ["pytestmark"]


def _f_designs(intercept: float, score: float, llm: float, folder: str) -> dict[str, dict[str, Any]]:
    strata = {"weight": "w", "stratum": "stratum"}
    finite = {**strata, "population_psus": "N_h"}
    auxiliaries = {"1": intercept, "score": score, "llm": llm}

    def margin(*columns: str) -> dict[str, Any]:
        return {"columns": list(columns), "totals": f"{folder}_margin_{'_'.join(columns)}", "total": "Freq"}

    return {
        "d0": finite,
        "dps": {**finite, "method": "post_stratification", "margins": [margin("country")]},
        "dpsn": {**strata, "method": "post_stratification", "margins": [margin("country")]},
        "dpx": {**finite, "method": "post_stratification", "margins": [margin("country", "surface")]},
        "drk": {**finite, "method": "raking", "margins": [margin("country"), margin("surface")]},
        "dgr": {**finite, "method": "linear", "auxiliaries": auxiliaries},
        "dgn": {**strata, "method": "linear", "auxiliaries": auxiliaries},
        "dgk": {**finite, "method": "raking", "auxiliaries": auxiliaries},
        "dgl": {**finite, "method": "logit", "auxiliaries": auxiliaries, "bounds": [0.3, 3]},
        "dgb": {**finite, "method": "linear", "auxiliaries": auxiliaries, "bounds": [0.3, 3]},
        "drr": {**finite, "method": "linear", "auxiliaries": {"score": score}},
    }


def _api_designs() -> dict[str, dict[str, Any]]:
    clusters = {"weight": "pw", "psu": "dnum", "population_psus": "fpc"}
    margins = [
        {"columns": [column], "totals": f"f03_api_calibration_pop_{column}", "total": "Freq"}
        for column in ("stype", "sch_wide")
    ]
    auxiliaries = {
        "1": 6194,
        "case when stype = 'H' then 1 else 0 end": 755,
        "case when stype = 'M' then 1 else 0 end": 1018,
        "api99": 3914069,
    }
    return {
        "dps": {**clusters, "method": "post_stratification", "margins": margins[:1]},
        "drk": {**clusters, "method": "raking", "margins": margins},
        "dgr": {**clusters, "method": "linear", "auxiliaries": auxiliaries},
        "dgk": {**clusters, "method": "raking", "auxiliaries": auxiliaries},
    }


def _totals(folder: str) -> tuple[float, float, float]:
    """Population totals of 1, score and llm, which the reference gives in the call that builds the design."""
    setup = " ".join(json.loads((ORACLE / folder / "expected.json").read_text())["setup"])
    text = setup.split("population=c(`(Intercept)`=")[1].split(")")[0]
    intercept, score, llm = (float(part.split("=")[-1]) for part in text.split(","))
    return intercept, score, llm


DOMAINS = {"f01_calibration": "country", "f02_calibration_small": "country", "f03_api_calibration": "stype"}
DESIGNS = (
    {
        "f01_calibration": _f_designs(*_totals("f01_calibration"), "f01_calibration"),
        "f02_calibration_small": _f_designs(*_totals("f02_calibration_small"), "f02_calibration_small"),
        "f03_api_calibration": _api_designs(),
    }
    if ORACLE.is_dir()
    else {}
)


def _results(folder: str) -> list[dict[str, Any]]:
    found = json.loads((ORACLE / folder / "expected.json").read_text())["results"]
    return [result for result in found if _prefix_and_name(result)[0] in DESIGNS[folder]]


CLAIMED = {(folder, result["id"]) for folder in DESIGNS for result in _results(folder)}


def _parameters(weights: bool) -> list[Any]:
    return [
        pytest.param(folder, result, id=f"{folder}::{result['id']}")
        for folder in DESIGNS
        for result in _results(folder)
        if (_prefix_and_name(result)[1] == "weights") == weights
    ]


@pytest.fixture(scope="module")
def calibrated(dbt_calls, call_text):
    models, tables = {}, {}
    for folder, designs in DESIGNS.items():
        for path in (ORACLE / folder).glob("*.csv"):
            tables[f"{folder}_{path.stem}"] = (
                f"select * from read_csv('{path}', auto_type_candidates = ['BIGINT', 'DOUBLE', 'VARCHAR'])"
            )
        calls: dict[str, str] = {}
        for result in _results(folder):
            prefix, name = _prefix_and_name(result)
            if name == "weights":
                continue
            # other intervals follow from the same estimate, variance and df, which survey_estimates is tested for
            for interval in _intervals(result) if prefix == "dgr" else ["wald_t"]:
                if interval in ("wald_t", "korn_graubard"):
                    calls[f"{prefix}:{name}:{interval}"] = call_text(
                        "survey_calibrated_estimates" if "method" in designs[prefix] else "survey_estimates",
                        relation=f"{folder}_data",
                        **_estimand(result),
                        **designs[prefix],
                        interval=interval,
                        by=[[], [DOMAINS[folder]]],
                    )
        for prefix in designs:
            models[f"{folder}_{prefix}"] = union_of_calls(
                {call_id: text for call_id, text in calls.items() if call_id.startswith(f"{prefix}:")}
            )
    rows = ReferenceRows(dbt_calls)
    for model, frame in dbt_calls.run_reference(models, tables).items():
        folder = model.rpartition("_")[0]
        for row in frame.to_dict("records"):
            column = row["grouping_set"]
            domain = ("overall", None) if column == "overall" else (column, str(row[column]))
            rows[folder, row["call_id"], domain] = row
    return rows


@pytest.mark.parametrize(("folder", "result"), _parameters(weights=False))
def test_calibrated_reference(calibrated, folder, result) -> None:
    prefix, name = _prefix_and_name(result)
    domain = next(iter(result.get("domain", {}).items()), ("overall", None))
    row = calibrated[folder, f"{prefix}:{name}:wald_t", domain]
    assert _close(row["estimate"], result["estimate"], 1e-7, 1e-10)
    assert _close(row["variance"], result["variance"], 1e-7, 1e-10)
    assert _close(row["std_error"], result["se"], 1e-7, 1e-10)
    assert row["sampled_units"] == result["n"]
    assert row["degrees_of_freedom"] == result["df"]
    assert _close(row["sum_of_weights"], result["sum_w"], 1e-7, 1e-10)
    if result.get("deff_replace") is not None:
        assert _close(row["design_effect"], result["deff_replace"], 1e-7, 1e-10)
    assert row["status"] in ("ok", "zero_variance")
    for interval in INTERVALS:
        interval_row = calibrated.get((folder, f"{prefix}:{name}:{interval}", domain))
        if interval_row is not None and row["status"] == "ok":
            for side, bound in zip(("lower", "upper"), result.get("ci", {}).get(interval) or (), strict=False):
                assert _close(interval_row[f"interval_{side}"], bound, 1e-7, 1e-10), (interval, side)


@pytest.mark.parametrize(("folder", "result"), _parameters(weights=True))
def test_calibration_factors_reference(calibrated, folder, result) -> None:
    row = calibrated[folder, f"{_prefix_and_name(result)[0]}:mean_y:wald_t", ("overall", None)]
    assert _close(row["smallest_calibration_factor"], result["min_g"], 1e-7, 1e-10)
    assert _close(row["largest_calibration_factor"], result["max_g"], 1e-7, 1e-10)
