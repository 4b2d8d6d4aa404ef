"""Agreement of raters: reference cases m, published examples, properties, statuses and refusals."""

from __future__ import annotations

import json

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import SHARED
from scipy import stats

CASES = [path.name for path in sorted((SHARED / "oracle").glob("m0*"))] if (SHARED / "oracle").is_dir() else []

# Krippendorff (2011): four observers, twelve units, values 1 to 5, seven missing
OBSERVERS = {
    "a": "1 2 3 3 2 1 4 1 2 . . .",
    "b": "1 2 3 3 2 2 4 1 2 5 . 3",
    "c": ". 3 3 3 2 3 4 2 2 5 1 .",
    "d": "1 2 3 3 2 4 4 1 2 5 1 .",
}
# the worked example of the encyclopaedia's article on Fleiss' kappa: ten subjects, fourteen raters, five categories
FOURTEEN = (
    "0 0 0 0 14, 0 2 6 4 2, 0 0 3 5 6, 0 3 9 2 0, 2 2 8 1 1, 7 7 0 0 0, 3 2 6 3 0, 2 5 3 2 2, 6 5 2 1 0, 0 2 2 3 7"
)
# Feinstein and Cicchetti (1990), tables of two raters: both yes, first yes, second yes, both no
TABLES = {"balanced": (40, 9, 6, 45), "skewed": (80, 10, 5, 5), "perfect": (30, 0, 0, 20), "constant": (12, 8, 0, 0)}
FIRST, SECOND = (1, 1, 0, 0), (1, 0, 1, 0)
REPLICATES, SIMULATED_ITEMS = 300, 150


def _frame(rows: list[tuple], part: str) -> pd.DataFrame:
    return (
        pd.DataFrame(rows, columns=["item", "rater", "answer"])
        .assign(part=part)
        .astype({"item": "Int64", "rater": "string", "answer": "Int64"})
    )


def _examples() -> pd.DataFrame:
    parts = [
        _frame(
            [
                (item, rater, None if value == "." else int(value))
                for rater, values in OBSERVERS.items()
                for item, value in enumerate(values.split())
            ],
            "observers",
        ),
        _frame(
            [
                (item, f"{label}-{number}", label)
                for item, counts in enumerate(FOURTEEN.split(","))
                for label, count in enumerate(counts.split())
                for number in range(int(count))
            ],
            "fourteen",
        ),
    ]
    for part, counts in TABLES.items():
        cells = np.repeat(np.arange(4), counts)
        answers = [
            (item, rater, labels[cell])
            for item, cell in enumerate(cells)
            for rater, labels in (("a", FIRST), ("b", SECOND))
        ]
        parts.append(_frame(answers, part))
    parts += [
        _frame([(1, "a", 1), (1, "b", 1)], "same"),
        _frame([(1, "a", 1), (2, "b", 0), (2, "a", None)], "alone"),
        _frame([(1, "a", None), (1, "b", None)], "unanswered"),
        _frame([(1, "a", 1), (1, "a", 0), (1, "b", 1), (2, "a", 0), (2, "b", 1), (1, "c", 1), (2, "c", 1)], "repeated"),
        _frame([(1, "a", 1), (1, "b", 0), (1, None, 1), (2, "a", 1)], "no_rater"),
        _frame([(1, "a", 1), (1, "b", 0), (None, "c", 1)], "no_item"),
        _frame([(1, "a", 1), (1, "b", 2), (2, "a", 3), (2, "b", 3)], "three_labels"),
        _frame([(1, "a", 1), (1, "b", 1), (2, "a", 7), (2, "b", 1), (3, "a", 0), (3, "b", 0)], "without_number"),
    ]
    return pd.concat(parts, ignore_index=True)


