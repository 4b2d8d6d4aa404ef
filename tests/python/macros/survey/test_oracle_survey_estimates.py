"""survey_estimates against R survey: every result of the reference cases a, b, c, d, h and j.

The reference values are not part of the checkout; without them these tests are skipped, and the known answers of
tests/macros remain.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from conftest import SHARED, ReferenceRows, union_of_calls
from scipy.stats import beta

ORACLE = SHARED / "oracle"
pytestmark = pytest.mark.skipif(
    not ORACLE.is_dir(), reason=f"the reference values are not at {ORACLE}; name their parent in PREVALENCE_SHARED"
)

# our interval kinds and the reference's names for them, with their own tolerances where they have one
INTERVALS = {
    "wald_t": ("wald_t", None),
    "logit": ("xlogit", None),
    "asin": ("asin", None),
    "wilson": ("wilson", None),
    "korn_graubard": ("korn_graubard", None),
    "korn_graubard_trunc": ("korn_graubard_trunc", None),
    "likelihood": ("likelihood_exact", 1e-7),
}


@dataclass(frozen=True)
class Design:
    prefix: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Case:
    folder: str
    designs: tuple[Design, ...]
    domains: tuple[str, ...] = ()
    results: dict[str, dict[str, Any]] = field(default_factory=dict, hash=False, compare=False)


def _simple(prefix: str = "", **arguments: Any) -> Design:
    return Design(prefix, {"weight": "w", **arguments})


_CLUSTERS = {"stratum": "stratum", "psu": "psu"}
_STRATA = {"stratum": "stratum", "population_psus": "N_h"}
_BREWER = {"design": "pps_without_replacement", "inclusion_probability": "pi"}
_POISSON = {"design": "poisson", "inclusion_probability": "pi"}
_PPS = (
    _simple("dBR", **_BREWER),
    # Hartley and Rao with the mean probability of the sample is Brewer's form
    _simple("dHR1", **_BREWER),
    _simple("dOV", **_BREWER, variance_method="overton"),
    _simple("dOVY", **_BREWER, variance_method="overton_yates_grundy"),
    _simple("hajek_approx", **_BREWER, variance_method="hajek"),
    _simple("deville1_approx", **_BREWER, variance_method="deville"),
    _simple("dWR", design="pps_with_replacement"),
    _simple("hansen_hurwitz", design="pps_with_replacement"),
)


def _fixed_size(folder: str, mean_squared_probability: float, sample_size: int) -> Case:
    """Fixed-size PPS with the joint probabilities of its pairs; dHR names the population's sum of squares over n."""
    pairs = {**_BREWER, "psu": "unit_id", "joint_probabilities": f"pairs_{folder}"}
    return Case(
        folder,
        (
            *_PPS,
            _simple("dHT", **pairs, variance_method="horvitz_thompson"),
            _simple("dYG", **pairs, variance_method="yates_grundy"),
            _simple(
                "dHR",
                **_BREWER,
                variance_method="hartley_rao",
                population_squared_probabilities=f"{mean_squared_probability!r} * {sample_size}",
            ),
        ),
        ("country",),
    )


_CENSUS = "h05_census_stratum_empty_domain"
# `+adjust.domain`: R's option survey.adjust.domain.lonely, which leaves the results of the other rules as they are
_LONELY = tuple(
    _simple(
        f"{rule}{'+adjust.domain' if in_domain else ''}{':fpc' if populations else ''}",
        **_CLUSTERS,
        lonely_psu=rule,
        lonely_psu_in_domain=in_domain and rule in ("adjust", "average"),
        **populations,
    )
    for rule in ("fail", "remove", "certainty", "adjust", "average")
    for populations in ({}, {"population_psus": "N_psu"})
    for in_domain in (False, True)
)

