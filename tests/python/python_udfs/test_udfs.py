"""The interval functions against scipy, published values and their limits, as Python and as SQL sees them."""

from __future__ import annotations

import json
import math

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from conftest import SHARED
from scipy import stats

from python_udfs import intervals
from python_udfs.duckdb_plugin import register
from python_udfs.registry import REGISTRY

ALPHA = 0.05
BY_NAME = {udf.name: udf for udf in REGISTRY}


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        register(opened)
        yield opened


def _sql(connection, name: str, *arguments: object) -> float | None:
    marks = ", ".join("?" for _ in arguments)
    return connection.execute(f"select {name}({marks})", list(arguments)).fetchone()[0]


@pytest.mark.parametrize("udf", REGISTRY, ids=lambda udf: udf.name)
def test_every_function_is_registered_and_null_gives_null(connection, udf) -> None:
    registered = connection.execute(
        "select parameter_types, return_type from duckdb_functions() where function_name = ?", [udf.name]
    ).fetchall()
    assert registered == [([argument_type.upper() for argument_type in udf.argument_types], udf.return_type.upper())]
    samples = {"double": "0.5", "double[]": "[0.5]", "double[][]": "[[0.5]]"}
    for position in range(len(udf.argument_names)):
        arguments = [samples[argument_type] for argument_type in udf.argument_types]
        arguments[position] = "null"
        assert connection.execute(f"select {udf.name}({', '.join(arguments)})").fetchone() == (None,)


def test_arrow_adapter_takes_what_an_engine_that_does_not_cast_may_send() -> None:
    decimals = pa.array([8, None, 3], type=pa.decimal128(10, 2))
    integers = pa.array([10, 10, 10], type=pa.int64())
    constant = pa.chunked_array([pa.array([0.05, 0.05, 0.05])])
    result = BY_NAME["clopper_pearson_lower"].call_arrow(decimals, integers, constant)
    assert result.type == pa.float64()
    assert result.to_pylist()[0] == pytest.approx(stats.beta.ppf(0.025, 8, 3), rel=1e-12)
    assert result.to_pylist()[1] is None
    assert BY_NAME["normal_quantile"].call_arrow(pa.nulls(2)).to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("positives", "sampled", "lower", "upper"),
    [
        (0, 4000, 0.0, 0.0009217947494830555),
        (8, 4000, 0.0008638411, 0.0039369739),
        (45, 150, 0.2279700158, 0.3801212336),
        (8, 10, 0.4439045376923585, 0.9747892736731666),
        (10, 10, 0.6915028921812392, 1.0),
    ],
)
def test_clopper_pearson_published(connection, positives, sampled, lower, upper) -> None:
    assert _sql(connection, "clopper_pearson_lower", positives, sampled, ALPHA) == pytest.approx(lower, rel=1e-7)
    assert _sql(connection, "clopper_pearson_upper", positives, sampled, ALPHA) == pytest.approx(upper, rel=1e-7)


@pytest.mark.parametrize(
    ("positives", "sampled", "lower", "upper"),
    [(8, 4000, 0.0010137863, 0.0039418192), (8, 1000, 0.0040591958, 0.0157063345), (0, 4000, 0.0, 0.0009594433)],
)
def test_wilson_published_for_a_simple_sample(connection, positives, sampled, lower, upper) -> None:
    # with a great many degrees of freedom t is the normal quantile
    arguments = (positives / sampled, sampled, 1e12, ALPHA)
    assert _sql(connection, "wilson_lower", *arguments) == pytest.approx(lower, rel=1e-7, abs=1e-15)
    assert _sql(connection, "wilson_upper", *arguments) == pytest.approx(upper, rel=1e-7)