def _simulated() -> pd.DataFrame:
    """Two raters with errors of their own look at items of which a fifth violates, again and again."""
    generator = np.random.default_rng(5)
    truth = generator.uniform(size=(REPLICATES, SIMULATED_ITEMS)) < 0.2
    frames = []
    for rater, sensitivity, specificity in (("a", 0.85, 0.95), ("b", 0.75, 0.9)):
        violating = generator.uniform(size=truth.shape) < np.where(truth, sensitivity, 1 - specificity)
        replicate, item = np.indices(truth.shape)
        frames.append(
            pd.DataFrame(
                {"replicate": replicate.ravel(), "item": item.ravel(), "rater": rater, "answer": violating.ravel() * 1}
            )
        )
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def agreement(dbt_calls, call_text):
    columns = {"item": "item", "rater": "rater", "label": "answer"}
    parts = {**columns, "relation": "examples", "positive_label": "1"}
    value = "case when answer < 7 then answer end"
    tables, models = {}, {
        "by_part": call_text("rater_agreement", **parts, by=[["part"]], label_value=value, number_of_labels=5),
        "two_labels": call_text(
            "rater_agreement", **{**parts, "relation": "(select * from examples where answer < 2) as binary_answers"},
            by=[["part"]], number_of_labels=2,
        ),
        "anonymous": call_text("rater_agreement", **{**parts, "rater": None}, by=[["part"]]),
        "turned": call_text(
            "rater_agreement",
            **{**parts, "label": "'label ' || (9 - answer)", "rater": "rater || 'x'", "positive_label": "'label 8'"},
            label_value="3.5 - 2 * answer",
            by=[[], ["part"]],
        ),
        "few_labels": call_text("rater_agreement", **parts, by=[["part"]], number_of_labels=2),
        "pairs": call_text("rater_pair_agreement", **parts, by=[["part"], []], level=0.9),
        "votes": call_text("label_vote_shares", relation="examples", item="item", label="answer", by=[["part"]]),
        "simulated": call_text("rater_agreement", **columns, relation="simulated", by=[["replicate"]]),
        "simulated_pairs": call_text("rater_pair_agreement", **columns, relation="simulated", by=[["replicate"]]),
    }  # fmt: skip
    for name, frame in (("examples", _examples()), ("simulated", _simulated())):
        path = dbt_calls.folder / f"{name}.parquet"
        duckdb.from_df(frame).write_parquet(str(path))
        tables[name] = f"select * from '{path}'"
    for case in CASES:
        tables[f"data_{case}"] = f"select * from read_csv('{SHARED / 'oracle' / case / 'data.csv'}')"
        reference = {"relation": f"data_{case}", "item": "task", "label": "label"}
        models[case] = call_text("rater_agreement", **reference, rater="worker", label_value="label")
        models[f"{case}_pairs"] = call_text("rater_pair_agreement", **reference, rater="worker")
        models[f"{case}_votes"] = call_text("label_vote_shares", **reference)
    return dbt_calls.run(models, tables)


def _part(agreement, model: str, part: str) -> pd.Series:
    (row,) = (row for _, row in agreement[model].iterrows() if row.get("part") == part)
    return row


# Reference cases ------------------------------------------------------------------------------------------------------


def _reference_records() -> list[tuple[str, dict]]:
    """Every result of the cases but Dawid and Skene's, which have a module of their own."""
    return [
        (case, record)
        for case in CASES
        for record in json.loads((SHARED / "oracle" / case / "expected.json").read_text())["results"]
        if not record["id"].startswith("dawid_skene")
    ]