CASES = (
    Case("a01_api_srs_schwide", (Design("", {"weight": "pw", "population_psus": "fpc"}),), ("stype", "awards")),
    Case(
        "a02_api_strat_awards",
        (Design("", {"weight": "pw", "stratum": "stype", "population_psus": "fpc"}),),
        ("stype", "comp_imp"),
    ),
    Case("a03_api_strat_nofpc_schwide", (Design("", {"weight": "pw", "stratum": "stype"}),), ("stype", "yr_rnd")),
    Case(
        "a04_api_clus1_compimp",
        (Design("", {"weight": "pw", "psu": "dnum", "population_psus": "fpc"}),),
        ("stype", "awards"),
    ),
    Case(
        "a05_api_clus2_awards",
        (
            Design(
                "",
                {
                    "weight": "pw",
                    "psu": "dnum",
                    "population_psus": "fpc1",
                    "ssu": "snum",
                    "population_ssus": "fpc2",
                },
            ),
        ),
        ("stype",),
    ),
    Case("b01_strat_srs_fpc", (_simple(**_STRATA),), ("country", "surface")),
    *(
        Case(folder, (_simple(**_CLUSTERS), _simple("fpc", **_CLUSTERS, population_psus="N_psu")), ("country",))
        for folder in ("b02_strat_cluster", "b03_strat_cluster_rare")
    ),
    Case(
        "b04_two_stage",
        (
            _simple(**_CLUSTERS, population_psus="fpc1", ssu="unit_id", population_ssus="fpc2"),
            _simple("ultimate", **_CLUSTERS, population_psus="fpc1"),
        ),
        ("country",),
    ),
    _fixed_size("c01_ppswor_sampford", 0.16824648510203871, 36),
    _fixed_size("c02_ppswor_tille", 0.20948774731129591, 28),
    Case(
        "c03_strat_pareto_brewer",
        (
            _simple("dBR", **_BREWER, stratum="stratum2", lonely_psu="certainty"),
            _simple("dWR", design="pps_with_replacement", stratum="stratum2", lonely_psu="certainty"),
            _simple(
                "dOV",
                **_BREWER,
                stratum="stratum2",
                lonely_psu="certainty",
                variance_method="overton_yates_grundy",
            ),
        ),
        ("country",),
    ),
    Case("c04_ppswr_hansen_hurwitz", (_simple(design="pps_with_replacement"),), ("country",)),
    Case("d01_poisson_score", (_simple(**_POISSON),), ("country", "surface")),
    Case("d02_poisson_views_certainty", (_simple(**_POISSON),), ("country", "surface")),
    Case("h01_zero_events", (_simple(**_STRATA),), ("country", "stratum")),
    Case("h02_one_event", (_simple(**_STRATA),), ("country", "stratum")),
    Case("h03_all_events", (_simple(**_STRATA),), ("country", "stratum")),
    Case("h04_lonely_psu", _LONELY, ("country",)),
    Case("h05_census_stratum_empty_domain", (_simple(**_STRATA),), ("country", "stratum")),
    Case("h06_missing_labels", (_simple(**_CLUSTERS), _simple("subset", **_CLUSTERS)), ("country",)),
    Case("j01_domain_df", (_simple(**_CLUSTERS),), ("dom", "dom2")),
)


def _reference(case: Case) -> dict[str, Any]:
    return json.loads((ORACLE / case.folder / "expected.json").read_text())


def _prefix_and_name(result: dict[str, Any]) -> tuple[str, str]:
    head = result["id"].split("|")[0]
    prefix, _, name = head.rpartition(":")
    return prefix, name


def _design(case: Case, result: dict[str, Any]) -> Design | None:
    prefix, _ = _prefix_and_name(result)
    return next((design for design in case.designs if design.prefix == prefix), None)


def _estimand(result: dict[str, Any]) -> dict[str, Any]:
    if result["id"].endswith("ht_mean_known_N"):
        return {"y": "y / N_pop", "total": True}
    arguments: dict[str, Any] = {"y": result["variable"], "total": result["estimand"] == "total"}
    if result.get("denominator"):
        arguments["x"] = result["denominator"]
    return arguments


def _call_id(result: dict[str, Any], interval: str) -> str:
    prefix, name = _prefix_and_name(result)
    return f"{prefix}:{name}:{interval}"


def _intervals(result: dict[str, Any]) -> list[str]:
    return list(INTERVALS) if result["estimand"] == "mean" and result["variable"] == "y" else ["wald_t"]


def _results() -> list[Any]:
    if not ORACLE.is_dir():
        return []
    return [
        pytest.param(case, result, id=f"{case.folder}::{result['id']}")
        for case in CASES
        for result in _reference(case)["results"]
    ]


@pytest.fixture(scope="module")
def survey_figures(dbt_calls, call_text):
    """case -> call -> (domain column, value) -> row"""
    models, tables = {}, {}
    for case in CASES:
        calls = {}
        for result in _reference(case)["results"]:
            design = _design(case, result)
            for interval in _intervals(result) if design else []:
                calls[_call_id(result, interval)] = call_text(
                    "survey_estimates",
                    relation=f"data_{case.folder}",
                    **_estimand(result),
                    **design.arguments,
                    interval=interval,
                    by=[[], *([column] for column in case.domains)],
                )
        models[case.folder] = union_of_calls(calls)
        tables[f"data_{case.folder}"] = (
            f"select * from read_csv('{ORACLE / case.folder / 'data.csv'}',"
            " auto_type_candidates = ['BIGINT', 'DOUBLE', 'VARCHAR'])"
        )
        if (ORACLE / case.folder / "joint_pi.csv").is_file():
            tables[f"pairs_{case.folder}"] = _pairs(case.folder)
    rows = ReferenceRows(dbt_calls)
    for folder, frame in dbt_calls.run_reference(models, tables).items():
        for row in frame.to_dict("records"):
            column = row["grouping_set"]
            domain = ("overall", None) if column == "overall" else (column, str(row[column]))
            rows[folder, row["call_id"], domain] = row
    return rows