@pytest.mark.parametrize(
    ("estimate", "std_error", "sampled", "df", "lower", "upper"),
    [
        (0.08, 0.01177656977278549, 500, 497, 0.05977989191966515, 0.10628626837274693),
        (0.011333333333333334, 0.007018422684272203, 300, 297, 0.0035607512507334314, 0.03546836799923808),
        (0.0005, 0.0005, 500, 498, 0.0000879359520769, 0.002837498811071911),
        (0.305, 0.04510711027423328, 130, 128, 0.2241522120223616, 0.3999750360787033),
    ],
)
def test_wilson_of_the_package_svy(connection, estimate, std_error, sampled, df, lower, upper) -> None:
    # svy puts the sample size of Korn and Graubard into Wilson's formula
    effective_n = estimate * (1 - estimate) / std_error**2
    n = float(intervals.korn_graubard_n(*(np.float64(value) for value in (effective_n, sampled, df, ALPHA))))
    assert _sql(connection, "wilson_lower", estimate, n, df, ALPHA) == pytest.approx(lower, rel=1e-10)
    assert _sql(connection, "wilson_upper", estimate, n, df, ALPHA) == pytest.approx(upper, rel=1e-10)


def test_quantiles_match_scipy() -> None:
    probability = np.array([0.001, 0.025, 0.5, 0.9, 0.999])
    np.testing.assert_allclose(
        intervals.normal_quantile(probability), stats.norm.ppf(probability), rtol=1e-12, atol=1e-15
    )
    for df in (1.0, 2.5, 30.0, 1e6):
        np.testing.assert_allclose(
            intervals.student_t_quantile(probability, np.full(5, df)),
            stats.t.ppf(probability, df),
            rtol=1e-9,
            atol=1e-12,
        )
    for a, b in ((0.3, 400.0), (5.0, 5.0), (1.0, 3e6)):
        np.testing.assert_allclose(
            intervals.beta_quantile(probability, np.full(5, a), np.full(5, b)),
            stats.beta.ppf(probability, a, b),
            rtol=1e-9,
        )


def test_undefined_is_null(connection) -> None:
    assert _sql(connection, "student_t_quantile", 0.975, 0) is None
    assert _sql(connection, "student_t_quantile", 95, 10) is None
    assert _sql(connection, "korn_graubard_lower", 0, 100, 100, 10, ALPHA) is None
    assert _sql(connection, "logit_upper", 1, 0.1, 10, ALPHA) is None
    assert _sql(connection, "clopper_pearson_upper", 11, 10, ALPHA) is None
    assert _sql(connection, "wilson_upper", 0.2, 0, 10, ALPHA) is None


_EFFECTIVE = ("korn_graubard", "korn_graubard_trunc", "likelihood", "jeffreys")
_SCORE = ("wilson", "agresti_coull")


@pytest.mark.parametrize("kind", ["wald_t", "wald_z", "logit", "asin", *_SCORE, *_EFFECTIVE])
def test_bounds_mirror_each_other_and_hold_the_estimate(connection, kind) -> None:
    for estimate in (0.003, 0.2, 0.5):
        variance = estimate * (1 - estimate) / 700

        def bounds(p: float, kind: str = kind, variance: float = variance) -> tuple[float, float]:
            between = [700.0] if kind in _SCORE else [700.0, 900.0] if kind in _EFFECTIVE else [math.sqrt(variance)]
            df = [] if kind == "wald_z" else [40]
            return tuple(_sql(connection, f"{kind}_{side}", p, *between, *df, ALPHA) for side in ("lower", "upper"))

        lower, upper = bounds(estimate)
        mirrored_lower, mirrored_upper = bounds(1 - estimate)
        assert lower < estimate < upper or (kind == "asin" and lower < upper)
        assert mirrored_lower == pytest.approx(1 - upper, rel=1e-9)
        assert mirrored_upper == pytest.approx(1 - lower, rel=1e-9)


def test_korn_graubard_is_clopper_pearson_for_a_simple_sample(connection) -> None:
    for kind in ("korn_graubard", "korn_graubard_trunc"):
        assert _sql(connection, f"{kind}_upper", 0.02, 400, 400, 399, ALPHA) == pytest.approx(
            _sql(connection, "clopper_pearson_upper", 8, 400, ALPHA), rel=1e-12
        )