@pytest.mark.parametrize(
    ("case", "record"), _reference_records(), ids=[f"{case}-{record['id']}" for case, record in _reference_records()]
)
def test_reference(agreement, case, record) -> None:
    close = {"rel": 1e-9, "abs": 1e-12}
    row = agreement[case].iloc[0]
    kind, _, detail = record["id"].partition(":")
    if kind in ("percent_agreement", "krippendorff_alpha"):
        column = kind if detail in ("pairs", "nominal") else f"{kind}_{detail}"
        assert row[column] == pytest.approx(record["estimate"], **close)
    elif kind == "fleiss_kappa":
        assert row.complete_items == record["tasks"]
        assert row.fleiss_kappa == pytest.approx(record["estimate"], **close)
        assert row.randolph_kappa == pytest.approx(record["randolph"], **close)
    elif kind == "cohen_kappa":
        pairs = agreement[f"{case}_pairs"].set_index(["rater_1", "rater_2"])
        pair = pairs.loc[tuple(detail.split(","))]
        assert pair.paired_items == np.sum(record["table"])
        expected = (record["estimate"], record["se"], record["se_null"], *record["ci"]["normal"])
        figures = ["cohen_kappa", "std_error", "null_std_error", "interval_lower", "interval_upper"]
        assert pair[figures].tolist() == pytest.approx(expected, **close)
    elif kind == "pairwise_cohen":
        pairs = agreement[f"{case}_pairs"]
        kappas = dict(zip(pairs.rater_1 + "," + pairs.rater_2, pairs.cohen_kappa, strict=True))
        assert kappas == pytest.approx(record["values"], **close)
    elif kind == "majority_vote_share":
        votes = agreement[f"{case}_votes"].pivot(index="item", columns="label", values="vote_share").fillna(0)
        assert votes.index.tolist() == record["tasks"]
        np.testing.assert_allclose(votes.to_numpy(), record["share"], rtol=1e-12)
    else:
        pytest.fail(f"nothing reproduces {record['id']}")


@pytest.mark.parametrize(
    ("case", "coefficient", "std_error"),
    # PyPI irrCAC, CAC(...).gwet()
    [
        ("m01_agreement_binary", 0.803921568627, 0.051896325828),
        ("m02_agreement_missing_3class", 0.83546509706, 0.051996292489),
    ],
)
def test_gwet_on_the_reference_data(agreement, case, coefficient, std_error) -> None:
    if case not in CASES:
        pytest.skip(f"the reference values are not in {SHARED}; PREVALENCE_SHARED says where their folder is")
    row = agreement[case].iloc[0]
    assert (row.gwet_ac1, row.gwet_ac1_std_error) == pytest.approx((coefficient, std_error), abs=1e-11)


# Published examples ---------------------------------------------------------------------------------------------------


def test_observers_of_krippendorff_and_gwet(agreement) -> None:
    row = _part(agreement, "by_part", "observers")
    assert (row["items"], row.raters, row.labels, row.missing_labels, row.paired_items) == (12, 4, 41, 7, 11)
    # to the three digits that Krippendorff prints
    alphas = row[["krippendorff_alpha", "krippendorff_alpha_ordinal", "krippendorff_alpha_interval"]].tolist()
    assert alphas == pytest.approx([0.743, 0.815, 0.849], abs=5e-4)
    # PyPI irrCAC; Gwet's handbook prints 0.77544 and 0.14295
    assert (row.gwet_ac1, row.gwet_ac1_std_error) == pytest.approx((0.775444068127, 0.142949950641), abs=1e-11)
    assert row.percent_agreement == pytest.approx(9 / 11)


def test_fourteen_raters_of_fleiss(agreement) -> None:
    row = _part(agreement, "anonymous", "fourteen")
    assert row.complete_items == 10
    assert row.fleiss_kappa == pytest.approx(0.210, abs=5e-4)
    assert pd.isna(row.raters) and pd.isna(row.repeated_labels)


@pytest.mark.parametrize(("part", "kappa", "ac1"), [("balanced", 0.70, 0.70), ("skewed", 0.32, 0.81)])
def test_paradox_of_high_agreement_and_low_kappa(agreement, part, kappa, ac1) -> None:
    pair, group = _part(agreement, "pairs", part), _part(agreement, "two_labels", part)
    assert pair.percent_agreement == group.percent_agreement == 0.85
    assert (pair.cohen_kappa, group.gwet_ac1) == pytest.approx((kappa, ac1), abs=0.005)
    both, first, second, neither = TABLES[part]
    for row in (pair, group):
        assert row.positive_agreement == pytest.approx(2 * both / (2 * both + first + second))
        assert row.negative_agreement == pytest.approx(2 * neither / (2 * neither + first + second))


# Properties -----------------------------------------------------------------------------------------------------------


