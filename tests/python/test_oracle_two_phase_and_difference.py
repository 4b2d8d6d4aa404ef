"""survey_two_phase_estimates against R survey: the reference cases e."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_oracle_survey_estimates import INTERVALS, ORACLE, _close, _estimand, _intervals, _prefix_and_name, pytestmark

__all__ = ["pytestmark"]

_CELLS = {"phase_1_weight": "w1", "phase_2_stratum": "cell", "phase_2_sampled": "human = 1"}
TWO_PHASE: dict[str, dict[str, Any]] = {
    "e01_twophase_srs_llm": {**_CELLS, "phase_1_population": "N_pop"},
    "e02_twophase_srs_llm_small": {**_CELLS, "phase_1_population": "N_pop"},
    "e03_twophase_strat": {**_CELLS, "phase_1_population": "N_h", "phase_1_stratum": "stratum"},
    "e04_twophase_poisson": {
        "phase_1_weight": "w1",
        "phase_1_population": "N_pop",
        "phase_2_design": "poisson",
        "phase_2_probability": "p2",
        "phase_2_sampled": "human = 1",
    },
}
TWO_PHASE_DOMAINS = {"e03_twophase_strat": ("country", "surface")}
# another variance (approx, simple), a phase 1 that is not simple random (phase1_wr), another estimator (calibrated)
TWO_PHASE_OUT_OF_SCOPE = ("approx", "simple", "phase1_wr", "calibrated", "calibrated2", "closed_form", "textbook")


def _expected(folder: str) -> list[dict[str, Any]]:
    path = ORACLE / folder / "expected.json"
    return json.loads(path.read_text())["results"] if path.is_file() else []


def _two_phase_results() -> list[Any]:
    return [
        pytest.param(folder, result, id=f"{folder}::{result['id']}")
        for folder in TWO_PHASE
        for result in _expected(folder)
        if _prefix_and_name(result)[0] not in TWO_PHASE_OUT_OF_SCOPE and "estimate" in result
    ]


def _data(folder: str) -> str:
    return f"select * from read_csv('{ORACLE / folder / 'data.csv'}', auto_type_candidates = ['BIGINT', 'DOUBLE', 'VARCHAR'])"


@pytest.fixture(scope="module")
def two_phase(dbt_calls, call_text):
    models, tables = {}, {}
    for folder, design in TWO_PHASE.items():
        calls = {}
        for parameter in _two_phase_results():
            case, result = parameter.values
            if case == folder:
                for interval in _intervals(result):
                    calls[f"{_prefix_and_name(result)[1]}:{interval}"] = call_text(
                        "survey_two_phase_estimates",
                        relation=f"data_{folder}",
                        **_estimand(result),
                        **design,
                        interval=interval,
                        by=[[], *([column] for column in TWO_PHASE_DOMAINS.get(folder, ("country",)))],
                    )
        models[folder] = "\nunion all\n".join(
            f"select '{call_id}' as call_id, called.* from (\n{text}\n) as called" for call_id, text in calls.items()
        )
        tables[f"data_{folder}"] = _data(folder)
    rows = {}
    for folder, frame in dbt_calls.run(models, tables).items():
        for row in frame.to_dict("records"):
            column = row["grouping_set"]
            domain = ("overall", None) if column == "overall" else (column, str(row[column]))
            rows[folder, row["call_id"], domain] = row
    return rows


def _variances_by_phase() -> list[Any]:
    return [
        pytest.param(folder, result, id=f"{folder}::{result['id']}")
        for folder in TWO_PHASE
        for result in _expected(folder)
        if result["id"] == "variance_by_phase"
    ]


@pytest.mark.parametrize(("folder", "result"), _variances_by_phase())
def test_two_phase_variance_by_phase(two_phase, folder, result) -> None:
    row = two_phase[folder, "total_y:wald_t", ("overall", None)]
    assert _close(row["variance_phase_1"], result["phase1"], 1e-8, 1e-12)
    assert _close(row["variance_phase_2"], result["phase2"], 1e-8, 1e-12)


@pytest.mark.parametrize(("folder", "result"), _two_phase_results())
def test_two_phase_reference(two_phase, folder, result) -> None:
    domain = next(iter(result.get("domain", {}).items()), ("overall", None))
    name = _prefix_and_name(result)[1]
    rows = {interval: two_phase[folder, f"{name}:{interval}", domain] for interval in _intervals(result)}
    row = rows["wald_t"]
    assert _close(row["estimate"], result["estimate"], 1e-8, 1e-12)
    assert _close(row["variance"], result["variance"], 1e-8, 1e-12)
    assert _close(row["variance_phase_1"] + row["variance_phase_2"], result["variance"], 1e-8, 1e-12)
    assert row["sampled_units"] == result["n"]
    assert row["degrees_of_freedom"] == result["df"]
    assert row["positive_units"] == result.get("n_pos", row["positive_units"])
    assert _close(row["sum_of_weights"], result["sum_w"], 1e-8, 1e-12)
    if result.get("n_eff") is not None:
        assert _close(row["effective_n"], result["n_eff"], 1e-8, 1e-12)
    if result.get("deff_replace") is not None:
        assert _close(row["design_effect"], result["deff_replace"], 1e-8, 1e-12)
    if result["variance"] == 0:
        degenerate = result["estimand"] != "total"
        assert row["status"] == ("degenerate_proportion" if degenerate else "zero_variance")
        return
    for interval, interval_row in rows.items():
        reference_name, own_rel = INTERVALS[interval]
        assert (interval_row["status"], interval_row["interval_method"]) == ("ok", interval)
        for side, bound in zip(("lower", "upper"), result.get("ci", {}).get(reference_name) or (), strict=False):
            if bound is not None:
                assert _close(interval_row[f"interval_{side}"], bound, own_rel or 1e-8, 1e-12), (interval, side)
