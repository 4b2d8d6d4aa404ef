"""survey_replicate_estimates against R survey: every result of the reference cases g."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from conftest import ReferenceRows, union_of_calls
from test_oracle_survey_estimates import INTERVALS, ORACLE, _close, _estimand, _prefix_and_name, pytestmark
from test_oracle_two_phase_estimates import _expected

__all__ = ["pytestmark"]

FOLDERS = ("g01_replicates_brr", "g02_replicates_jkn")
# every interval of one set of replicates; the others' intervals follow from the same estimate, variance and df
ALL_INTERVALS = {"g01_replicates_brr": "brr", "g02_replicates_jkn": "jkn"}
KINDS = {**INTERVALS, "wald_z": ("wald_z", None)}


def _kinds(folder: str, result: dict[str, Any]) -> list[str]:
    if result["estimand"] != "mean":
        return ["wald_t"]
    return list(KINDS) if _prefix_and_name(result)[0] == ALL_INTERVALS[folder] else ["wald_t", "korn_graubard"]


def _results() -> list[Any]:
    return [
        pytest.param(folder, result, id=f"{folder}::{result['id']}")
        for folder in FOLDERS
        for result in _expected(folder)
    ]


CLAIMED = {(parameter.values[0], parameter.values[1]["id"]) for parameter in _results()}


def _call(call_text: Any, folder: str, prefix: str, arguments: dict[str, Any]) -> str:
    shared = {"relation": f"data_{folder}", "weight": "w", "by": [[], ["country"]], **arguments}
    if prefix == "taylor":
        return call_text("survey_estimates", **shared, stratum="stratum", psu="psu")
    kind = prefix.removesuffix("_mse")
    scales = pd.read_csv(ORACLE / folder / f"scale_{kind}.csv")
    return call_text(
        "survey_replicate_estimates",
        **shared,
        replicate_weights=[f"{kind}_{name}" for name in scales.replicate],
        scale=float(scales.scale[0]),
        rscales=[float(value) for value in scales.rscale],
        mse=prefix.endswith("_mse"),
    )


@pytest.fixture(scope="module")
def replicate_figures(dbt_calls, call_text):
    models, tables = {}, {}
    for folder in FOLDERS:
        names = sorted(path.stem for path in (ORACLE / folder).glob("rw_*.csv"))
        tables[f"data_{folder}"] = f"select * from read_csv('{ORACLE / folder}/data.csv')" + "".join(
            f" positional join (select columns(*) as '{name[3:]}_\\0' from read_csv('{ORACLE / folder / name}.csv'))"
            for name in names
        )
        calls: dict[str, str] = {}
        for result in _expected(folder):
            if "|" not in result["id"]:
                for interval in _kinds(folder, result):
                    calls[f"{result['id']}:{interval}"] = _call(
                        call_text, folder, _prefix_and_name(result)[0], {**_estimand(result), "interval": interval}
                    )
        for prefix in {name.split(":")[0] for name in calls}:
            models[f"{folder}_{prefix}"] = union_of_calls(
                {call_id: text for call_id, text in calls.items() if call_id.split(":")[0] == prefix}
            )
    rows = ReferenceRows(dbt_calls)
    for model, frame in dbt_calls.run_reference(models, tables).items():
        for row in frame.to_dict("records"):
            country = row["country"] if row["grouping_set"] == "country" else None
            rows[model[:3], row["call_id"], country] = row
    return rows


@pytest.mark.parametrize(("folder", "result"), _results())
def test_reference(replicate_figures, folder, result) -> None:
    name, country = result["id"].split("|")[0], result.get("domain", {}).get("country")
    rows = {kind: replicate_figures[folder[:3], f"{name}:{kind}", country] for kind in _kinds(folder, result)}
    row = rows["wald_t"]
    assert row["status"] == "ok"
    assert _close(row["estimate"], result["estimate"], 1e-8, 1e-12)
    assert _close(row["variance"], result["variance"], 1e-8, 1e-12)
    assert _close(row["std_error"], result["se"], 1e-8, 1e-12)
    assert row["degrees_of_freedom"] == result["df"]
    assert row["sampled_units"] == result["n"]
    assert row["positive_units"] == result.get("n_pos", row["positive_units"])
    assert _close(row["sum_of_weights"], result["sum_w"], 1e-8, 1e-12)
    if "deff_replace" in result:
        assert _close(row["design_effect"], result["deff_replace"], 1e-8, 1e-12)
    if "n_eff" in result:
        assert _close(row["effective_n"], result["n_eff"], 1e-8, 1e-12)
    for kind, interval_row in rows.items():
        reference_name, own_rel = KINDS[kind]
        assert interval_row["interval_method"] == kind
        for side, bound in zip(("lower", "upper"), result.get("ci", {}).get(reference_name) or (), strict=False):
            assert _close(interval_row[f"interval_{side}"], bound, own_rel or 1e-8, 1e-12), (kind, side)