def test_names_of_labels_and_raters_do_not_matter(agreement) -> None:
    plain = agreement["by_part"].set_index("part")
    turned = agreement["turned"].query("grouping_set == 'part'").set_index("part")
    figures = ["percent_agreement", "positive_agreement", "negative_agreement", "krippendorff_alpha", "fleiss_kappa"]
    for part in ("observers", *TABLES):
        assert plain.loc[part, figures].tolist() == pytest.approx(turned.loc[part, figures].tolist(), nan_ok=True)
    # ranks may be counted from above and distances in other units
    for column in ("krippendorff_alpha_ordinal", "krippendorff_alpha_interval"):
        assert plain.loc["observers", column] == pytest.approx(turned.loc["observers", column], rel=1e-12)
    # of two labels every scale says the same
    alphas = plain.loc["skewed", [f"krippendorff_alpha{scale}" for scale in ("", "_ordinal", "_interval")]]
    assert alphas.nunique() == 1 or np.ptp(alphas.astype(float)) < 1e-12


def test_votes_add_up(agreement) -> None:
    votes = agreement["votes"]
    items = votes.groupby(["part", "item"], dropna=False)
    assert (items.votes.sum() == items.labels.first()).all()
    shares = items.vote_share.sum(min_count=1).dropna()
    assert shares.to_numpy() == pytest.approx(1)
    (unanswered,) = votes[votes.part == "unanswered"].itertuples()
    assert (unanswered.votes, unanswered.labels, unanswered.missing_labels) == (0, 0, 2)
    assert pd.isna(unanswered.label) and pd.isna(unanswered.vote_share) and pd.isna(unanswered.is_majority)
    half = votes[(votes.part == "skewed") & (votes.vote_share == 0.5)]
    assert len(half) == 30 and not half.is_majority.any() and (half.tied_labels == 2).all()


def test_standard_errors_are_those_of_repetition(agreement) -> None:
    # the spread of 300 repetitions is itself known to 4 %
    for model, figure, error in (
        ("simulated_pairs", "cohen_kappa", "std_error"),
        ("simulated", "gwet_ac1", "gwet_ac1_std_error"),
    ):
        rows = agreement[model]
        assert len(rows) == REPLICATES
        assert rows[error].mean() == pytest.approx(rows[figure].std(), rel=0.13)
    pairs = agreement["simulated_pairs"]
    generator = np.random.default_rng(6)
    truth = generator.uniform(size=2_000_000) < 0.2
    first, second = (
        generator.uniform(size=truth.size) < np.where(truth, sensitivity, false_positive)
        for sensitivity, false_positive in ((0.85, 0.05), (0.75, 0.1))
    )
    chance = first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean())
    kappa = 1 - (first != second).mean() / (1 - chance)
    covered = ((pairs.interval_lower <= kappa) & (kappa <= pairs.interval_upper)).mean()
    assert 0.91 < covered <= 0.985


# What may not be said -------------------------------------------------------------------------------------------------

FIGURES = [
    "percent_agreement", "positive_agreement", "negative_agreement", "krippendorff_alpha", "krippendorff_alpha_ordinal",
    "krippendorff_alpha_interval", "gwet_ac1", "gwet_ac1_std_error", "fleiss_kappa", "randolph_kappa",
]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ("alone", "no_pairs"),
        ("unanswered", "no_pairs"),
        ("repeated", "repeated_labels"),
        ("no_rater", "invalid_rows"),
        ("no_item", "invalid_rows"),
    ],
)
def test_no_figure_without_what_it_needs(agreement, part, status) -> None:
    row = _part(agreement, "by_part", part)
    assert row.status == status
    assert row[FIGURES].isna().all()


def test_group_counts(agreement) -> None:
    counts = ["items", "labels", "missing_labels", "repeated_labels", "invalid_rows", "paired_items"]
    assert _part(agreement, "by_part", "alone")[counts].tolist() == [2, 2, 1, 0, 0, 0]
    assert _part(agreement, "by_part", "repeated")[counts].tolist() == [2, 7, 0, 1, 0, 2]
    assert _part(agreement, "by_part", "no_rater").invalid_rows == 1


