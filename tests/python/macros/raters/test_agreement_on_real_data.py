"""Agreement of raters on published data sets, against figures that others computed from them.

Labels of the first round by people, unless said; answers such as `unsure` are labels of their own unless said.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from conftest import SHARED

DATA = SHARED / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not DATA.is_dir(),
        reason=f"the data sets are not in {DATA}; PREVALENCE_SHARED says where their folder `data` is",
    ),
]

# few raters with many items in common; three raters or more; of hsol_a nobody knows who answered
PAIRED_SETS = ["ds1979_anesthesia", "convabuse_eliza", "hatecheck", "xstest_dev"]
MODELED_SETS = ["ds1979_anesthesia", "convabuse_eliza", "hatecheck", "adult_crowd", "trec_crowd_a", "dices_350"]
SETS = [*MODELED_SETS, "xstest_dev", "hsol_a"]
ROUND_ONE = "labeler_type = 'human' and labeling_round = 1"
CLOSE = {"rel": 1e-9, "abs": 1e-12}


def _facts(name: str) -> dict:
    return json.loads((DATA / name / "facts.json").read_text())


@pytest.fixture(scope="module")
def results(dbt_calls, call_text):
    tables = {
        f"labels_{name}": f"select * from read_parquet('{DATA / name / 'labels.parquet'}') where {ROUND_ONE}"
        for name in SETS
    }
    tables["labels_of_all_rounds"] = f"select * from read_parquet('{DATA / 'ds1979_anesthesia' / 'labels.parquet'}')"
    tables["labels_twice"] = f"""
        select
            unit_id || labeler_id as item,
            labeling_round,
            case when policy = 'abuse' then label_raw end as severity,
            label
        from read_parquet('{DATA / "convabuse_eliza" / "labels.parquet"}')
        where policy = 'abuse' and labeling_round <= 2
    """
    models = {}
    for name in SETS:
        by_policy = {"relation": f"labels_{name}", "item": "unit_id", "label": "label", "by": [["policy"]]}
        rater = None if name == "hsol_a" else "labeler_id"
        models[f"{name}_groups"] = call_text("rater_agreement", **by_policy, rater=rater, positive_label="'violating'")
        models[f"{name}_votes"] = call_text("label_vote_shares", **by_policy)
        if name in PAIRED_SETS:
            models[f"{name}_pairs"] = call_text("rater_pair_agreement", **by_policy, rater="labeler_id")
        if name in MODELED_SETS:
            models[f"{name}_posteriors"] = call_text(
                "dawid_skene",
                **{**by_policy, "label": "case when label <> 'unsure' then label end"},
                rater="labeler_id",
            )
    scales = {
        "convabuse_eliza": ("severity", "policy = 'abuse'", "severity"),
        "adult_crowd": ("label_raw", "true", "severity"),
        "ds1979_anesthesia": ("label_raw", "true", None),
        "dices_350": ("label", "label <> 'unsure'", None),
    }
    for name, (label, condition, value) in scales.items():
        models[f"{name}_scale"] = call_text(
            "rater_agreement", relation=f"(select * from labels_{name} where {condition}) as chosen", item="unit_id",
            rater="labeler_id", label=label, label_value=value,
        )  # fmt: skip
    models["xstest_by_model"] = call_text(
        "rater_agreement", relation="labels_by_model", item="unit_id", rater="labeler_id", label="label_raw",
        by=[["surface"]],
    )  # fmt: skip
    tables["labels_by_model"] = f"""
        select labels.*, interactions.surface
        from labels_xstest_dev as labels
        inner join read_parquet('{DATA / "xstest_dev" / "interactions.parquet"}') as interactions using (interaction_id)
    """
    classes = {"relation": "labels_adult_crowd", "item": "unit_id", "rater": "labeler_id", "label": "label_raw"}
    models["adult_classes"] = call_text("dawid_skene", **classes)
    models["adult_class_votes"] = call_text(
        "label_vote_shares", relation="labels_adult_crowd", item="unit_id", label="label_raw"
    )
    models["anesthesia_classes"] = call_text(
        "dawid_skene", **{**classes, "relation": "labels_of_all_rounds"}, tolerance=1e-14
    )
    models["repeats"] = call_text(
        "rater_pair_agreement", relation="labels_twice", item="item", rater="labeling_round", label="label"
    )
    models["repeated_severity"] = call_text(
        "rater_pair_agreement", relation="labels_twice", item="item", rater="labeling_round", label="severity"
    )
    models["rounds_as_one"] = call_text(
        "rater_agreement", relation="labels_of_all_rounds", item="unit_id", rater="labeler_id", label="label_raw"
    )
    tables["gold"] = " union all ".join(
        f"select '{name}' as name, unit_id, policy, gold_label, gold_raw from"
        f" read_parquet('{DATA / name / 'gold.parquet'}')"
        for name in ("adult_crowd", "trec_crowd_a", "dices_350", "hatecheck")
    )
    models["gold_labels"] = "select * from gold"
    return dbt_calls.run(models, tables)


def _policies(names: list[str]) -> list[tuple[str, str]]:
    if not DATA.is_dir():
        return []
    return [(name, policy) for name in names for policy in _facts(name)["policies"]]


def _of_policy(results, model: str, policy: str) -> pd.DataFrame:
    return results[model][results[model].policy == policy]


@pytest.mark.parametrize(("name", "policy"), _policies(SETS))
def test_groups(results, name, policy) -> None:
    facts = _facts(name)["policies"][policy]
    (row,) = _of_policy(results, f"{name}_groups", policy).itertuples()
    assert row.status == "ok"
    assert (row.items, row.labels) == (facts["units_with_human_labels"], facts["human_ratings_round1"])
    assert row.missing_labels == row.invalid_rows == 0
    if facts["distinct_labelers"] is not None:
        assert row.raters == facts["distinct_labelers"]
    assert row.krippendorff_alpha == pytest.approx(facts["krippendorff_alpha_nominal_all_labels"], **CLOSE)
    if facts["fleiss_kappa_all_labels"] is not None:
        assert row.complete_items == row.items
        assert row.fleiss_kappa == pytest.approx(facts["fleiss_kappa_all_labels"], **CLOSE)


@pytest.mark.parametrize(("name", "policy"), _policies(SETS))
def test_votes(results, name, policy) -> None:
    facts = _facts(name)["policies"][policy]
    votes = _of_policy(results, f"{name}_votes", policy)
    violating = votes[votes.label == "violating"]
    counts = votes.groupby("label").votes.sum().to_dict()
    assert counts == facts["label_counts"]
    units = facts["units_with_human_labels"]
    assert violating.vote_share.sum() / units == pytest.approx(facts["prevalence_mean_of_unit_shares"], **CLOSE)
    assert violating.is_majority.sum() == facts["units_strict_majority_violating"]
    assert (violating.vote_share >= 0.5).sum() == facts["units_at_least_half_violating"]


@pytest.mark.parametrize(("name", "policy"), _policies(PAIRED_SETS))
def test_pairs(results, name, policy) -> None:
    expected = _facts(name)["policies"][policy]["mean_pairwise_cohen_kappa_binary"]
    kappas = _of_policy(results, f"{name}_pairs", policy).cohen_kappa.dropna()
    # pairs with one label only have no kappa, and are not in the facts either
    assert len(kappas) == expected["pairs"]
    assert kappas.mean() == pytest.approx(expected["mean"], **CLOSE)


@pytest.mark.parametrize(("name", "policy"), _policies(MODELED_SETS))
def test_dawid_skene_of_two_labels(results, name, policy) -> None:
    facts = _facts(name)["policies"][policy]
    expected = facts["dawid_skene_binary"]
    posteriors = _of_policy(results, f"{name}_posteriors", policy)
    violating = posteriors[posteriors.label == "violating"]
    assert violating.missing_labels.iloc[0] == facts["label_counts"].get("unsure", 0)
    assert violating.iterations.iloc[0] == expected["iterations"]
    assert (violating.status == ("not_converged" if expected["iterations"] == 200 else "ok")).all()
    assert violating.log_likelihood.iloc[0] == pytest.approx(expected["log_likelihood"], rel=1e-12)
    assert violating.posterior.mean() == pytest.approx(expected["prevalence_mean_posterior"], rel=1e-9)
    assert (violating.posterior > 0.5).mean() == pytest.approx(expected["prevalence_posterior_over_half"], rel=1e-12)
    if "dawid_skene_vs_gold" in facts:
        gold = results["gold_labels"].query("name == @name and policy == @policy").set_index("unit_id").gold_label
        found = violating.set_index("item").posterior.reindex(gold.index) > 0.5
        table = pd.crosstab(gold == "violating", found)
        cells = {"tp": table[True][True], "fp": table[True][False], "fn": table[False][True], "tn": table[False][False]}
        assert cells == {cell: facts["dawid_skene_vs_gold"][cell] for cell in cells}


def test_alphas_of_ordered_classes(results) -> None:
    severity, facts = results["convabuse_eliza_scale"].iloc[0], _facts("convabuse_eliza")["severity_alpha"]
    assert severity.krippendorff_alpha == pytest.approx(facts["nominal"], **CLOSE)
    assert severity.krippendorff_alpha_ordinal == pytest.approx(facts["ordinal"], **CLOSE)
    assert severity.krippendorff_alpha_interval == pytest.approx(facts["interval"], **CLOSE)
    classes, facts = results["adult_crowd_scale"].iloc[0], _facts("adult_crowd")
    assert classes.krippendorff_alpha == pytest.approx(facts["krippendorff_alpha_nominal_classes"], **CLOSE)
    assert classes.krippendorff_alpha_ordinal == pytest.approx(facts["krippendorff_alpha_ordinal_GPRX"], **CLOSE)
    classes, facts = results["ds1979_anesthesia_scale"].iloc[0], _facts("ds1979_anesthesia")
    assert classes.krippendorff_alpha == pytest.approx(facts["krippendorff_alpha_nominal_classes_round1"], **CLOSE)


def test_unsure_is_a_label_unless_left_out(results) -> None:
    facts = _facts("dices_350")["policies"]["unsafe_response"]
    (with_unsure,) = results["dices_350_groups"].itertuples()
    (without,) = results["dices_350_scale"].itertuples()
    assert (with_unsure.distinct_labels, without.distinct_labels) == (3, 2)
    assert with_unsure.labels - without.labels == facts["label_counts"]["unsure"]
    expected = facts["krippendorff_alpha_nominal_binary_excluding_unsure"]
    assert without.krippendorff_alpha == pytest.approx(expected, **CLOSE)
    published = json.loads((DATA / "published.json").read_text())["dices_350"]
    assert with_unsure.krippendorff_alpha == pytest.approx(published["krippendorff_alpha_nominal_3_labels"], abs=1e-12)


def test_published_agreement_on_completions(results) -> None:
    published = json.loads((DATA / "published.json").read_text())["xstest_dev"]
    facts = _facts("xstest_dev")["three_class_by_surface"]
    rows = results["xstest_by_model"].set_index("surface")
    for surface, expected in facts.items():
        row = rows.loc[surface]
        assert round(100 * row.percent_agreement, 1) == published["raw_agreement_percent"][surface]
        assert round(row.fleiss_kappa, 2) == published["fleiss_kappa_2dp_3_classes"][surface]
        assert row.fleiss_kappa == pytest.approx(expected["fleiss_kappa_3_classes"], **CLOSE)
        assert row.krippendorff_alpha == pytest.approx(expected["krippendorff_alpha_nominal_3_classes"], **CLOSE)
    published = json.loads((DATA / "published.json").read_text())["hatecheck"]
    assert round(results["hatecheck_groups"].fleiss_kappa[0], 2) == published["fleiss_kappa_all_cases_2dp"]


def test_a_rater_against_himself(results) -> None:
    """The same annotator's answers to the same window, in the first and the second round."""
    facts = _facts("convabuse_eliza")["intra_annotator_repeat"]
    (row,) = results["repeats"].itertuples()
    assert row.paired_items == facts["pairs"]
    assert row.cohen_kappa == pytest.approx(facts["binary"]["cohen_kappa"], **CLOSE)
    assert row.percent_agreement == pytest.approx(facts["binary"]["accuracy"], **CLOSE)
    assert results["repeated_severity"].percent_agreement[0] == pytest.approx(facts["same_severity"], **CLOSE)


