"""survey_difference against R survey: every result of the reference cases i."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from scipy import stats
from test_oracle_survey_estimates import _close, pytestmark
from test_oracle_two_phase_estimates import _data, _expected

__all__ = ["pytestmark"]

FOLDERS = ("i01_periods_overlap", "i02_periods_disjoint")
COUNTRY = {"by": [["country"]]}
# id -> our arguments, and what has to be added to our estimate (ours is relative to the first period, minus one)
CHANGES: dict[str, tuple[dict[str, Any], float]] = {
    "difference_overlap": ({"y": "y"}, 0.0),
    "view_weighted_difference_overlap": ({"y": "yv", "x": "views"}, 0.0),
    "ratio_overlap": ({"y": "y", "relative": True}, 1.0),
    "logratio_overlap": ({"y": "y", "relative": "log"}, 0.0),
    "difference_country_AA": ({"y": "y", **COUNTRY}, 0.0),
}
LEVELS = {
    "by_period": "difference_overlap",
    "view_weighted_by_period": "view_weighted_difference_overlap",
    "by_period_country_AA": "difference_country_AA",
}
# name of the reference's interval -> our arguments
INDEPENDENT: dict[str, dict[str, Any]] = {
    "ci_wald_z": {"interval": "wald_z"},
    "ci_wald_t_sum": {},
    "ci_wald_t_satterthwaite": {"degrees_of_freedom": "satterthwaite"},
}


def _results(wanted: Any) -> list[Any]:
    return [
        pytest.param(folder, result, id=f"{folder}::{result['id']}")
        for folder in FOLDERS
        for result in _expected(folder)
        if result["id"] in wanted
    ]


CLAIMED = {
    (parameter.values[0], parameter.values[1]["id"])
    for parameter in _results({*CHANGES, *LEVELS, "difference_independent"})
}


@pytest.fixture(scope="module")
def differences(dbt_calls, call_text):
    calls = {name: arguments for name, (arguments, _) in CHANGES.items()}
    calls |= {name: {"y": "y", "independent": True, **arguments} for name, arguments in INDEPENDENT.items()}
    models, tables = {}, {}
    for folder in FOLDERS:
        tables[f"data_{folder}"] = _data(folder)
        for name, arguments in calls.items():
            models[f"{folder}_{name}"] = call_text(
                "survey_difference",
                relation=f"data_{folder}",
                weight="w",
                stratum="stratum",
                psu="unit_id",
                period="period",
                from_period="p1",
                to_period="p2",
                **arguments,
            )
    return dbt_calls.run(models, tables)


def _row(frame: pd.DataFrame) -> Any:
    return (frame[frame.country == "AA"] if "country" in frame else frame).iloc[0]


@pytest.mark.parametrize(("folder", "result"), _results(CHANGES))
def test_change(differences, folder, result) -> None:
    row, shift = _row(differences[f"{folder}_{result['id']}"]), CHANGES[result["id"]][1]
    assert _close(row.estimate + shift, result["estimate"][0], 1e-8, 1e-12)
    assert _close(row.std_error, result["se"][0], 1e-8, 1e-12)
    assert row.degrees_of_freedom == result["df"]
    assert _close(row.interval_lower + shift, result["ci_wald_t_lower"][0], 1e-8, 1e-12)
    assert _close(row.interval_upper + shift, result["ci_wald_t_upper"][0], 1e-8, 1e-12)
    assert (row.status, row.interval_method) == ("ok", "wald_t")


@pytest.mark.parametrize(("folder", "result"), _results(LEVELS))
def test_levels_and_covariance(differences, folder, result) -> None:
    row = _row(differences[f"{folder}_{LEVELS[result['id']]}"])
    t = stats.t.ppf(0.975, result["df"])
    assert row.degrees_of_freedom == result["df"]
    for position, end in enumerate(("from", "to")):
        estimate, variance = row[f"estimate_{end}"], row[f"variance_{end}"]
        assert _close(estimate, result["estimate"][position], 1e-8, 1e-12)
        assert _close(variance, result["vcov"][position][position], 1e-8, 1e-12)
        assert _close(estimate - t * variance**0.5, result["ci_wald_t_lower"][position], 1e-8, 1e-12)
        assert _close(estimate + t * variance**0.5, result["ci_wald_t_upper"][position], 1e-8, 1e-12)
    assert _close(row.covariance, result["vcov"][0][1], 1e-8, 1e-12)
    if "country" not in row:
        assert row.overlapping_psus == (120 if folder == "i01_periods_overlap" else 0)


@pytest.mark.parametrize(("folder", "result"), _results({"difference_independent"}))
def test_independent_periods(differences, folder, result) -> None:
    for name in INDEPENDENT:
        row = _row(differences[f"{folder}_{name}"])
        assert _close(row.estimate, result["estimate"], 1e-8, 1e-12)
        assert _close(row.variance, result["variance"], 1e-8, 1e-12)
        assert _close(row.std_error, result["se"], 1e-8, 1e-12)
        df = result["df_satterthwaite" if name.endswith("satterthwaite") else "df_sum"]
        assert _close(row.degrees_of_freedom, df, 1e-8, 1e-12)
        assert _close(row.interval_lower, result[name][0], 1e-8, 1e-12)
        assert _close(row.interval_upper, result[name][1], 1e-8, 1e-12)