def test_one_label_leaves_nothing_to_chance(agreement) -> None:
    row = _part(agreement, "by_part", "same")
    assert (row.status, row.percent_agreement, row.positive_agreement) == ("one_label", 1, 1)
    assert row[["krippendorff_alpha", "fleiss_kappa", "negative_agreement"]].isna().all()
    # with a known number of labels agreement by chance is known, too
    assert (row.gwet_ac1, row.randolph_kappa) == (1, 1)
    assert pd.isna(_part(agreement, "anonymous", "same").gwet_ac1)
    same = _part(agreement, "pairs", "same")
    assert (same.status, same.percent_agreement) == ("one_label", 1)


def test_more_labels_than_there_are_is_refused(agreement) -> None:
    row = _part(agreement, "few_labels", "three_labels")
    assert row.status == "too_many_labels" and row[FIGURES].isna().all()


def test_answers_without_a_number_are_counted_and_kept(agreement) -> None:
    row = _part(agreement, "by_part", "without_number")
    assert (row.labels, row.labels_without_value, row.paired_items) == (6, 1, 3)
    # the item with the unranked answer has no pair of numbers; the two others agree
    assert row.krippendorff_alpha_interval == row.krippendorff_alpha_ordinal == 1
    assert row.krippendorff_alpha < 1


def test_pairs_that_have_no_kappa(agreement) -> None:
    perfect, constant = (_part(agreement, "pairs", part) for part in ("perfect", "constant"))
    assert (perfect.status, perfect.cohen_kappa, perfect.std_error) == ("zero_variance", 1, 0)
    assert (constant.status, constant.cohen_kappa, constant.std_error) == ("zero_variance", 0, 0)
    pairs = agreement["pairs"][agreement["pairs"].grouping_set == "part"]
    repeated = pairs[pairs.part == "repeated"].set_index(["rater_1", "rater_2"])
    assert repeated.status.to_dict() == {
        ("a", "b"): "repeated_labels",
        ("a", "c"): "repeated_labels",
        ("b", "c"): "one_label",
    }
    for part, status in (("no_rater", "invalid_rows"), ("no_item", "invalid_rows"), ("unanswered", "no_pairs")):
        row = _part(agreement, "pairs", part)
        assert row.status == status and row[["percent_agreement", "cohen_kappa", "std_error"]].isna().all()
    observers = pairs[pairs.part == "observers"]
    assert len(observers) == 6
    assert (observers.paired_items + observers.missing_items == 12).all()
    assert pairs[["interval_lower", "interval_upper"]][pairs.status != "ok"].isna().all(axis=None)
    # the same items in several parts: a rater has several answers to each
    assert (agreement["pairs"][agreement["pairs"].grouping_set == "overall"].status == "invalid_rows").all()


def test_bad_arguments_are_refused(dbt_calls, call_text) -> None:
    good = {"relation": "examples", "item": "item", "rater": "rater", "label": "answer"}
    bad = {
        "no_item": ("rater_agreement", {"item": None}, "item is required"),
        "number": ("rater_agreement", {"number_of_labels": 1}, "number_of_labels must be a whole number of 2 or more"),
        "positive": ("rater_agreement", {"positive_label": 1}, "positive_label must be the text of an SQL expression"),
        "reserved": ("rater_agreement", {"by": [["items"]]}, "by must not hold a name of the result's own columns"),
        "level": ("rater_pair_agreement", {"level": 95}, "level must be a number between 0 and 1"),
        "no_rater": ("rater_pair_agreement", {"rater": None}, "rater is required"),
        "by": ("label_vote_shares", {"rater": None, "by": "part"}, "by must be a list of column lists"),
    }
    models = {}
    for name, (macro, change, _) in bad.items():
        arguments = {**good, **change}
        if macro == "label_vote_shares":
            del arguments["rater"]
        models[name] = call_text(macro, **arguments)
    refusals = dbt_calls.refusals(models)
    for name, (_, _, sentence) in bad.items():
        assert sentence in refusals[name], name


