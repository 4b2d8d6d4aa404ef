"""survey_replicate_estimates: known answers, limits, statuses and refusals."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pandas as pd
import pytest

# y, domain, weight; five PSUs of one row each, JK1 replicates written out below
ROWS = [(1, "a", 2.0), (0, "a", 2.0), (0, "b", 2.0), (1, "a", 2.0), (0, "b", 2.0)]
JACKKNIFE = {
    "weight": "w",
    "replicate_weights": [f"r{number}" for number in range(1, 6)],
    "scale": 0.8,
}
NAME = "survey_replicate_estimates"


def _table(rows: list[tuple[object, ...]]) -> str:
    """Rows of y, dom, w, with JK1 weights r1 to r5: the k-th row left out, the others' weight times 5/4."""
    selects = []
    for position, (y, dom, w) in enumerate(rows):
        replicates = ", ".join(f"{0 if position == k else 1.25 * w} as r{k + 1}" for k in range(5))
        selects.append(
            f"select {'null' if y is None else y}::double as y, '{dom}' as dom, {w}::double as w, {replicates}"
        )
    return " union all ".join(selects)


@pytest.fixture(scope="module")
def results(dbt_calls, call_text) -> dict[str, pd.DataFrame]:
    def call(relation: str = "jackknife", **arguments: object) -> str:
        return call_text(NAME, relation=relation, **{"y": "y", **JACKKNIFE, **arguments})

    by = [[], ["dom"]]
    tables = {
        "jackknife": _table(ROWS),
        "none_positive": _table([(0, dom, w) for _, dom, w in ROWS]),
        "unlabeled": _table([(None if dom == "b" else y, dom, w) for y, dom, w in ROWS]),
        "invalid": f"select * replace (case when dom = 'b' then null else r2 end as r2) from ({_table(ROWS)})",
        "one_row_domain": _table([(y, "b" if position == 2 else "a", w) for position, (y, _, w) in enumerate(ROWS)]),
        "twice": f"{_table(ROWS)} union all {_table(ROWS)}",
    }
    models = {
        "jack": call(interval="wald_t"),
        "jack_mse": call(interval="wald_z", mse=True),
        "jack_total": call(total=True, interval="wald_z"),
        "rescaled": call(interval="wald_t", rscales=[1.0, 1.0, 1.0, 1.0, 0.0]),
        "given_df": call(degrees_of_freedom=2, interval="wald_t"),
        "nothing": call("none_positive", by=by),
        "nothing_total": call("none_positive", total=True),
        "gaps": call("unlabeled", by=by),
        "nulls": call("invalid", by=by),
        "absent": call("one_row_domain", by=by),
        "constant": call(x="2.0", y="1.0", interval="wald_t"),
        "repeated": call("twice", interval="wald_t"),
        "by_only": call(by=[["dom"]]),
    }
    return dbt_calls.run(models, tables)


def _one(frame: pd.DataFrame, dom: str | None = None) -> pd.Series:
    return frame[frame.grouping_set == "overall" if dom is None else frame.dom == dom].iloc[0]


def test_jackknife_of_a_simple_sample_is_its_textbook_variance(results):
    """JK1 of a mean of n equally weighted units is s^2 / n, and of their total n^2 w^2 s^2 / n."""
    share, n = 2 / 5, 5
    variance = share * (1 - share) / (n - 1)
    for name in ("jack", "jack_mse"):
        row = _one(results[name])
        assert row.estimate == pytest.approx(share, rel=1e-12)
        assert row.variance == pytest.approx(variance, rel=1e-12)
        assert row.degrees_of_freedom == n - 1
        assert row.design_effect == pytest.approx(1, rel=1e-12)
    assert _one(results["jack"]).interval_upper == pytest.approx(share + 2.7764451051977987 * math.sqrt(variance))
    assert _one(results["jack_mse"]).interval_upper == pytest.approx(share + 1.959963984540054 * math.sqrt(variance))
    total = _one(results["jack_total"])
    assert total.estimate == pytest.approx(4)
    assert total.variance == pytest.approx(100 * variance, rel=1e-12)
    assert total.interval_method == "wald_z"


def test_rows_that_share_replicate_weights_add_no_degrees_of_freedom(results):
    assert _one(results["repeated"]).degrees_of_freedom == 4
    assert _one(results["repeated"]).variance == pytest.approx(_one(results["jack"]).variance, rel=1e-12)


def test_degrees_of_freedom_given_hold_for_the_interval(results):
    row = _one(results["given_df"])
    assert row.degrees_of_freedom == 2
    assert row.interval_upper - row.estimate == pytest.approx(4.302652729911275 * row.std_error)


def test_replicate_with_scale_zero_is_left_out(results):
    """Without the last replicate: 0.8 * sum of squares about the mean of the other four."""
    thetas = [1 / 4, 2 / 4, 2 / 4, 1 / 4]
    mean = sum(thetas) / 4
    assert _one(results["rescaled"]).variance == pytest.approx(0.8 * sum((theta - mean) ** 2 for theta in thetas))