def _pairs(folder: str) -> str:
    """Each pair of the matrix of joint probabilities once; its rows are in the order of the units."""
    path = ORACLE / folder / "joint_pi.csv"
    return f"""
        with matrix as (select row_number() over () as position, * from read_csv('{path}')),
        units as (select row_number() over () as position, unit_id from read_csv('{path.parent / "data.csv"}')),
        pairs as (unpivot matrix on columns(* exclude (position)) into name label value joint_probability)
        select
            units.unit_id as psu_1, cast(substr(pairs.label, 2) as bigint) as psu_2, pairs.joint_probability
        from pairs
        inner join units on pairs.position = units.position
        where units.unit_id < cast(substr(pairs.label, 2) as bigint)
    """


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _close(ours: Any, reference: float, rel: float, absolute: float) -> bool:
    return not _is_null(ours) and math.isclose(ours, reference, rel_tol=rel, abs_tol=absolute)


@pytest.mark.parametrize(("case", "result"), _results())
def test_reference(survey_figures, case, result) -> None:
    tolerance = _reference(case)["tolerance"]
    rel, absolute = tolerance["rel"], tolerance["abs"]
    domain = next(iter(result.get("domain", {}).items()), ("overall", None))
    rows = {
        interval: survey_figures.get((case.folder, _call_id(result, interval), domain))
        for interval in _intervals(result)
    }
    row = rows["wald_t"]

    if result.get("expect") == "no_estimate":
        assert row is None or (row["status"] == "no_sampled_units" and _is_null(row["estimate"]))
        return
    if "error" in result:
        assert row["status"] == "lonely_psu"
        assert not _is_null(row["estimate"])
        assert all(_is_null(row[name]) for name in ("variance", "std_error", "interval_lower", "interval_upper"))
        return

    assert _close(row["estimate"], result["estimate"], rel, absolute), row
    assert _close(row["variance"], result["variance"], rel, absolute)
    assert _close(row["std_error"], result["se"], rel, absolute)
    if "n" not in result:
        return
    assert row["sampled_units"] == result["n"]
    assert _close(row["sum_of_weights"], result["sum_w"], rel, absolute)
    if "na.rm" in result["call"] and row["degrees_of_freedom"] != result["df"]:
        # R reads these df off the whole design; ours leave out PSUs without any label, as R's subset() does
        assert case.folder == "a05_api_clus2_awards" and row["degrees_of_freedom"] == 37
        return
    assert row["degrees_of_freedom"] == result["df"]
    if "n_pos" in result:
        assert row["positive_units"] == result["n_pos"]
    if result.get("n_eff") is not None and not result.get("expect"):
        assert _close(row["effective_n"], result["n_eff"], rel, absolute)
    # with everything positive there is no spread to divide by: R's value is then its own rounding error
    if result.get("deff_replace") is not None and not (result.get("n_pos") == result["n"]):
        assert _close(row["design_effect"], result["deff_replace"], rel, absolute)

    if result["df"] <= 0:
        assert row["status"] == "no_degrees_of_freedom"
        assert _is_null(row["interval_lower"])
    elif result["variance"] <= absolute and result["estimand"] == "total" and case.folder != _CENSUS:
        assert row["status"] == "zero_variance"
        assert _is_null(row["interval_lower"])
    elif result["variance"] == 0 and case.folder == _CENSUS:
        for interval_row in rows.values():
            assert interval_row["status"] == "census"
            assert interval_row["interval_lower"] == interval_row["interval_upper"] == interval_row["estimate"]
    elif result["variance"] == 0:
        # nothing or everything is positive: exact binomial bounds with the sampled units, whatever was asked for
        n, positives = result["n"], result["n"] * result["estimate"]
        lower = beta.ppf(0.025, positives, n - positives + 1) if positives else 0.0
        upper = beta.ppf(0.975, positives + 1, n - positives) if positives < n else 1.0
        for interval_row in rows.values():
            assert interval_row["status"] == "degenerate_proportion"
            assert interval_row["interval_method"] == "clopper_pearson"
            assert _close(interval_row["interval_lower"], lower, 1e-9, absolute)
            assert _close(interval_row["interval_upper"], upper, 1e-9, absolute)
    else:
        for interval, interval_row in rows.items():
            name, own_rel = INTERVALS[interval]
            assert interval_row["status"] == "ok"
            assert interval_row["interval_method"] == interval
            for side, bound in zip(("lower", "upper"), result.get("ci", {}).get(name) or (), strict=False):
                if bound is not None:
                    assert _close(interval_row[f"interval_{side}"], bound, own_rel or rel, absolute), (interval, side)