# Standard errors and intervals ----------------------------------------------------------------------------------------


def _weighted_figures(counts: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Krippendorff's alpha and Fleiss' kappa of items (rows) of which each counts `weight` times."""
    size = counts.sum(1)
    paired, total = size > 1, size[size > 1] @ weight[size > 1]
    given = weight[paired] @ counts[paired]
    within = (counts * (size[:, None] - counts)).sum(1)[paired] / (size[paired] - 1)
    alpha = 1 - (total - 1) * (weight[paired] @ within) / (total**2 - (given**2).sum())
    full = size == size.max()
    agreeing = (counts * (counts - 1)).sum(1)[full] / (size.max() * (size.max() - 1))
    share = weight[full] @ counts[full] / (weight[full].sum() * size.max())
    observed, chance = weight[full] @ agreeing / weight[full].sum(), (share**2).sum()
    return alpha, (observed - chance) / (1 - chance)


@pytest.mark.parametrize("part", ["observers", "fourteen", "skewed", "three_labels"])
def test_standard_errors_are_those_of_the_derivative_by_each_item(agreement, part) -> None:
    """The infinitesimal jackknife: what a little more of an item does, by numbers and not by the macro's formula."""
    rows = _examples().query("part == @part").dropna(subset=["answer"])
    counts = pd.crosstab(rows["item"], rows["answer"]).to_numpy().astype(float)
    row = _part(agreement, "by_part", part)
    derivatives = []
    for item in range(len(counts)):
        step = np.eye(len(counts))[item] * 1e-5
        more, less = (_weighted_figures(counts, 1 + sign * step) for sign in (1, -1))
        derivatives.append([(up - down) / 2e-5 for up, down in zip(more, less, strict=True)])
    size = counts.sum(1)
    for column, inside in ((0, size > 1), (1, (size == size.max()) & (size > 1))):
        name = ("krippendorff_alpha", "fleiss_kappa")[column]
        moved = np.array(derivatives)[inside, column]
        expected = np.sqrt(inside.sum() / (inside.sum() - 1) * ((moved - moved.mean()) ** 2).sum())
        assert row[f"{name}_std_error"] == pytest.approx(expected, rel=1e-6, abs=1e-9)
        if row[name] < 1 and expected > 0:
            distance = stats.t.ppf(0.975, inside.sum() - 1) * expected / (1 - row[name] ** 2)
            for side, sign in (("lower", -1), ("upper", 1)):
                bound = np.tanh(np.arctanh(row[name]) + sign * distance)
                assert row[f"{name}_{side}"] == pytest.approx(bound, rel=1e-5, abs=1e-9)


def test_intervals_of_repeated_samples_cover_as_often_as_they_say(agreement) -> None:
    rows = agreement["simulated"]
    assert len(rows) == REPLICATES and set(rows.interval_level) == {0.95}
    everything = _simulated().pivot(index=["replicate", "item"], columns="rater", values="answer")
    positive = everything.sum(axis=1).to_numpy(float)
    truths = _weighted_figures(np.column_stack([positive, 2 - positive]), np.ones(len(positive)))
    for name, truth in zip(("krippendorff_alpha", "fleiss_kappa"), truths, strict=True):
        assert rows[f"{name}_std_error"].mean() == pytest.approx(rows[name].std(), rel=0.1)
        covered = (rows[f"{name}_lower"] <= truth) & (truth <= rows[f"{name}_upper"])
        assert 0.92 <= covered.mean() <= 0.98, name
        assert rows[f"{name}_upper"].max() < 1


def test_no_interval_where_nothing_varies(agreement) -> None:
    perfect = _part(agreement, "by_part", "perfect")
    assert perfect.krippendorff_alpha == perfect.fleiss_kappa == 1
    for part in ("perfect", "same", "alone", "unanswered", "repeated", "no_item"):
        row = _part(agreement, "by_part", part)
        for name in ("krippendorff_alpha", "fleiss_kappa"):
            assert pd.isna(row[f"{name}_lower"]) and pd.isna(row[f"{name}_upper"]), (part, name)