def _binomial_rows() -> list:
    path = SHARED / "oracle" / "n01_binomial_korn_graubard"
    if not path.is_dir():
        return []
    data = [line.split(",") for line in (path / "data.csv").read_text().splitlines()[1:]]
    expected = {result["id"]: result for result in json.loads((path / "expected.json").read_text())["results"]}
    return [pytest.param(row, expected[row[0]], id=f"n01_binomial_korn_graubard::{row[0]}") for row in data]


@pytest.mark.parametrize(("row", "expected"), _binomial_rows())
def test_binomial_reference(connection, row, expected) -> None:
    estimate, sampled, df = float(row[1]), float(row[2]), float(row[4])
    # with a simple sample's n and its n - 1 degrees of freedom the design enters no bound; infinite ones make t normal
    calls = [
        ("clopper_pearson", expected["ci_n"]["clopper_pearson"], (estimate * sampled, sampled, ALPHA)),
        ("wilson", expected["ci_n"]["wilson"], (estimate, sampled, math.inf, ALPHA)),
        ("agresti_coull", expected["ci_n"]["agresti_coull"], (estimate, sampled, math.inf, ALPHA)),
        ("jeffreys", expected["ci_n"]["jeffreys"], (estimate, sampled, sampled, sampled - 1, ALPHA)),
        ("wald_z", expected["ci_n"]["wald"], (estimate, math.sqrt(estimate * (1 - estimate) / sampled), ALPHA)),
    ]
    if row[3]:
        effective_n = estimate * (1 - estimate) / float(row[3])
        assert effective_n == pytest.approx(expected["n_eff"], rel=1e-9)
        assert sampled / effective_n == pytest.approx(expected["deff"], rel=1e-9)
        design_n = _sql(connection, "korn_graubard_n", effective_n, sampled, df, ALPHA)
        assert design_n == pytest.approx(expected["n_eff_df"], rel=1e-9)
        assert min(design_n, sampled) == pytest.approx(expected["n_eff_df_trunc"], rel=1e-9)
        design = (estimate, effective_n, sampled, df, ALPHA)
        calls += [
            ("korn_graubard", expected["korn_graubard"], design),
            ("korn_graubard_trunc", expected["korn_graubard_trunc"], design),
            ("jeffreys", expected["jeffreys_n_eff_df"], design),
            ("wilson", expected["wilson_t"], (estimate, effective_n, df, ALPHA)),
            ("wilson", expected["wilson_n_eff"], (estimate, effective_n, math.inf, ALPHA)),
            (
                "clopper_pearson",
                expected["clopper_pearson_n_eff"],
                (estimate * effective_n, effective_n, ALPHA),
            ),
        ]
    else:
        calls.append(("clopper_pearson", expected["fallback_n"], (estimate * sampled, sampled, ALPHA)))
    if "exact_one_sided_upper" in expected:
        # one-sided at the same level, and the rule of thumb that it is close to
        upper = _sql(connection, "clopper_pearson_upper", 0, sampled, 2 * ALPHA)
        assert upper == pytest.approx(expected["exact_one_sided_upper"], rel=1e-9)
        assert expected["rule_of_three_upper"] == pytest.approx(3 / sampled, rel=1e-9)
    for name, bounds, arguments in calls:
        for side, bound in zip(("lower", "upper"), bounds, strict=True):
            ours = _sql(connection, f"{name}_{side}", *arguments)
            # Wald's bounds are not cut to [0, 1]; the reference's are
            ours = min(max(ours, 0), 1) if name == "wald_z" else ours
            assert ours == pytest.approx(bound, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize(
    ("kind", "arguments", "lower", "upper"),
    [
        # statsmodels 0.15 proportion_confint, 20 of 400; then a design with 3 degrees of freedom and n_eff 15 of 40
        ("agresti_coull", (0.05, 400, math.inf), 0.03218289448554276, 0.0763781704153241),
        ("jeffreys", (0.05, 400, 400, 399), 0.03179503915274943, 0.07467797318472451),
        ("jeffreys", (0.9, 15, 40, 3), 0.5214542757762821, 0.9937151399563484),
    ],
)
def test_binomial_intervals_known(connection, kind, arguments, lower, upper) -> None:
    assert _sql(connection, f"{kind}_lower", *arguments, ALPHA) == pytest.approx(lower, rel=1e-9)
    assert _sql(connection, f"{kind}_upper", *arguments, ALPHA) == pytest.approx(upper, rel=1e-9)


@pytest.mark.parametrize("positives", [1, 2, 5, 40])
@pytest.mark.parametrize("weight", [1e-3, 2e-5])
def test_gamma_is_the_poisson_interval_where_weights_are_equal(positives, weight):
    """With equal weights the upper bound u solves P(X < k) + P(X = k) k / (k + 1) = alpha / 2, X Poisson with mean
    u / weight: mid-p for one event, and as good as exact for many."""
    estimate, variance = positives * weight, positives * weight**2
    arguments = [np.array([value]) for value in (estimate, 0.0, variance, weight, positives, 0.05)]
    upper = intervals.gamma_upper(*arguments)[0] / weight
    lower = intervals.gamma_lower(*arguments)[0] / weight
    exact = stats.poisson.cdf(positives - 1, upper)
    assert exact + stats.poisson.pmf(positives, upper) * positives / (positives + 1) == pytest.approx(0.025)
    assert 1 - stats.poisson.cdf(positives - 1, lower) == pytest.approx(0.025)


def test_gamma_moves_only_what_can_vary():
    """What comes from units taken with certainty shifts the upper bound by as much as it is, and the lower by less."""
    share, weight = 0.002, 4e-4
    fixed = [np.array([value]) for value in (share, 0.0, share * weight, weight, 5.0, 0.05)]
    shifted = [np.array([share + 0.003]), np.array([0.003]), *fixed[2:]]
    assert intervals.gamma_upper(*shifted)[0] == pytest.approx(intervals.gamma_upper(*fixed)[0] + 0.003)
    # the total that certainties are a share of is estimated: a variance takes the lower bound below them
    lower = intervals.gamma_lower(*shifted)[0]
    assert lower == intervals.gamma_lower(shifted[0], np.array([0.0]), *shifted[2:])[0]
    assert lower < intervals.gamma_lower(*fixed)[0] + 0.003
    certain = [np.array([value]) for value in (share, share, (share / 20) ** 2, weight, 400.0, 0.05)]
    assert intervals.gamma_lower(*certain)[0] == pytest.approx(share * (1 - 1.96 / 20), rel=0.005)
    point = [np.array([value]) for value in (0.005, 0.005, 0.0, 0.0, 5.0, 0.05)]
    assert intervals.gamma_lower(*point)[0] == intervals.gamma_upper(*point)[0] == 0.005


def test_gamma_widens_with_what_may_be_missed_and_with_how_many_are_met():
    weights = np.array([0.0, 1e-4, 1e-3, 1e-2])
    fixed = [np.full(4, value) for value in (0.001, 0.0, 1e-7)]
    uppers = intervals.gamma_upper(*fixed, weights, np.full(4, 3.0), np.full(4, 0.05))
    assert np.all(np.diff(uppers) > 0)
    counts = np.array([1.0, 2.0, 10.0, 1000.0])
    uppers = intervals.gamma_upper(*fixed, np.full(4, 1e-3), counts, np.full(4, 0.05))
    assert np.all(np.diff(uppers) > 0)
    assert np.isnan(intervals.gamma_upper(*(np.array([v]) for v in (0.0, 0.0, 0.0, 1e-3, 1.0, 0.05)))[0])
    assert intervals.gamma_upper(*(np.array([v]) for v in (0.5, 0.0, 0.2, 0.9, 1.0, 0.05)))[0] == 1


def test_gamma_mirrors_common_shares():
    rare = [np.array([value]) for value in (0.2, 0.0, 0.001, 0.01, 30.0, 0.05)]
    common = [np.array([0.8]), *rare[1:]]
    assert intervals.gamma_lower(*common)[0] == pytest.approx(1 - intervals.gamma_upper(*rare)[0])
    assert intervals.gamma_upper(*common)[0] == pytest.approx(1 - intervals.gamma_lower(*rare)[0])
