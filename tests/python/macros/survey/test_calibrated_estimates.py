"""survey_calibrated_estimates: what calibration promises, where it is impossible, and its refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from python_udfs import calibration

# 120 units of two countries on two surfaces; 1 in 8 without a label
SAMPLE = """
select
    unit_id,
    case when unit_id % 3 = 0 then 'AA' else 'BB' end as country,
    case when unit_id % 4 < 2 then 'feed' else 'search' end as surface,
    2.0 + unit_id % 5 as w,
    0.2 + (unit_id % 3) / 4.0 as pi,
    unit_id % 7 / 10.0 as score,
    case when unit_id % 8 <> 3 then case when unit_id % 7 > 4 or unit_id % 11 = 0 then 1 else 0 end end as y
from range(120) as numbers (unit_id)
"""
TABLES = {
    "calibrated_sample": SAMPLE,
    "countries": "select * from (values ('AA', 200.0), ('BB', 300.0)) as t (country, total)",
    "surfaces": "select * from (values ('feed', 240.0), ('search', 260.0)) as t (surface, total)",
    "one_country": "select * from (values ('AA', 200.0)) as t (country, total)",
    "three_countries": "select * from (values ('AA', 200.0), ('BB', 300.0), ('CC', 9.0)) as t (country, total)",
    "doubled_countries": "select * from (values ('AA', 200.0), ('BB', 100.0), ('BB', 200.0)) as t (country, total)",
    "more_surfaces": "select * from (values ('feed', 240.0), ('search', 300.0)) as t (surface, total)",
}


def _margin(column: str, totals: str) -> dict:
    return {"columns": [column], "totals": totals}


BOTH = [_margin("country", "countries"), _margin("surface", "surfaces")]


@pytest.fixture(scope="module")
def results(dbt_calls, call_text):
    def call(**arguments):
        shared = {"relation": "calibrated_sample", "y": "y", "weight": "w"}
        return call_text("survey_calibrated_estimates", **{**shared, **arguments})

    by = [[], ["country"], ["surface"]]
    auxiliaries = {"1": 500, "score": 160}
    models = {
        "post": call(method="post_stratification", margins=BOTH[:1], by=by, y="1", total=True),
        "raked": call(method="raking", margins=BOTH, by=by, y="1", total=True),
        "raked_share": call(method="raking", margins=BOTH, by=by),
        "raked_surface": call(method="raking", margins=BOTH, y="case when surface = 'feed' then 1 else 0 end"),
        "linear": call(method="linear", auxiliaries=auxiliaries, y="score", total=True),
        "logit": call(method="logit", auxiliaries=auxiliaries, bounds=[0.2, 4], y="score", total=True),
        "cut": call(method="linear", auxiliaries=auxiliaries, bounds=[0.9, 1.2], y="score", total=True),
        "poisson": call(method="linear", auxiliaries={"1": 500}, design="poisson", inclusion_probability="pi"),
        "unreachable": call(method="logit", auxiliaries={"1": 500, "score": 400}, bounds=[0.9, 1.3]),
        "invalid": call(method="raking", margins=BOTH, weight="case when unit_id > 0 then w end", by=by),
    }
    for name, margins in {
        "one_country": [_margin("country", "one_country")],
        "three_countries": [_margin("country", "three_countries")],
        "doubled_countries": [_margin("country", "doubled_countries")],
        "more_surfaces": [BOTH[0], _margin("surface", "more_surfaces")],
    }.items():
        models[f"misfit_{name}"] = call(method="raking", margins=margins)
    return dbt_calls.run(models, TABLES)


def test_calibrated_totals_are_the_known_ones(results) -> None:
    post = results["post"].set_index("country")
    assert post.estimate[["AA", "BB"]].to_list() == pytest.approx([200, 300], rel=1e-12)
    raked = results["raked"]
    for column, expected in (("country", {"AA": 200, "BB": 300}), ("surface", {"feed": 240, "search": 260})):
        rows = raked[raked.grouping_set == column].set_index(column)
        assert rows.estimate.to_dict() == pytest.approx(expected, rel=1e-9)
        # a known total has no sampling error
        assert (rows.status == "zero_variance").all() and (rows.variance == 0).all()
    for name in ("linear", "logit", "cut"):
        assert results[name].estimate[0] == pytest.approx(160, rel=1e-9)
        assert results[name].variance[0] == pytest.approx(0, abs=1e-9)
    share = results["raked_surface"].iloc[0]
    assert share.estimate == pytest.approx(0.48, rel=1e-9)
    assert share.std_error == pytest.approx(0, abs=1e-9)


def test_bounds_hold(results) -> None:
    assert 0.2 < results["logit"].smallest_calibration_factor[0] < 1
    assert results["logit"].largest_calibration_factor[0] < 4
    cut = results["cut"].iloc[0]
    assert cut.smallest_calibration_factor == pytest.approx(0.9) and cut.largest_calibration_factor == pytest.approx(
        1.2
    )
    assert results["linear"].largest_calibration_factor[0] > 1.2


def test_poisson_variance_is_that_of_residuals(results, dbt_calls) -> None:
    row = results["poisson"].iloc[0]
    unit = np.arange(120)
    w, pi = 2.0 + unit % 5, 0.2 + unit % 3 / 4
    labeled = unit % 8 != 3
    y = ((unit % 7 > 4) | (unit % 11 == 0)) * 1.0
    wg = w * 500 / w.sum()
    ratio = (wg * y)[labeled].sum() / wg[labeled].sum()
    u = np.where(labeled, y - ratio, 0)
    z = wg * (u - (w * u).sum() / w.sum())
    assert row.estimate == pytest.approx(ratio, rel=1e-12)
    assert row.variance == pytest.approx(((1 - pi) * z**2).sum() / wg[labeled].sum() ** 2, rel=1e-10)
    assert row.unlabeled_units == 15


def test_what_does_not_fit_is_named(results) -> None:
    for name, frame in results.items():
        if name.startswith("misfit_"):
            assert (frame.status == "margins_do_not_fit").all(), name
            assert frame.estimate.isna().all() and frame.interval_lower.isna().all()
    assert results["unreachable"].status.to_list() == ["totals_out_of_reach"]
    assert (results["invalid"].status == "invalid_rows").all() and results["invalid"].estimate.isna().all()
    assert (results["raked_share"].status == "ok").all()


def test_functions_say_when_there_is_no_solution() -> None:
    singular = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert calibration.linear_solution(singular, np.array([2.0, 2.0])).sum() == pytest.approx(2)
    assert np.isnan(calibration.linear_solution(singular, np.array([2.0, 3.0]))).all()
    # cell 1 is alone in its category of the second margin, cell 3 in its category of the first
    cells = np.array([[1, 10.0, 1, 30, 1, 12], [3, 30.0, 2, 60, 2, 78], [2, 20.0, 1, 30, 2, 78]])
    weights = np.array([10.0, 20.0, 30.0]) * calibration.raking_factors(cells)
    np.testing.assert_allclose(weights, [12, 18, 60], rtol=1e-9)
    cells[:, 5] = [50, 40, 40]
    assert np.isnan(calibration.raking_factors(cells)).all()


REFUSALS = {
    "": "method must be one of post_stratification, raking, linear, logit; received 'None'",
    "method='linear'": "method 'linear' requires auxiliaries, and takes no margins",
    "method='raking'": "method 'raking' requires either margins or auxiliaries",
    "method='post_stratification', auxiliaries={'1': 5}": "method 'post_stratification' requires margins",
    "method='raking', margins='countries'": "margins must be a list such as",
    "method='raking', margins=[{'columns': 'country', 'totals': 't'}]": "margins must each have columns (a list) and totals",
    "method='post_stratification', margins=[{'columns': ['a'], 'totals': 't'}, {'columns': ['b'], 'totals': 't'}]": (
        "takes one margin, which may have several columns; received 2"
    ),
    "method='logit', auxiliaries={'1': 5}": "method 'logit' requires bounds, such as [0.3, 3]; received none",
    "method='logit', auxiliaries={'1': 5}, bounds=[1, 3]": "bounds must be two numbers, one in [0, 1) and one above 1",
    "method='linear', auxiliaries={'1': '5'}": "auxiliaries must map expressions to numbers; received '5' for 1",
    "method='raking', auxiliaries={'1': 5}, bounds=[0.5, 2]": "bounds belong to the methods linear and logit",
    "method='linear', auxiliaries={'1': 5}, design='poisson'": "design 'poisson' requires inclusion_probability",
}


def test_refusals(dbt_calls) -> None:
    models = {
        f"refused_{number}": "{{ prevalence.survey_calibrated_estimates('calibrated_sample', 'y', " + arguments + ") }}"
        for number, arguments in enumerate(REFUSALS)
    }
    for message, expected in zip(dbt_calls.refusals(models).values(), REFUSALS.values(), strict=True):
        assert "survey_calibrated_estimates: " in message, expected
        assert expected in message


def test_sample_is_what_the_checks_assume(results) -> None:
    frame: pd.DataFrame = results["raked_share"]
    overall = frame[frame.grouping_set == "overall"].iloc[0]
    assert (overall.sampled_units, overall.unlabeled_units) == (105, 15)
