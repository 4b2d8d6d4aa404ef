"""Dawid and Skene's model: reference cases m, an independent computation, properties, statuses and refusals."""

from __future__ import annotations

import json
import math

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import SHARED

from python_udfs.dawid_skene import HEAD, dawid_skene

CASES = [path.name for path in sorted((SHARED / "oracle").glob("m0*"))] if (SHARED / "oracle").is_dir() else []
# crowd-kit writes this for every smaller posterior
FLOOR = 1e-10
ERRORS = {"a": (0.95, 0.9), "b": (0.8, 0.97), "c": (0.7, 0.85), "d": (0.6, 0.95), "e": (0.9, 0.6)}
ITEMS, PREVALENCE = 4000, 0.2


def _records() -> list[tuple[str, dict]]:
    return [
        (case, record)
        for case in CASES
        for record in json.loads((SHARED / "oracle" / case / "expected.json").read_text())["results"]
        if record["id"].startswith("dawid_skene")
    ]


def _world() -> pd.DataFrame:
    """Five raters of known sensitivity and specificity; each item is left out by about a third of them."""
    generator = np.random.default_rng(7)
    violating = generator.uniform(size=ITEMS) < PREVALENCE
    frames = []
    for rater, (sensitivity, specificity) in ERRORS.items():
        says = generator.uniform(size=ITEMS) < np.where(violating, sensitivity, 1 - specificity)
        seen = generator.uniform(size=ITEMS) < 0.67
        frames.append(pd.DataFrame({"item": np.arange(ITEMS), "rater": rater, "says": says * 1})[seen])
    return pd.concat(frames, ignore_index=True)


WORLD = _world()
PARTS = """
select item, rater, label, 'two_raters' as part from (values
    (1, 'a', 'x'), (1, 'b', 'y'), (2, 'a', 'x'), (2, 'b', 'x')) as answers (item, rater, label)
union all select item, rater, label, 'no_pairs' from (values
    (1, 'a', 'x'), (2, 'b', 'x'), (3, 'c', 'y'), (3, 'd', null)) as answers (item, rater, label)
union all select item, rater, label, 'one_label' from (values
    (1, 'a', 'x'), (1, 'b', 'x'), (2, 'c', 'x')) as answers (item, rater, label)
union all select item, rater, label, 'no_rater' from (values
    (1, 'a', 'x'), (1, 'b', 'y'), (1, 'c', 'y'), (2, null, 'x')) as answers (item, rater, label)
union all select 1, 'a', null, 'unanswered'
union all select item, rater, label, 'fine' from (values
    (1, 'a', 'x'), (1, 'b', 'x'), (1, 'c', 'y'), (2, 'a', 'y'), (2, 'b', 'y'), (2, 'c', 'y'), (2, 'd', null),
    (3, 'a', 'x'), (3, 'a', 'x'), (3, 'b', 'x'), (3, 'c', 'x')) as answers (item, rater, label)
"""


@pytest.fixture(scope="module")
def fitted(dbt_calls, call_text):
    tables = {"parts": PARTS}
    models = {}
    path = dbt_calls.folder / "world.parquet"
    world = WORLD
    duckdb.sql(f"copy (select * from world) to '{path}' (format parquet)")
    tables["world"] = f"select * from '{path}'"
    tables["world_backwards"] = f"select * from '{path}' order by says, rater desc, hash(item)"
    for table in ("world", "world_backwards"):
        for result in ("posteriors", "confusion", "classes"):
            models[f"{table}_{result}"] = call_text(
                "dawid_skene", relation=table, item="item", rater="rater", label="says", result=result
            )
    for result in ("posteriors", "confusion", "classes"):
        models[f"parts_{result}"] = call_text(
            "dawid_skene", relation="parts", item="item", rater="rater", label="label", by=[["part"]], result=result
        )
    models["cut_short"] = call_text(
        "dawid_skene", relation="world", item="item", rater="rater", label="says", result="classes", max_iterations=2
    )
    for case, record in _records():
        tables[f"data_{case}"] = f"select * from read_csv('{SHARED / 'oracle' / case / 'data.csv'}')"
        for result in ("posteriors", "confusion", "classes"):
            models[f"{case}_{record['iterations_run']}_{result}"] = call_text(
                "dawid_skene", relation=f"data_{case}", item="task", rater="worker", label="label", result=result,
                max_iterations=record["iterations_run"], tolerance=0, smoothing=0,
            )  # fmt: skip
    return dbt_calls.run(models, tables)