def test_statuses(results):
    for dom in (None, "a", "b"):
        row = _one(results["nothing"], dom)
        assert (row.status, row.interval_method, row.estimate) == ("degenerate_proportion", "clopper_pearson", 0)
        assert row.interval_upper == pytest.approx(1 - 0.025 ** (1 / row.sampled_units))
    total = _one(results["nothing_total"])
    assert (total.status, total.estimate, total.variance) == ("zero_variance", 0, 0)
    assert math.isnan(total.interval_upper)
    unlabeled = _one(results["gaps"], "b")
    assert (unlabeled.status, unlabeled.unlabeled_units) == ("no_sampled_units", 2)
    assert unlabeled[["estimate", "variance", "degrees_of_freedom", "interval_lower"]].isna().all()
    assert _one(results["gaps"]).unlabeled_units == 2
    for dom, status in ((None, "invalid_rows"), ("a", "ok"), ("b", "invalid_rows")):
        assert _one(results["nulls"], dom).status == status
    assert _one(results["nulls"], "b")[["estimate", "variance", "interval_lower"]].isna().all()
    assert _one(results["nulls"], "b").invalid_rows == 2


def test_constant_ratio_has_no_variance(results):
    row = _one(results["constant"])
    assert row.estimate == 0.5
    assert (row.status, row.variance) == ("zero_variance", 0)


def test_replicate_without_weight_in_a_domain_voids_the_interval(results):
    frame = results["absent"]
    row = _one(frame, "b")
    assert (row.status, row.estimate) == ("undefined_replicates", 0)
    assert row[["variance", "std_error", "interval_lower", "interval_upper"]].isna().all()
    assert _one(frame, "a").status == _one(frame).status == "ok"


def test_by_without_the_overall_set(results):
    assert sorted(results["by_only"].dom) == ["a", "b"]


def test_simulated_jackknife_is_as_wide_as_the_estimates_vary(dbt_calls, call_text):
    """JKn of a ratio in 400 samples of two strata with eight clusters each, whose truth is known."""
    generator, clusters, samples = np.random.default_rng(20261005), 8, 400
    # a cluster holds views and a part of them that violates; the population is infinite
    shape = (samples, 2, clusters)
    views = generator.gamma(4, [[10], [30]], shape)
    violating = views * generator.beta([[1], [2]], [[9], [8]], shape)
    truth = (40 * 0.1 + 120 * 0.2) / 160
    frame = pd.DataFrame(
        {
            "sample": np.repeat(np.arange(samples), 2 * clusters),
            "views": views.ravel(),
            "violating": violating.ravel(),
        }
    )
    position = np.tile(np.arange(2 * clusters), samples)
    for left_out in range(2 * clusters):
        same_stratum = position // clusters == left_out // clusters
        factor = np.where(position == left_out, 0, clusters / (clusters - 1))
        frame[f"r{left_out}"] = np.where(same_stratum, factor, 1.0)
    path = dbt_calls.folder / "jackknife_samples.parquet"
    duckdb.sql(f"copy (select * from frame) to '{path}' (format parquet)")
    call = call_text(
        NAME,
        relation="jackknife_samples",
        y="violating",
        x="views",
        weight="1",
        replicate_weights=[f"r{left_out}" for left_out in range(2 * clusters)],
        scale=1,
        rscales=[(clusters - 1) / clusters] * 2 * clusters,
        by=[["sample"]],
        interval="wald_t",
    )
    rows = dbt_calls.run({"simulated": call}, {"jackknife_samples": f"select * from '{path}'"})["simulated"]
    assert len(rows) == samples and set(rows.degrees_of_freedom) == {2 * clusters - 2}
    # a variance from 14 degrees of freedom, averaged over 400 samples, is known to about 7 %
    assert rows.variance.mean() == pytest.approx(rows.estimate.var(), rel=0.2)
    covered = ((rows.interval_lower <= truth) & (truth <= rows.interval_upper)).mean()
    assert 0.92 <= covered <= 0.98


def test_refusals(dbt_calls, call_text):
    wrong = {
        "replicate_weights must be a list of two or more": {"replicate_weights": "r1"},
        "two or more SQL expressions": {"replicate_weights": ["r1"]},
        "replicate_weights must be the text": {"replicate_weights": ["r1", 2]},
        "scale must be a positive number": {"scale": None},
        "received '0'": {"scale": 0},
        "rscales must be a list of 5 numbers": {"rscales": [1.0]},
        "rscales must hold numbers of 0 or more": {"rscales": [1, 1, 1, 1, -1]},
        "rscales must hold a number above 0": {"rscales": [0, 0, 0, 0, 0]},
        "degrees_of_freedom must be a positive number": {"degrees_of_freedom": -1},
        "mse must be true or false": {"mse": "yes"},
        "level must be a number between 0 and 1": {"level": 95},
        "interval must be one of": {"interval": "gamma"},
        "zero_positive_bound must be one of": {"zero_positive_bound": "none"},
        "by must not hold a name of the result's own columns": {"by": [["status"]]},
    }
    models = {
        f"wrong_{number}": call_text(NAME, relation="jackknife", **{"y": "y", **JACKKNIFE, **arguments})
        for number, arguments in enumerate(wrong.values())
    }
    for sentence, message in zip(wrong, dbt_calls.refusals(models).values(), strict=True):
        assert f"{NAME}: " in message and sentence in message, (sentence, message)
