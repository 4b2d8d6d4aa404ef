"""survey_estimates against a plain numpy computation, its invariances, its statuses and its refusals."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

SEED = 20261005


def _population() -> pd.DataFrame:
    """400 sampled units in 3 strata, 30 PSUs and 80 second-stage units, with domains that miss some of each."""
    generator = np.random.default_rng(SEED)
    rows = 400
    frame = pd.DataFrame({"row_id": range(rows), "psu_number": np.arange(rows) % 30})
    frame["stratum"] = np.array(["a", "b", "c"])[frame.psu_number % 3]
    # PSU labels repeat across strata
    frame["psu"] = frame.psu_number // 3
    frame["ssu"] = frame.row_id // 30 % 4
    # columns are named like things that SQL or the macro might use itself
    frame["draw"] = np.round(generator.uniform(0.02, 1, rows), 3)
    frame["p"] = np.round(generator.uniform(1, 9, rows), 3)
    frame["views"] = generator.integers(1, 50, rows)
    frame["y2"] = np.where(generator.uniform(size=rows) < 0.15, frame.views, 0).astype(float)
    frame.loc[frame.row_id % 11 == 0, "y2"] = np.nan
    frame["country"] = np.where(frame.stratum == "c", "XX", np.array(["XX", "YY"])[frame.row_id % 2])
    frame["group_name"] = np.where(frame.row_id % 5 == 0, None, np.array(["m", "n"])[frame.row_id % 2])
    frame["population_psus"] = frame.stratum.map({"a": 12, "b": 40, "c": 10})
    frame["population_ssus"] = 4 + frame.psu_number % 3
    return frame


FRAME = _population()
DOMAINS = {
    "overall": lambda frame: pd.Series(True, index=frame.index),
    "country=YY": lambda frame: frame.country == "YY",
    "group_name=m": lambda frame: frame.group_name == "m",
}
BY = [[], ["country"], ["group_name"], ["country", "group_name"]]
DESIGNS = {
    "stratified": {"stratum": "stratum"},
    "clusters": {"stratum": "stratum", "psu": "psu"},
    "clusters_of_a_population": {"stratum": "stratum", "psu": "psu", "population_psus": "population_psus"},
    "two_stage": {
        "stratum": "stratum",
        "psu": "psu",
        "population_psus": "population_psus",
        "ssu": "ssu",
        "population_ssus": "population_ssus",
    },
    "brewer": {"stratum": "stratum", "design": "pps_without_replacement", "inclusion_probability": "draw"},
    "poisson": {"design": "poisson", "inclusion_probability": "draw"},
}


def _numpy_variance(design: str, frame: pd.DataFrame, score: pd.Series) -> float:
    """The variance of a sum of scores (0 outside the domain), PSU by PSU and with nothing left out."""
    if design == "poisson":
        return float(((1 - frame.draw) * score**2).sum())
    variance = 0.0
    for _, rows in frame.groupby("stratum"):
        z = score[rows.index]
        if design == "brewer":
            n = len(rows)
            variance += n / (n - 1) * ((1 - rows.draw) * (z - z.mean()) ** 2).sum()
            continue
        totals = z if design == "stratified" else z.groupby(rows.psu).sum()
        n = len(totals)
        sampled_share = n / rows.population_psus.iloc[0] if design in ("clusters_of_a_population", "two_stage") else 0.0
        variance += (1 - sampled_share) * n * totals.var(ddof=1)
        if design == "two_stage":
            for _, psu_rows in rows.groupby("psu"):
                ssus = z[psu_rows.index].groupby(psu_rows.ssu).sum()
                m, population = len(ssus), psu_rows.population_ssus.iloc[0]
                variance += sampled_share * (1 - m / population) * m * ssus.var(ddof=1)
    return float(variance)


UNEQUAL = (
    "brewer",
    "hajek",
    "deville",
    "overton",
    "overton_yates_grundy",
    "hartley_rao",
    "horvitz_thompson",
    "yates_grundy",
)


def _unequal_arguments(method: str, pairs: str, squares: str) -> dict[str, str]:
    arguments = {**DESIGNS["brewer"], "variance_method": method}
    if method == "hartley_rao":
        arguments["population_squared_probabilities"] = squares
    if method in ("horvitz_thompson", "yates_grundy"):
        arguments |= {"psu": "row_id", "joint_probabilities": pairs}
    return arguments


def _unequal_variance(method: str, frame: pd.DataFrame, score: pd.Series) -> float:
    """The double sum over pairs, and the two approximations with one centre, with nothing left out."""
    variance = 0.0
    for _, rows in frame.groupby("stratum"):
        z, pi, n = score[rows.index].fillna(0).to_numpy(), rows.draw.to_numpy(), len(rows)
        q = 1 - pi
        if method in ("hajek", "deville"):
            squares = (q * (z - (q * z).sum() / q.sum()) ** 2).sum()
            variance += squares * n / (n - 1) if method == "hajek" else squares / (1 - ((q / q.sum()) ** 2).sum())
            continue
        if method == "brewer":
            variance += n / (n - 1) * (q * (z - z.mean()) ** 2).sum()
            continue
        sums = pi[:, None] + pi[None, :]
        if method.startswith("overton"):
            d = 1 - (n - sums / 2) / (n - 1)
        elif method == "hartley_rao":
            d = 1 - (n - sums + 5.0 / n) / (n - 1)
        else:
            d = 1 - pi[:, None] * pi[None, :] / (JOINT * pi[:, None] * pi[None, :])
        np.fill_diagonal(d, q)
        form = z @ d @ z
        if method in ("overton_yates_grundy", "hartley_rao", "yates_grundy"):
            form -= z**2 @ d.sum(axis=1)
        variance += form
    return float(variance)


# pi of a pair over the product of its two, in every stratum
JOINT = 0.99
PAIRS = f"""
select one.row_id as psu_1, two.row_id as psu_2, {JOINT!r} * one.draw * two.draw as joint_probability
from sampled as one inner join sampled as two on one.stratum = two.stratum and one.row_id < two.row_id
"""
# 5 of 20: every form is that of simple random sampling, 20^2 (1 - 5/20) s^2 / 5 with s^2 = 2.5
SIMPLE = "select i as row_id, 's' as stratum, 0.25 as draw, cast(i as double) as y2 from range(1, 6) as t (i)"
SIMPLE_VARIANCE = 400 * 0.75 * 2.5 / 5
SIMPLE_PAIRS = f"""
select one.row_id as psu_1, two.row_id as psu_2, 5 * 4 / (20 * 19.0) as joint_probability
from ({SIMPLE}) as one inner join ({SIMPLE}) as two on one.row_id > two.row_id
"""


KINDS = (
    "wald_t",
    "wald_z",
    "logit",
    "asin",
    "wilson",
    "agresti_coull",
    "jeffreys",
    "korn_graubard",
    "korn_graubard_trunc",
    "korn_graubard_positives",
    "gamma",
    "clopper_pearson",
    "likelihood",
)


def _rows_of(frame: pd.DataFrame) -> dict[str, dict]:
    found = {}
    for row in frame.to_dict("records"):
        columns = [] if row["grouping_set"] == "overall" else row["grouping_set"].split(",")
        found[",".join(f"{column}={row[column]}" for column in columns) or "overall"] = row
    return found


EDGES = """
select * from (values
    ('null_weight', 1.0, 1.0, null, 0.5, 10.0, 's1', 1), ('null_weight', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('zero_weight', 1.0, 1.0, 0.0, 0.5, 10.0, 's1', 1), ('zero_weight', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('negative_weight', 1.0, 1.0, -2.0, 0.5, 10.0, 's1', 1), ('negative_weight', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('infinite_weight', 1.0, 1.0, cast('infinity' as double), 0.5, 10.0, 's1', 1),
    ('no_probability', 1.0, 1.0, 2.0, null, 10.0, 's1', 1), ('no_probability', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('zero_probability', 1.0, 1.0, 2.0, 0.0, 10.0, 's1', 1), ('zero_probability', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('null_x', 1.0, null, 2.0, 0.5, 10.0, 's1', 1), ('null_x', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('nan_y', cast('nan' as double), 1.0, 2.0, 0.5, 10.0, 's1', 1), ('nan_y', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('null_stratum', 1.0, 1.0, 2.0, 0.5, 10.0, null, 1), ('null_stratum', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('large_probability', 1.0, 1.0, 2.0, 1.5, 10.0, 's1', 1), ('large_probability', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('unlabeled', null, 1.0, 2.0, 0.5, 10.0, 's1', 1), ('unlabeled', null, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('no_exposure', 0.0, 0.0, 2.0, 0.5, 10.0, 's1', 1), ('no_exposure', 0.0, 0.0, 2.0, 0.5, 10.0, 's1', 2),
    ('one_row', 1.0, 1.0, 2.0, 0.5, 10.0, 's1', 1),
    ('none_positive', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 1), ('none_positive', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('none_positive', 0.0, 1.0, 2.0, 0.5, 10.0, 's1', 3), ('none_positive', null, 1.0, 2.0, 0.5, 10.0, 's1', 4),
    ('all_positive', 1.0, 1.0, 2.0, 0.5, 10.0, 's1', 1), ('all_positive', 1.0, 1.0, 7.0, 0.5, 10.0, 's1', 2),
    ('half', 0.5, 1.0, 2.0, 0.5, 10.0, 's1', 1), ('half', 0.5, 1.0, 3.0, 0.5, 10.0, 's1', 2),
    ('not_share', 3.0, 1.0, 2.0, 0.5, 10.0, 's1', 1), ('not_share', 1.0, 1.0, 2.0, 0.5, 10.0, 's1', 2),
    ('fine', 1.0, 1.0, 2.0, 0.5, 10.0, 's1', 1), ('fine', 0.0, 1.0, 3.0, 0.5, 10.0, 's1', 2),
    ('fine', 0.0, 1.0, 5.0, 0.5, 10.0, 's1', 3)
) as edges (name, y, x, w, pi, population, stratum, unit)
"""

# strata of their own, so that the design of one case does not reach another
STRATA = """
select * from (values
    ('small_population', 's1', 1.0, 1.0), ('small_population', 's1', 0.0, 1.0),
    ('two_populations', 's2', 1.0, 5.0), ('two_populations', 's2', 0.0, 6.0),
    ('null_population', 's8', 1.0, null), ('null_population', 's8', 0.0, 6.0),
    ('census', 's3', 1.0, 3.0), ('census', 's3', 0.0, 3.0), ('census', 's3', 0.0, 3.0),
    ('lonely', 's4', 1.0, 9.0), ('lonely', 's5', 1.0, 9.0), ('lonely', 's5', 0.0, 9.0),
    ('not_lonely', 's5', 1.0, 9.0),
    ('lonely_census', 's6', 1.0, 1.0), ('lonely_census', 's7', 0.0, 4.0), ('lonely_census', 's7', 1.0, 4.0)
) as strata (name, stratum, y, population)
"""


@pytest.fixture(scope="module")
def results(dbt_calls, call_text):
    def call(**arguments):
        return call_text("survey_estimates", **arguments)

    share = {"relation": "sampled", "y": "y2", "x": "views", "weight": "p"}
    models = {}
    for name, design in DESIGNS.items():
        models[f"ratio_{name}"] = call(**share, **design, by=BY, interval="wald_t")
        models[f"total_{name}"] = call(**share, **design, by=BY, total=True)
    clusters = DESIGNS["clusters"]
    models["permuted"] = call(**{**share, "relation": "permuted"}, **clusters, by=BY)
    models["unpermuted"] = call(**share, **clusters, by=BY)
    models["scaled"] = call(**{**share, "weight": "7 * p"}, **clusters, by=BY)
    models["boolean"] = call(relation="sampled", y="y2 > 0", weight="p", by=[["country"]])
    models["integer"] = call(
        relation="sampled", y="case when y2 > 0 then 1 else 0 * y2 end", weight="p", by=[["country"]]
    )
    models["positives"] = call(**share, interval="korn_graubard_positives")
    models["positive_psus"] = call(**share, **clusters, interval="korn_graubard_positives")
    for method in UNEQUAL:
        arguments = _unequal_arguments(method, "pairs", "5.0")
        models[f"unequal_ratio_{method}"] = call(**share, **arguments, by=BY)
        models[f"unequal_total_{method}"] = call(**share, **arguments, by=BY, total=True)
        arguments = _unequal_arguments(method, "simple_pairs", "20 / 16.0")
        models[f"simple_{method}"] = call(relation="simple_sample", y="y2", weight="1 / draw", **arguments, total=True)
    pairs = _unequal_arguments("yates_grundy", "some_pairs", "5.0")
    models["missing_pair"] = call(**share, **pairs, by=BY)
    models["repeated_pair"] = call(**share, **{**pairs, "joint_probabilities": "repeated_pairs"})
    models["negative"] = call(**share, **{**pairs, "joint_probabilities": "positive_pairs"})
    for method in ("brewer", "deville"):
        arguments = {"design": "pps_without_replacement", "inclusion_probability": "pi", "variance_method": method}
        models[f"one_uncertain_{method}"] = call(relation="one_uncertain", y="y", weight="1 / pi", **arguments)
    models["two_squares"] = call(**share, **_unequal_arguments("hartley_rao", "", "5.0 + row_id % 2"))
    for kind in KINDS:
        models[f"kind_{kind}"] = call(**share, **DESIGNS["poisson"], interval=kind, by=[[], ["country"]])
    models["plain"] = call(**share, interval="korn_graubard")
    models["exact"] = call(
        relation="sampled", y="case when y2 > 0 then 1 else 0 * y2 end", weight="2.0", interval="clopper_pearson"
    )
    models["cte"] = (
        "with chosen as (select * from sampled where views > 0)\nselect * from ("
        + call(**{**share, "relation": "chosen"})
        + ") as called"
    )
    edge = {"relation": "edges", "y": "y", "x": "x", "weight": "w", "by": [["name"]]}
    models["edges_poisson"] = call(**edge, design="poisson", inclusion_probability="pi")
    models["edges_stratified"] = call(**edge, stratum="stratum")
    models["edges_null_psu"] = call(**edge, psu="stratum")
    models["edges_total"] = call(**edge, stratum="stratum", total=True)
    models["strata"] = call(
        relation="strata", y="y", weight="2.0", stratum="stratum", population_psus="population", by=[["name"]]
    )
    bound = {"zero_positive_bound": "max_weight", "by": [["name"]], "relation": "edges", "y": "y", "x": "x"}
    models["bound_poisson"] = call(**bound, weight="w", design="poisson", inclusion_probability="pi", stratum="name")
    models["bound_replacement"] = call(**bound, weight="w", design="pps_with_replacement", stratum="name")
    models["bound_frame"] = call(
        **bound, weight="w", design="pps_with_replacement", stratum="name", frame_maximum_weight="unit * 1.5"
    )
    equal = {"relation": "sampled", "weight": "4.0", "level": 0.9, "by": [[], ["country"]]}
    for name, y in (("none", "0.0 * y2"), ("all", "1.0 + 0.0 * y2")):
        models[f"bound_equal_{name}"] = call(**equal, y=y, zero_positive_bound="max_weight")
        models[f"bound_reference_{name}"] = call(**equal, y=y)

    path = dbt_calls.folder / "sampled.parquet"
    frame = FRAME
    duckdb.sql(f"copy (select * from frame) to '{path}' (format parquet)")
    permutation = "row_number() over (order by md5(cast(row_id as varchar)))"
    tables = {
        "sampled": f"select * from '{path}'",
        "permuted": f"select * from '{path}' order by {permutation}",
        "edges": EDGES,
        "pairs": PAIRS.replace("sampled", f"'{path}'"),
        "some_pairs": "select * from pairs where not (psu_1 = 0 and psu_2 = 30)",
        "repeated_pairs": "select * from pairs union all select psu_2, psu_1, joint_probability from pairs where psu_1 = 0",
        # pairs that almost exclude each other: the differences are rewarded less than they cost
        "positive_pairs": "select psu_1, psu_2, least(1, joint_probability * 2) as joint_probability from pairs",
        "simple_sample": SIMPLE,
        "one_uncertain": "select * from (values (1.0, 1.0), (0.0, 1.0), (0.0, 0.5)) as units (y, pi)",
        "simple_pairs": SIMPLE_PAIRS,
        "strata": STRATA,
    }
    return {name: _rows_of(frame) for name, frame in dbt_calls.run(models, tables).items()}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_variance_is_that_of_the_whole_design(results, design, domain) -> None:
    inside = DOMAINS[domain](FRAME) & FRAME.y2.notna()
    y, x = FRAME.y2.where(inside, 0), FRAME.views.where(inside, 0)
    ratio = (FRAME.p * y).sum() / (FRAME.p * x).sum()
    row, total_row = results[f"ratio_{design}"][domain], results[f"total_{design}"][domain]

    assert row["estimate"] == pytest.approx(ratio, rel=1e-12)
    scores = FRAME.p * (y - ratio * x) / (FRAME.p * x).sum()
    assert row["variance"] == pytest.approx(_numpy_variance(design, FRAME, scores), rel=1e-10)
    assert total_row["estimate"] == pytest.approx((FRAME.p * y).sum(), rel=1e-12)
    assert total_row["variance"] == pytest.approx(_numpy_variance(design, FRAME, FRAME.p * y), rel=1e-10)

    labeled = FRAME[inside]
    psus = (
        len(labeled)
        if design in ("stratified", "brewer", "poisson")
        else len(labeled[["stratum", "psu"]].drop_duplicates())
    )
    strata = 1 if design == "poisson" else labeled.stratum.nunique()
    assert row["degrees_of_freedom"] == psus - strata
    assert row["sampled_units"] == len(labeled)
    assert row["positive_units"] == (labeled.y2 > 0).sum()
    assert row["unlabeled_units"] == (DOMAINS[domain](FRAME) & FRAME.y2.isna()).sum()
    assert row["sum_of_weights"] == pytest.approx(labeled.p.sum(), rel=1e-12)
    assert row["effective_n"] == pytest.approx(ratio * (1 - ratio) / row["variance"], rel=1e-12)
    residuals = labeled.y2 - ratio * labeled.views
    simple = (
        (labeled.p * residuals**2).sum() * labeled.p.sum() / (len(labeled) - 1) / (labeled.p * labeled.views).sum() ** 2
    )
    assert row["design_effect"] == pytest.approx(row["variance"] / simple, rel=1e-9)
    t = stats.t.ppf(0.975, row["degrees_of_freedom"])
    assert row["interval_upper"] == pytest.approx(row["estimate"] + t * math.sqrt(row["variance"]), rel=1e-10)
    assert (row["status"], row["interval_method"], row["interval_level"]) == ("ok", "wald_t", 0.95)
    assert total_row["interval_method"] == "wald_t"
    assert pd.isna(total_row["effective_n"])


@pytest.mark.parametrize("method", UNEQUAL)
@pytest.mark.parametrize("domain", DOMAINS)
def test_variance_under_unequal_probabilities_is_the_sum_over_pairs(results, method, domain) -> None:
    inside = DOMAINS[domain](FRAME) & FRAME.y2.notna()
    y, x = FRAME.y2.where(inside, 0), FRAME.views.where(inside, 0)
    ratio = (FRAME.p * y).sum() / (FRAME.p * x).sum()
    scores = FRAME.p * (y - ratio * x) / (FRAME.p * x).sum()
    row, total_row = results[f"unequal_ratio_{method}"][domain], results[f"unequal_total_{method}"][domain]
    for found, variance in (
        (row, _unequal_variance(method, FRAME, scores)),
        (total_row, _unequal_variance(method, FRAME, FRAME.p * y)),
    ):
        if variance < 0:
            assert found["status"] == "negative_variance"
            assert pd.isna(found["variance"])
        else:
            assert found["status"] == "ok"
            assert found["variance"] == pytest.approx(variance, rel=1e-9)
    strata = FRAME[inside].stratum.nunique()
    assert row["degrees_of_freedom"] == inside.sum() - strata


@pytest.mark.parametrize("method", UNEQUAL)
def test_equal_probabilities_are_simple_random_sampling(results, method) -> None:
    # Overton's and Hartley-Rao's pairs are approximations: those of simple random sampling are n (n - 1) / (N (N - 1))
    expected = {"overton": 0.75 * 16 * (5 * 55 - 15**2) / 4}.get(method, SIMPLE_VARIANCE)
    assert results[f"simple_{method}"]["overall"]["variance"] == pytest.approx(expected, rel=1e-12)


def test_a_variance_that_is_not_one_is_not_given(results) -> None:
    row = results["negative"]["overall"]
    assert row["status"] == "negative_variance"
    assert row["estimate"] == pytest.approx(results["plain"]["overall"]["estimate"], rel=1e-12)
    for column in ("variance", "std_error", "effective_n", "design_effect", "interval_lower", "interval_method"):
        assert pd.isna(row[column]), column


def test_one_psu_that_could_have_stayed_out_is_lonely_to_deville(results) -> None:
    # the centre of Deville's form is that unit itself, and its divisor is 0; Brewer's is about the mean of all three
    row = results["one_uncertain_deville"]["overall"]
    assert (row["status"], row["lonely_psus"], row["estimate"]) == ("lonely_psu", 1, 0.25)
    assert pd.isna(row["variance"])
    brewer = results["one_uncertain_brewer"]["overall"]
    z = np.array([0.75, -0.25, -0.5]) / 4
    assert brewer["variance"] == pytest.approx(3 / 2 * 0.5 * (z[2] - z.mean()) ** 2, abs=1e-15)


def test_pairs_are_complete_or_the_rows_are_invalid(results) -> None:
    rows = results["missing_pair"]
    in_stratum = FRAME[FRAME.stratum == FRAME.stratum[0]]
    assert rows["overall"]["status"] == "invalid_rows"
    assert rows["overall"]["invalid_rows"] == len(in_stratum)
    assert results["repeated_pair"]["overall"]["status"] == "invalid_rows"
    assert results["two_squares"]["overall"]["status"] == "invalid_rows"


def test_a_row_per_combination_that_occurs(results) -> None:
    rows = results["ratio_stratified"]
    expected = {"overall", "country=XX", "country=YY", "group_name=m", "group_name=n", "group_name=None"} | {
        f"country={country},group_name={group}"
        for country, group in FRAME[["country", "group_name"]].drop_duplicates().itertuples(index=False)
    }
    assert set(rows) == expected
    assert len(results["boolean"]) == 2


def test_domain_totals_add_up(results) -> None:
    rows = results["total_clusters"]
    for prefix in ("country=", "group_name="):
        parts = [row["estimate"] for name, row in rows.items() if name.startswith(prefix) and "," not in name]
        assert math.fsum(parts) == pytest.approx(rows["overall"]["estimate"], rel=1e-12)


_FIGURES = ("estimate", "variance", "effective_n", "design_effect", "interval_lower", "interval_upper")


def test_order_of_rows_and_scale_of_weights_do_not_matter(results) -> None:
    for other, factor in (("permuted", 1), ("scaled", 7)):
        for domain, row in results["unpermuted"].items():
            for figure in _FIGURES:
                assert results[other][domain][figure] == pytest.approx(row[figure], rel=1e-9, nan_ok=True)
            assert results[other][domain]["sum_of_weights"] == pytest.approx(factor * row["sum_of_weights"], rel=1e-9)


def test_boolean_y_is_zero_or_one(results) -> None:
    for domain, row in results["integer"].items():
        assert results["boolean"][domain]["estimate"] == pytest.approx(row["estimate"], rel=1e-12)


def test_relation_may_be_a_cte(results) -> None:
    assert results["cte"]["overall"]["estimate"] == pytest.approx(results["plain"]["overall"]["estimate"], rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_every_interval_kind_has_bounds_about_the_estimate(results, kind) -> None:
    for row in results[f"kind_{kind}"].values():
        common = kind == "gamma" and 0.1 < row["estimate"] < 0.9
        assert row["interval_method"] == ("korn_graubard_positives" if common else kind)
        assert 0 < row["interval_lower"] < row["estimate"] < row["interval_upper"] < 1


def test_interval_by_effective_positives(results) -> None:
    row, plain = results["positives"]["overall"], results["plain"]["overall"]
    positives = (FRAME.p * FRAME.y2)[FRAME.y2 > 0]
    df = min(row["degrees_of_freedom"], 2 * (positives**2).sum() ** 2 / (positives**4).sum())
    n = row["effective_n"] * (stats.t.ppf(0.975, row["sampled_units"] - 1) / stats.t.ppf(0.975, df)) ** 2
    p = row["estimate"]
    assert row["interval_lower"] == pytest.approx(stats.beta.ppf(0.025, p * n, n - p * n + 1), rel=1e-9)
    assert row["interval_upper"] == pytest.approx(stats.beta.ppf(0.975, p * n + 1, n - p * n), rel=1e-9)
    assert row["degrees_of_freedom"] == plain["degrees_of_freedom"] == row["sampled_units"] - 1
    assert row["interval_lower"] < plain["interval_lower"]
    assert row["interval_method"] == "korn_graubard_positives"
    exact = results["exact"]["overall"]
    upper = stats.beta.ppf(0.975, exact["positive_units"] + 1, exact["sampled_units"] - exact["positive_units"])
    assert exact["interval_upper"] == pytest.approx(upper, rel=1e-9)


def test_positives_of_one_psu_are_one_event(results) -> None:
    row = results["positive_psus"]["overall"]
    totals = (FRAME.p * FRAME.y2).groupby([FRAME.stratum, FRAME.psu]).sum()
    df = 2 * (totals**2).sum() ** 2 / (totals**4).sum()
    rows = (FRAME.p * FRAME.y2)[FRAME.y2 > 0]
    assert df < row["degrees_of_freedom"] == 27 < 2 * (rows**2).sum() ** 2 / (rows**4).sum()
    n = row["effective_n"] * (stats.t.ppf(0.975, row["sampled_units"] - 1) / stats.t.ppf(0.975, df)) ** 2
    p = row["estimate"]
    assert row["interval_lower"] == pytest.approx(stats.beta.ppf(0.025, p * n, n - p * n + 1), rel=1e-9)
    assert row["interval_upper"] == pytest.approx(stats.beta.ppf(0.975, p * n + 1, n - p * n), rel=1e-9)


_ALWAYS_NULL = (
    "estimate",
    "variance",
    "std_error",
    "degrees_of_freedom",
    "sum_of_weights",
    "effective_n",
    "design_effect",
)

_RATIO_FIGURES = ("estimate", "variance", "std_error", "effective_n", "design_effect")


@pytest.mark.parametrize(
    ("model", "domain", "status", "null_columns"),
    [
        *(
            ("edges_poisson", name, "invalid_rows", _ALWAYS_NULL)
            for name in (
                "null_weight",
                "zero_weight",
                "negative_weight",
                "infinite_weight",
                "no_probability",
                "zero_probability",
                "null_x",
                "nan_y",
            )
        ),
        ("edges_stratified", "null_stratum", "invalid_rows", _ALWAYS_NULL),
        ("edges_poisson", "large_probability", "invalid_rows", _ALWAYS_NULL),
        ("edges_stratified", "large_probability", "ok", ()),
        ("strata", "small_population", "invalid_rows", _ALWAYS_NULL),
        ("strata", "two_populations", "invalid_rows", _ALWAYS_NULL),
        ("strata", "null_population", "invalid_rows", _ALWAYS_NULL),
        ("edges_null_psu", "null_stratum", "invalid_rows", _ALWAYS_NULL),
        ("edges_poisson", "unlabeled", "no_sampled_units", _ALWAYS_NULL),
        ("edges_poisson", "no_exposure", "zero_denominator", _RATIO_FIGURES),
        ("edges_total", "no_exposure", "zero_variance", ("effective_n", "design_effect")),
        ("strata", "lonely", "lonely_psu", ("variance", "std_error", "effective_n", "design_effect")),
        ("strata", "not_lonely", "no_degrees_of_freedom", ("effective_n", "design_effect")),
        ("strata", "lonely_census", "ok", ()),
        ("edges_poisson", "one_row", "no_degrees_of_freedom", ("effective_n", "design_effect")),
        ("edges_stratified", "none_positive", "degenerate_proportion", ("effective_n", "design_effect")),
        ("edges_stratified", "all_positive", "degenerate_proportion", ("effective_n", "design_effect")),
        ("edges_total", "none_positive", "zero_variance", ("effective_n", "design_effect")),
        ("edges_stratified", "half", "zero_variance", ("effective_n", "design_effect")),
        ("strata", "census", "census", ("effective_n",)),
        ("edges_stratified", "not_share", "ok", ("effective_n",)),
        ("edges_stratified", "fine", "ok", ()),
    ],
)
def test_status(results, model, domain, status, null_columns) -> None:
    row = results[model][f"name={domain}"]
    assert row["status"] == status
    without_interval = status not in ("ok", "census", "degenerate_proportion")
    nulls = {*null_columns, *(("interval_lower", "interval_upper", "interval_method") if without_interval else ())}
    for column in (*_ALWAYS_NULL, "interval_lower", "interval_upper", "interval_method"):
        assert pd.isna(row[column]) == (column in nulls), column


def test_what_is_counted_where_nothing_is_given(results) -> None:
    assert results["edges_poisson"]["name=null_weight"]["invalid_rows"] == 1
    assert results["strata"]["name=two_populations"]["invalid_rows"] == 2
    assert results["edges_poisson"]["name=fine"]["invalid_rows"] == 0
    unlabeled = results["edges_poisson"]["name=unlabeled"]
    assert (unlabeled["sampled_units"], unlabeled["unlabeled_units"]) == (0, 2)
    assert results["strata"]["name=lonely"]["lonely_psus"] == 1
    assert results["strata"]["name=lonely_census"]["lonely_psus"] == 0


def test_degenerate_share(results) -> None:
    none, everything = (results["edges_stratified"][f"name={name}"] for name in ("none_positive", "all_positive"))
    assert (none["estimate"], none["variance"], none["interval_lower"], none["unlabeled_units"]) == (0, 0, 0, 1)
    assert none["interval_upper"] == pytest.approx(1 - 0.025 ** (1 / 3), rel=1e-12)
    assert (everything["estimate"], everything["variance"], everything["interval_upper"]) == (1, 0, 1)
    assert everything["interval_lower"] == pytest.approx(0.025**0.5, rel=1e-12)
    assert none["interval_method"] == everything["interval_method"] == "clopper_pearson"


def test_census_is_a_point(results) -> None:
    row = results["strata"]["name=census"]
    assert row["variance"] == 0
    assert row["interval_lower"] == row["interval_upper"] == row["estimate"] == pytest.approx(1 / 3)


def test_bound_under_unequal_weights(results) -> None:
    def rows(model):
        return (results[model][f"name={name}"] for name in ("none_positive", "all_positive"))

    none, everything = rows("bound_poisson")
    assert none["interval_upper"] == pytest.approx(min(1, 2 / 6 * math.log(40)), rel=1e-12)
    assert everything["interval_lower"] == pytest.approx(max(0, 1 - 7 / 9 * math.log(40)), abs=1e-12)
    assert none["interval_method"] == "max_weight_bound"
    none, everything = rows("bound_replacement")
    assert none["interval_upper"] == pytest.approx(3 * 2 / 6 * (1 - 0.025 ** (1 / 3)), rel=1e-12)
    assert everything["interval_lower"] == pytest.approx(max(0, 1 - 2 * 7 / 9 * (1 - 0.025**0.5)), abs=1e-12)
    # units 1 to 4 of the frame weigh 1.5 to 6: the heaviest was not labeled, and counts
    none, _ = rows("bound_frame")
    assert none["interval_upper"] == pytest.approx(min(1, 3 * 6 / 6 * (1 - 0.025 ** (1 / 3))), rel=1e-12)


@pytest.mark.parametrize("which", ["none", "all"])
def test_bound_is_clopper_pearsons_where_weights_are_equal(results, which) -> None:
    for domain, reference in results[f"bound_reference_{which}"].items():
        row = results[f"bound_equal_{which}"][domain]
        for bound in ("interval_lower", "interval_upper"):
            assert row[bound] == pytest.approx(reference[bound], rel=1e-10, abs=1e-15)
        assert (row["interval_method"], reference["interval_method"]) == ("max_weight_bound", "clopper_pearson")
        assert (row["status"], row["interval_level"]) == ("degenerate_proportion", 0.9)


REFUSALS = {
    "design='cluster'": (
        "design must be one of stratified, pps_with_replacement, pps_without_replacement, poisson, coordinated_poisson",
        "'cluster'",
    ),
    "level=95": ("level must be a number between 0 and 1", "'95'"),
    "level='0.95'": ("level must be a number between 0 and 1", "'0.95'"),
    "interval='wilsom'": ("interval must be one of wald_t, logit, asin, wilson, korn_graubard", "'wilsom'"),
    "lonely_psu='ignore'": ("lonely_psu must be one of fail, remove, certainty, adjust, average", "'ignore'"),
    "total='yes'": ("total must be true or false", "'yes'"),
    "design='poisson'": ("design 'poisson' requires inclusion_probability", "none"),
    "design='poisson', inclusion_probability='pi', psu='a'": (
        "design 'poisson' takes stratum, inclusion_probability",
        "psu",
    ),
    "inclusion_probability='pi'": ("design 'stratified' takes stratum, psu, population_psus", "inclusion_probability"),
    "design='pps_with_replacement', population_psus='n'": (
        "design 'pps_with_replacement' takes stratum, psu",
        "population_psus",
    ),
    "ssu='b', psu='a'": ("requires psu, population_psus, ssu and population_ssus together", "psu, ssu"),
    "by=['country']": ("by must be a list of column lists", "country"),
    "by=[]": ("by must be a list of column lists", "[]"),
    "by=[['estimate']]": ("by must not hold a name of the result's own columns", "'estimate'"),
    "by=[['Country'], ['country', 'b']]": ("by must write a column in one way", "'country' and 'Country'"),
    "by=[['a', 'A']]": ("by must name a column once in a set", "'A'"),
    "by=[['a', 'b'], ['b', 'a']]": ("by must hold each set of columns once", "'b'"),
    "weight=none": ("weight is required", "none"),
    "x=1": ("x must be the text of an SQL expression", "'1'"),
    "zero_positive_bound='rule_of_three'": (
        "zero_positive_bound must be one of clopper_pearson, max_weight",
        "'rule_of_three'",
    ),
    "design='poisson', inclusion_probability='pi', variance_method='hajek'": (
        "variance_method 'hajek' belongs to design 'pps_without_replacement'",
        "'poisson'",
    ),
    "design='pps_without_replacement', inclusion_probability='pi', variance_method='sampford'": (
        "variance_method must be one of brewer, hajek, deville, overton, overton_yates_grundy, hartley_rao",
        "'sampford'",
    ),
    "design='pps_without_replacement', inclusion_probability='pi', variance_method='hartley_rao'": (
        "variance_method 'hartley_rao' and population_squared_probabilities go together",
        "none",
    ),
    "design='pps_without_replacement', inclusion_probability='pi', variance_method='yates_grundy'": (
        "variance_method 'horvitz_thompson' or 'yates_grundy' and joint_probabilities go together",
        "none",
    ),
    "design='pps_without_replacement', inclusion_probability='pi', joint_probabilities='j'": (
        "variance_method 'horvitz_thompson' or 'yates_grundy' and joint_probabilities go together",
        "j",
    ),
    "lonely_psu='remove', lonely_psu_in_domain=true": (
        "lonely_psu_in_domain belongs to lonely_psu 'adjust' or 'average'",
        "'remove'",
    ),
    "frame_maximum_weight='m'": (
        "frame_maximum_weight belongs to zero_positive_bound 'max_weight'",
        "'clopper_pearson'",
    ),
}


def test_refusals(dbt_calls) -> None:
    models = {
        f"refused_{number}": "{{ prevalence.survey_estimates(relation='sampled', y='y2', " + arguments + ") }}"
        for number, arguments in enumerate(REFUSALS)
    }
    messages = dbt_calls.refusals(models)
    for (name, message), (arguments, (allowed, received)) in zip(messages.items(), REFUSALS.items(), strict=True):
        assert "survey_estimates: " in message, (name, arguments, message)
        assert allowed in message, (arguments, message)
        assert f"received {received}" in message or (received in message and "received" in message), (
            arguments,
            message,
        )


def test_gamma_is_for_rare_events(dbt_calls, call_text) -> None:
    """A share between a tenth and nine tenths gets Korn-Graubard, and interval_method says so."""
    rows = """
        select i, 1.0 + i % 7 as w, 1 / (1.0 + i % 7) as p, i % 50 = 0 as is_rare, i % 4 = 0 as is_common,
            i % 50 > 0 as is_usual
        from range(400) as sampled (i)
    """
    shared = {"relation": "events", "weight": "w", "design": "poisson", "inclusion_probability": "p"}
    calls = {
        f"{name}_{interval}": call_text("survey_estimates", y=f"cast(is_{name} as double)", interval=interval, **shared)
        for name in ("rare", "common", "usual")
        for interval in ("gamma", "korn_graubard_positives")
    }
    found = {name: rows.iloc[0] for name, rows in dbt_calls.run(calls, {"events": rows}).items()}
    assert found["rare_gamma"].interval_method == found["usual_gamma"].interval_method == "gamma"
    assert found["common_gamma"].interval_method == "korn_graubard_positives"
    for bound in ("interval_lower", "interval_upper"):
        assert found["common_gamma"][bound] == pytest.approx(found["common_korn_graubard_positives"][bound], rel=1e-9)
        assert found["rare_gamma"][bound] != pytest.approx(found["rare_korn_graubard_positives"][bound], rel=1e-3)