@pytest.mark.parametrize(("case", "record"), _records(), ids=[f"{case}-{record['id']}" for case, record in _records()])
def test_reference(fitted, case, record) -> None:
    name = f"{case}_{record['iterations_run']}"
    posteriors = fitted[f"{name}_posteriors"].pivot(index="item", columns="label", values="posterior")
    assert posteriors.index.tolist() == record["tasks"]
    assert posteriors.columns.tolist() == [str(label) for label in record["classes"]]
    close = {"rtol": 1e-7, "atol": 1e-12}
    np.testing.assert_allclose(np.maximum(posteriors, FLOOR), np.maximum(record["posterior"], FLOOR), **close)
    classes = fitted[f"{name}_classes"].sort_values("label")
    # the floor reaches the shares and the confusion through the step that follows it
    after_floor = {"rtol": 1e-7, "atol": FLOOR}
    np.testing.assert_allclose(classes.class_share, record["class_prior"], **after_floor)
    for rater, rows in fitted[f"{name}_confusion"].groupby("rater"):
        confusion = rows.pivot(index="label", columns="true_label", values="probability")
        np.testing.assert_allclose(confusion, record["confusion"][rater], **after_floor)


# Independent computation ----------------------------------------------------------------------------------------------


def _textbook(answers: list[tuple[int, int, int, float]], iterations: int) -> tuple[dict, float]:
    """The model's equations with dictionaries, one term at a time."""
    items = sorted({item for item, *_ in answers})
    raters = sorted({rater for _, rater, *_ in answers})
    labels = sorted({label for *_, label, _ in answers})
    belief = {
        (i, k): sum(n for item, _, label, n in answers if (item, label) == (i, k))
        / sum(n for item, *_, n in answers if item == i)
        for i in items
        for k in labels
    }
    likelihood = 0.0
    for _ in range(iterations):
        share = {k: sum(belief[i, k] for i in items) / len(items) for k in labels}
        says = {}
        for r in raters:
            for true in labels:
                met = [(label, n * belief[i, true]) for i, rater, label, n in answers if rater == r]
                for k in labels:
                    says[r, true, k] = sum(mass for label, mass in met if label == k) / sum(mass for _, mass in met)
        likelihood = 0.0
        for i in items:
            joint = {
                k: share[k] * math.prod(says[r, k, label] ** n for item, r, label, n in answers if item == i)
                for k in labels
            }
            likelihood += math.log(sum(joint.values()))
            belief.update({(i, k): joint[k] / sum(joint.values()) for k in labels})
    return belief, likelihood


def _random_answers(items: int = 25, raters: int = 4, classes: int = 3) -> np.ndarray:
    generator = np.random.default_rng(3)
    truth = generator.integers(classes, size=items)
    rows = [
        (item + 1, rater + 1, (truth[item] if right else generator.integers(classes)) + 1, count)
        for item in range(items)
        for rater, (right, count) in enumerate(zip(generator.uniform(size=raters) < 0.6, [1, 1, 2, 1], strict=True))
        if rater == 0 or generator.uniform() < 0.8
    ]
    return np.array(rows, dtype=float)


def _posteriors(solution: np.ndarray) -> np.ndarray:
    items, _, classes = (int(number) for number in solution[:3])
    start = len(HEAD) + classes
    return solution[start : start + items * classes].reshape(items, classes)


@pytest.mark.parametrize("iterations", [1, 4, 30])
def test_equations_of_the_textbook(iterations) -> None:
    answers = _random_answers()
    belief, likelihood = _textbook([(int(i), int(r), int(k), n) for i, r, k, n in answers], iterations)
    solution = dawid_skene(answers, iterations, 0, 0)
    assert solution[HEAD.index("log_likelihood")] == pytest.approx(likelihood, rel=1e-12)
    expected = np.array([[belief[i, k] for k in (1, 2, 3)] for i in range(1, 26)])
    np.testing.assert_allclose(_posteriors(solution), expected, rtol=1e-9, atol=1e-14)


# Properties -----------------------------------------------------------------------------------------------------------


def test_order_of_rows_does_not_change_a_bit(fitted) -> None:
    answers = _random_answers()
    first = dawid_skene(answers, 200, 1e-10, 1e-12)
    generator = np.random.default_rng(1)
    for _ in range(5):
        shuffled = answers[generator.permutation(len(answers))]
        assert dawid_skene(shuffled, 200, 1e-10, 1e-12).tobytes() == first.tobytes()
    for result, keys in (("posteriors", ["item", "label"]), ("confusion", ["rater", "true_label", "label"])):
        forwards, backwards = (
            fitted[f"{table}_{result}"].sort_values(keys, ignore_index=True) for table in ("world", "world_backwards")
        )
        pd.testing.assert_frame_equal(forwards, backwards, check_exact=True)


def test_likelihood_never_falls_and_convergence_is_reported() -> None:
    answers = _random_answers()
    likelihoods = [dawid_skene(answers, iterations, 0, 0)[5] for iterations in range(1, 40)]
    assert (np.diff(likelihoods) > -1e-9).all()
    solution = dawid_skene(answers, 500, 1e-9, 0)
    assert solution[HEAD.index("converged")] == 1 and 2 < solution[HEAD.index("iterations")] < 500
    assert dawid_skene(answers, 2, 1e-9, 0)[HEAD.index("converged")] == 0


