"""survey_two_phase_estimates against R survey and ppi-python: the reference cases e and k, and the forest parcels."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ReferenceRows, union_of_calls
from test_oracle_survey_estimates import (
    INTERVALS,
    ORACLE,
    SHARED,
    _close,
    _estimand,
    _intervals,
    _prefix_and_name,
    pytestmark,
)

__all__ = ["pytestmark"]

_SIMPLE = {"phase_1_weight": "w1", "phase_1_population": "N_pop", "phase_2_sampled": "human = 1"}
_CELLS = {**_SIMPLE, "phase_2_stratum": "cell"}
_CELL_NAMES = ("ok_lo", "ok_hi", "flag_lo", "flag_hi")
_INDICATORS = [f"case when cell = '{name}' then 1.0 else 0.0 end" for name in _CELL_NAMES]
# R's `approx` and `simple` variances plug expansions into the sample variance of phase 1; its phase 1 given by
# probabilities alone is Poisson
_OF_ONE_STRATUM: dict[str, dict[str, Any]] = {
    "": _CELLS,
    "textbook": _CELLS,
    "approx": {**_CELLS, "phase_1_variance": "plug_in"},
    "simple": {**_CELLS, "phase_1_weight": "1.0", "phase_1_population": None, "phase_1_variance": "plug_in"},
    "phase1_wr": {
        **_CELLS,
        "phase_1_population": None,
        "phase_1_design": "poisson",
        "phase_1_probability": "1 / w1",
    },
    "calibrated": {**_CELLS, "phase_2_auxiliaries": [*_INDICATORS, "score"]},
    "calibrated2": {**_CELLS, "phase_2_auxiliaries": [*_INDICATORS, "llm * score"]},
}
_STRATIFIED = {**_CELLS, "phase_1_population": "N_h", "phase_1_stratum": "stratum"}
_POISSON = {**_SIMPLE, "phase_2_design": "poisson", "phase_2_probability": "p2"}
# case -> prefix of the result -> arguments
TWO_PHASE: dict[str, dict[str, dict[str, Any]]] = {
    "e01_twophase_srs_llm": _OF_ONE_STRATUM,
    "e02_twophase_srs_llm_small": _OF_ONE_STRATUM,
    "e03_twophase_strat": {"": _STRATIFIED, "approx": {**_STRATIFIED, "phase_1_variance": "plug_in"}},
    "e04_twophase_poisson": {"": _POISSON, "closed_form": _POISSON},
}
TWO_PHASE_DOMAINS = {"e03_twophase_strat": ("country", "surface")}


def _expected(folder: str) -> list[dict[str, Any]]:
    path = ORACLE / folder / "expected.json"
    return json.loads(path.read_text())["results"] if path.is_file() else []


def _two_phase_results(with_phases: bool = False) -> list[Any]:
    """Every result of the cases, or those that give the parts of the variance."""
    return [
        pytest.param(folder, result, id=f"{folder}::{result['id']}")
        for folder in TWO_PHASE
        for result in _expected(folder)
        if ("phase1" in result if with_phases else result["id"] != "variance_by_phase")
    ]


def _call_of(result: dict[str, Any]) -> tuple[str, str]:
    """Prefix and name of the call that gives the result: two rows restate others in closed form."""
    prefix, name = _prefix_and_name(result)
    return prefix, {"rao1973": "mean_y", "variance_by_phase": "total_y"}.get(name, name)


def _two_phase_intervals(result: dict[str, Any]) -> list[str]:
    """All kinds for the design itself; for the other variances the two that differ most in what they read."""
    kinds = _intervals(result)
    of_variance = [kind for kind in kinds if kind in ("wald_t", "korn_graubard")]
    return kinds if _prefix_and_name(result)[0] == "" else of_variance


def _data(folder: str) -> str:
    return f"select * from read_csv('{ORACLE / folder / 'data.csv'}', auto_type_candidates = ['BIGINT', 'DOUBLE', 'VARCHAR'])"


@pytest.fixture(scope="module")
def two_phase(dbt_calls, call_text):
    models, tables = {}, {}
    for folder, designs in TWO_PHASE.items():
        calls = {}
        for parameter in _two_phase_results():
            case, result = parameter.values
            if case == folder:
                prefix, name = _call_of(result)
                for interval in _two_phase_intervals(result):
                    calls[f"{prefix}:{name}:{interval}"] = call_text(
                        "survey_two_phase_estimates",
                        relation=f"data_{folder}",
                        **_estimand(result),
                        **designs[prefix],
                        interval=interval,
                        by=[[], *([column] for column in TWO_PHASE_DOMAINS.get(folder, ("country",)))],
                    )
        models[folder] = union_of_calls(calls)
        tables[f"data_{folder}"] = _data(folder)
    rows = ReferenceRows(dbt_calls)
    for folder, frame in dbt_calls.run_reference(models, tables).items():
        for row in frame.to_dict("records"):
            column = row["grouping_set"]
            domain = ("overall", None) if column == "overall" else (column, str(row[column]))
            rows[folder, row["call_id"], domain] = row
    return rows


def _row(two_phase: Any, folder: str, result: dict[str, Any], interval: str = "wald_t") -> dict[str, Any]:
    domain = next(iter(result.get("domain", {}).items()), ("overall", None))
    return two_phase[folder, ":".join((*_call_of(result), interval)), domain]


def _left_out_by_r(folder: str, result: dict[str, Any]) -> float:
    """What R's variance of a domain lacks in two kinds of design, recomputed from the rows.

    `calibrated`: subset() (survey 4.5) clears the covariances of units that are both outside the domain, although their
    residuals are not zero; phase 2 between those is left out. `approx`: each phase-2 unit outside the domain stands for
    itself in the centring of phase 1, and not for the w2 units that it represents.
    """
    kind = _prefix_and_name(result)[0]
    if "domain" not in result or kind not in ("calibrated", "approx"):
        return 0.0
    sample = pd.read_csv(ORACLE / folder / "data.csv")
    labeled = sample[sample.human == 1].assign(weight=lambda rows: rows.w1 * rows.w2)
    ((column, value),) = result["domain"].items()
    labeled["inside"] = (labeled[column] == value).astype(float)
    inputs = pd.DataFrame({name: (sample.cell == name).astype(float) for name in _CELL_NAMES}).assign(
        score=sample.score
    )
    x = inputs.loc[labeled.index].to_numpy()
    base = labeled.weight.to_numpy()
    if kind == "calibrated":
        matrix = x.T @ (base[:, None] * x)
        miss = sample.w1.to_numpy() @ inputs.to_numpy() - base @ x
        labeled["weight"] = base * (1 + x @ np.linalg.solve(matrix, miss))
    u = labeled[result["variable"]] * labeled.inside
    if result["estimand"] != "total":
        denominator = labeled.inside * (labeled[result["denominator"]] if "denominator" in result else 1.0)
        u = (u - result["estimate"] * denominator) / (labeled.weight * denominator).sum()
    labeled["score_u"] = labeled.weight * u
    left_out = 0.0
    if kind == "calibrated":
        residual = u - x @ np.linalg.solve(matrix, x.T @ (base * u))
        scores = labeled.weight * residual * (1 - labeled.inside)
        for cell, of_cell in scores.groupby(labeled.cell):
            n, m = len(of_cell), (sample.cell == cell).sum()
            left_out += (1 - n / m) * n * of_cell.var()
        return left_out
    strata = sample["stratum"] if folder == "e03_twophase_strat" else pd.Series("all", index=sample.index)
    for stratum, rows in labeled.groupby(strata):
        n1 = (strata == stratum).sum()
        population = rows.N_h.iloc[0] if folder == "e03_twophase_strat" else rows.N_pop.iloc[0]
        outside = ((rows.w2 - 1) * (1 - rows.inside)).sum()
        left_out += (1 - n1 / population) * n1 / (n1 - 1) * (rows.score_u.sum() / n1) ** 2 * outside
    return left_out


@pytest.mark.parametrize(("folder", "result"), _two_phase_results(with_phases=True))
def test_two_phase_variance_by_phase(two_phase, folder, result) -> None:
    row = _row(two_phase, folder, result)
    assert _close(row["variance_phase_1"], result["phase1"], 1e-8, 1e-12)
    assert _close(row["variance_phase_2"], result["phase2"], 1e-8, 1e-12)


@pytest.mark.parametrize(("folder", "result"), _two_phase_results())
def test_two_phase_reference(two_phase, folder, result) -> None:
    rows = {interval: _row(two_phase, folder, result, interval) for interval in _two_phase_intervals(result)}
    row = rows["wald_t"]
    assert _close(row["estimate"], result["estimate"], 1e-8, 1e-12)
    left_out = _left_out_by_r(folder, result)
    assert _close(row["variance"] - left_out, result["variance"], 1e-8, 1e-12)
    assert _close(row["variance_phase_1"] + row["variance_phase_2"], row["variance"], 1e-12, 1e-12)
    if "n" not in result:
        return
    assert row["sampled_units"] == result["n"]
    assert row["degrees_of_freedom"] == result["df"]
    assert row["positive_units"] == result.get("n_pos", row["positive_units"])
    assert _close(row["sum_of_weights"], result["sum_w"], 1e-8, 1e-12)
    if left_out > 1e-9 * result["variance"]:
        # what follows from the variance is R's too small one's
        return
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


PREDICTION_POWERED = ("k01_ppi_score", "k02_ppi_llm", "k03_ppi_useless")
COEFFICIENTS: dict[str, Any] = {"classical": 0, "ppi": 1, "ppi++": "tuned"}
FOREST = SHARED / "data" / "forest_ppi"


@pytest.fixture(scope="module")
def prediction_powered(dbt_calls, call_text):
    models, tables = {}, {}
    relations = {folder: {"y": "y", "judge": "f", "phase_2_sampled": "labelled = 1"} for folder in PREDICTION_POWERED}
    tables.update({f"data_{folder}": _data(folder) for folder in PREDICTION_POWERED})
    if FOREST.is_dir():
        # the rule of facts.json: units in the order of their ids, the expert sees every fifth
        tables["data_forest"] = f"""
            select
                gold.unit_id,
                cast(gold.gold_label = 'violating' as integer) as gold,
                cast(labels.label = 'violating' as integer) as f,
                (row_number() over (order by gold.unit_id) - 1) % 5 = 0 as labelled
            from '{FOREST / "gold.parquet"}' as gold
            inner join '{FOREST / "labels.parquet"}' as labels
                on gold.unit_id = labels.unit_id and labels.labeler_type = 'model'
        """
        relations["forest"] = {"y": "case when labelled then gold end", "judge": "f", "phase_2_sampled": "labelled"}
    for name, arguments in relations.items():
        for estimator, coefficient in COEFFICIENTS.items():
            models[f"{name}_{estimator.replace('+', 'p')}"] = call_text(
                "survey_two_phase_estimates",
                relation=f"data_{name}",
                **arguments,
                phase_2_design="independent",
                judge_coefficient=coefficient,
                interval="wald_z",
            )
    return {name: frame.iloc[0] for name, frame in dbt_calls.run(models, tables).items()}


@pytest.mark.skipif(not FOREST.is_dir(), reason=f"the forest parcels are not at {FOREST}")
@pytest.mark.parametrize(
    ("estimator", "name"),
    [("classical", "classical"), ("ppi", "ppi_lambda_1"), ("ppi++", "ppi_plus_plus_tuned_lambda")],
)
def test_prediction_powered_forest_parcels(prediction_powered, estimator, name) -> None:
    reference = json.loads((FOREST / "facts.json").read_text())["ppi_reference"]
    row = prediction_powered[f"forest_{estimator.replace('+', 'p')}"]
    assert (row.sampled_units, row.status) == (reference["n_labelled"], "ok")
    assert _close(row.judge_estimate, reference["model_mean_all_units"], 1e-12, 0)
    assert _close(row.estimate, reference[name]["estimate"], 1e-9, 0)
    assert _close(row.interval_lower, reference[name]["ci"][0], 1e-9, 0)
    assert _close(row.interval_upper, reference[name]["ci"][1], 1e-9, 0)


def _prediction_powered_results() -> list[Any]:
    return [
        pytest.param(folder, result, id=f"{folder}::{result['id']}")
        for folder in PREDICTION_POWERED
        for result in _expected(folder)
    ]


@pytest.mark.parametrize(("folder", "result"), _prediction_powered_results())
def test_prediction_powered_reference(prediction_powered, folder, result) -> None:
    row = prediction_powered[f"{folder}_{result['id'].replace('+', 'p')}"]
    assert _close(row.estimate, result["estimate"], 1e-7, 1e-12)
    assert _close(row.std_error, result["se"], 1e-7, 1e-12)
    assert _close(row.judge_coefficient, result["lam"], 1e-7, 1e-12)
    assert (row.sampled_units, row.status, row.interval_method) == (result["n"], "ok", "wald_z")
    for side, bound in zip(("lower", "upper"), result["ci"]["normal"], strict=True):
        assert _close(row[f"interval_{side}"], bound, 1e-7, 1e-12)


# the results that this module reproduces, as parametrised above
CLAIMED = {
    (folder, result["id"])
    for folder, result in (
        *(parameter.values for parameter in (*_two_phase_results(), *_two_phase_results(with_phases=True))),
        *(parameter.values for parameter in _prediction_powered_results()),
    )
}