def test_repeats_of_a_rater_are_no_agreement_of_raters(results) -> None:
    row = results["rounds_as_one"].iloc[0]
    # one observer saw each of 45 patients three times
    assert (row.status, row.repeated_labels) == ("repeated_labels", 90)
    assert pd.isna(row.krippendorff_alpha)


def test_anaesthetists_of_dawid_and_skene(results) -> None:
    facts = _facts("ds1979_anesthesia")
    rows = results["anesthesia_classes"]
    expected = facts["dawid_skene_classes"]
    assert rows.log_likelihood[0] == pytest.approx(expected["log_likelihood"], rel=1e-12)
    assert rows.iterations[0] == expected["iterations"]
    shares = rows.groupby("label").posterior.mean()
    assert shares.to_dict() == pytest.approx(expected["priors"], rel=1e-9)
    most_likely = rows[rows.is_most_likely].set_index("item").label
    assert most_likely.to_dict() == facts["most_likely_class"]
    published = json.loads((DATA / "published.json").read_text())["ds1979_anesthesia"]["class_marginals_2dp"]
    assert shares.round(2).to_dict() == published


def test_classes_of_the_crowd_against_gold(results) -> None:
    facts = _facts("adult_crowd")
    rows = results["adult_classes"]
    expected = facts["dawid_skene_classes"]
    assert (rows.iterations[0], rows.status[0]) == (expected["iterations"], "not_converged")
    assert rows.log_likelihood[0] == pytest.approx(expected["log_likelihood"], rel=1e-12)
    assert rows.groupby("label").posterior.mean().to_dict() == pytest.approx(expected["priors"], rel=1e-9)
    gold = results["gold_labels"].query("name == 'adult_crowd'").set_index("unit_id").gold_raw
    accuracy = facts["gold_class_accuracy"]
    found = rows[rows.is_most_likely].set_index("item").label
    assert (found.reindex(gold.index) == gold).mean() == pytest.approx(accuracy["dawid_skene"], rel=1e-12)
    # the majority's label, where several have as many votes half credit, or the first of their order
    votes = results["adult_class_votes"].query("tied_labels > 0").set_index("item")
    votes = votes[votes.index.isin(gold.index)].sort_values("label")
    right = votes.label == gold.reindex(votes.index)
    assert (right / votes.tied_labels).sum() / len(gold) == pytest.approx(
        accuracy["majority_vote_half_credit_split_over_ties"], rel=1e-12
    )
    assert votes[votes.tied_labels > 1].index.nunique() == accuracy["units_with_ties"]
    # G, P, R, X is the order of the alphabet
    first = right.groupby(level=0, sort=False).first()
    assert np.mean(first) == pytest.approx(accuracy["majority_vote_first_class_on_ties_GPRXB_order"], rel=1e-12)