def test_a_count_of_two_is_two_rows() -> None:
    answers = _random_answers()
    repeated = np.repeat(answers, answers[:, 3].astype(int), axis=0)
    repeated[:, 3] = 1
    np.testing.assert_allclose(dawid_skene(repeated, 50, 0, 0), dawid_skene(answers, 50, 0, 0), rtol=1e-9)


def test_numbers_that_cannot_be_answers_give_nothing() -> None:
    good = _random_answers()
    with_nan, without_count, with_gap = np.where(good == 3, np.nan, good), good - [0, 0, 0, 5], good + [5, 0, 0, 0]
    for bad in (np.empty((0, 4)), good[:, :3], with_nan, without_count, with_gap):
        assert np.isnan(dawid_skene(bad, 10, 0, 0)).all()
    assert np.isnan(dawid_skene(good, 0, 0, 0)).all() and np.isnan(dawid_skene(good, 9, -1, 0)).all()


def test_world_is_found_again(fitted) -> None:
    classes = fitted["world_classes"].set_index("label")
    assert (classes.status == "ok").all()
    assert classes.class_share.sum() == pytest.approx(1)
    # the votes alone say about 0.26
    assert classes.class_share["1"] == pytest.approx(PREVALENCE, abs=0.02)
    assert classes.votes.sum() == classes.labels.iloc[0] == len(WORLD)
    confusion = fitted["world_confusion"].set_index(["rater", "true_label", "label"])
    # about 530 violating and 2,150 other items each: standard errors of at most 0.022 and 0.011 if the truth were known
    for rater, (sensitivity, specificity) in ERRORS.items():
        assert confusion.probability[rater, "1", "1"] == pytest.approx(sensitivity, abs=0.07)
        assert confusion.probability[rater, "0", "0"] == pytest.approx(specificity, abs=0.04)
    assert confusion.groupby(level=[0, 1]).probability.sum().to_numpy() == pytest.approx(1)
    posteriors = fitted["world_posteriors"]
    items = posteriors.groupby("item")
    assert len(items) == WORLD["item"].nunique()
    assert items.posterior.sum().to_numpy() == pytest.approx(1)
    assert (items.is_most_likely.sum() == 1).all()
    assert posteriors.posterior[posteriors.is_most_likely].min() >= 0.5
    assert posteriors.votes.sum() == len(WORLD)


# What may not be said -------------------------------------------------------------------------------------------------


def test_statuses(fitted) -> None:
    for result, figure in (("posteriors", "posterior"), ("confusion", "probability"), ("classes", "class_share")):
        rows = fitted[f"parts_{result}"]
        statuses = rows.groupby("part").status.agg(["nunique", "first"])
        assert (statuses["nunique"] == 1).all()
        assert statuses["first"].to_dict() == {
            "two_raters": "too_few_raters",
            "no_pairs": "no_pairs",
            "one_label": "one_label",
            "no_rater": "invalid_rows",
            "unanswered": "no_pairs",
            "fine": "ok",
        }
        assert rows[figure][rows.part != "fine"].isna().all()
        assert rows[figure][rows.part == "fine"].notna().all()
    cut = fitted["cut_short"]
    assert (cut.status == "not_converged").all() and (cut.iterations == 2).all() and cut.class_share.notna().all()


def test_answers_that_are_missing_or_repeated_are_counted(fitted) -> None:
    rows = fitted["parts_posteriors"].set_index("part")
    fine = rows.loc["fine"]
    counts = fine[["items", "raters", "labels", "missing_labels"]].drop_duplicates()
    assert counts.to_numpy().tolist() == [[3, 3, 10, 1]]
    assert len(fine) == 3 * 2 and fine.votes.sum() == 10
    (unanswered,) = rows.loc[["unanswered"]].itertuples()
    assert (unanswered.items, unanswered.labels, unanswered.missing_labels) == (0, 0, 1)
    assert pd.isna(unanswered.item) and pd.isna(unanswered.is_most_likely)
    assert (rows.loc["no_rater"].invalid_rows == 1).all()


def test_bad_arguments_are_refused(dbt_calls, call_text) -> None:
    bad = {
        "result": ({"result": "both"}, "result must be one of posteriors, confusion, classes; received 'both'"),
        "iterations": ({"max_iterations": 0}, "max_iterations must be a whole number of 1 or more; received '0'"),
        "tolerance": ({"tolerance": -1e-9}, "tolerance must be a number of 0 or more and less than 1"),
        "smoothing": ({"smoothing": 1}, "smoothing must be a number of 0 or more and less than 1; received '1'"),
        "rater": ({"rater": None}, "rater is required"),
        "reserved": ({"by": [["posterior"]]}, "by must not hold a name of the result's own columns"),
    }
    good = {"relation": "parts", "item": "item", "rater": "rater", "label": "label"}
    models = {name: call_text("dawid_skene", **{**good, **change}) for name, (change, _) in bad.items()}
    refusals = dbt_calls.refusals(models)
    for name, (_, sentence) in bad.items():
        assert sentence in refusals[name], name
