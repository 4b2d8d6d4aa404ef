"""Design `coordinated_poisson`: rows of one PSU are drawn by one random number, each with a probability of its own.

Two rows of a PSU are drawn together with the smaller of their probabilities (Ohlsson, Coordination of samples using
permanent random numbers, in Business Survey Methods, 1995), and PSUs independently. So the variance estimate of a total
is the sum over pairs of rows of a PSU of (1 - pi pi' / min(pi, pi')) z z' / (pi pi'): checked against that sum over all
pairs, and, because a PSU draws one uniform number, against the exact variance over all that it can draw.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

SEED = 5


def _sample() -> pd.DataFrame:
    """Rows of 60 contents on up to 14 days in two weeks, as one uniform number per content draws them."""
    generator = np.random.default_rng(SEED)
    rows = []
    for content in range(400):
        first, days = int(generator.integers(0, 14)), int(generator.integers(1, 15))
        number, is_violating = generator.uniform(), generator.uniform() < 0.3
        for day in range(first, min(first + days, 14)):
            views = float(generator.integers(1, 30))
            probability = min(1.0, float(np.round(views * generator.uniform(0.01, 0.05), 3)))
            if number < probability:
                rows.append((f"c{content}", day, day // 7, views, probability, views * is_violating))
    sample = pd.DataFrame(rows, columns=["content", "day", "week", "views", "pi", "violating_views"])
    sample.loc[sample.index % 13 == 0, "violating_views"] = np.nan
    sample["surface"] = np.where(sample.index % 3 == 0, "feed", "search")
    return sample


SAMPLE = _sample()


def _outcomes() -> tuple[pd.DataFrame, pd.DataFrame]:
    """All that a content of a small population can draw, an `outcome` each, and how likely it is.

    Between two of its probabilities a content's random number draws the same rows.
    """
    generator = np.random.default_rng(SEED + 1)
    rows, outcomes = [], []
    for content in range(6):
        pi = np.round(generator.uniform(0.05, 0.9, 4), 3)
        if content == 0:
            pi[:] = [1.0, 0.25, 0.25, 0.5]
        y = generator.uniform(0, 5, 4) * (generator.uniform(size=4) < 0.8)
        edges = np.unique(np.concatenate([[0.0], pi, [1.0]]))
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            outcome = f"{content}|{low}"
            outcomes.append((content, outcome, high - low, float((y / pi)[pi > low].sum())))
            rows += [(content, outcome, float(p), float(v)) for p, v in zip(pi, y, strict=True) if p > low]
    drawn = pd.DataFrame(rows, columns=["content", "outcome", "pi", "y"])
    return drawn, pd.DataFrame(outcomes, columns=["content", "outcome", "probability", "total"])


DRAWN, OUTCOMES = _outcomes()


@pytest.fixture(scope="module")
def results(dbt_calls, call_text):
    shared = {"x": "views", "y": "violating_views", "weight": "1 / pi", "inclusion_probability": "pi"}
    together = {"design": "coordinated_poisson", "psu": "content"}
    by = [[], ["week"], ["week", "surface"]]
    change = {"relation": "sample", "period": "week", "from_period": "0", "to_period": "1"}
    models = {
        "together": call_text("survey_estimates", relation="sample", by=by, **shared, **together),
        "together_total": call_text("survey_estimates", relation="sample", total=True, by=by, **shared, **together),
        "each_alone": call_text(
            "survey_estimates",
            relation="sample",
            by=by,
            design="coordinated_poisson",
            psu="content || '|' || cast(day as string)",
            **shared,
        ),
        "poisson": call_text("survey_estimates", relation="sample", by=by, design="poisson", **shared),
        "gamma": call_text(
            "survey_estimates",
            relation="sample",
            interval="gamma",
            zero_positive_bound="max_weight",
            frame_maximum_weight="3000",
            missed_weight="100",
            **shared,
            **together,
        ),
        "no_positive": call_text(
            "survey_estimates",
            relation="sample",
            interval="gamma",
            zero_positive_bound="max_weight",
            **{**shared, **together, "y": "0 * violating_views"},
        ),
        "change": call_text("survey_difference", **change, **shared, **together),
        "change_back": call_text(
            "survey_difference", **{**change, "from_period": "1", "to_period": "0"}, **shared, **together
        ),
        "change_alone": call_text("survey_difference", **change, design="poisson", **shared),
        "outcomes": call_text(
            "survey_estimates",
            relation="drawn",
            y="y",
            weight="1 / pi",
            inclusion_probability="pi",
            total=True,
            design="coordinated_poisson",
            psu="outcome",
            by=[["outcome"]],
        ),
        "no_probability": call_text(
            "survey_estimates",
            relation="sample",
            **{**shared, **together, "inclusion_probability": "case when day > 0 then pi end"},
        ),
    }
    tables = {}
    for name, frame in {"sample": SAMPLE, "drawn": DRAWN}.items():
        path = dbt_calls.folder / f"{name}.parquet"
        frame.to_parquet(path)
        tables[name] = f"select * from '{path}'"
    return dbt_calls.run(models, tables)


def _pairs_sum(left: pd.Series, right: pd.Series) -> float:
    """Sum over all pairs of rows of one content, each with itself, too."""
    total = 0.0
    for _, rows in SAMPLE.groupby("content"):
        first, second, pi = left[rows.index].to_numpy(), right[rows.index].to_numpy(), rows.pi.to_numpy()
        joint = np.minimum.outer(pi, pi)
        total += float(((1 - np.multiply.outer(pi, pi) / joint) * np.multiply.outer(first, second)).sum())
    return total


def _scores(inside: pd.Series, total: bool = False) -> tuple[float, pd.Series]:
    inside = inside & SAMPLE.violating_views.notna()
    a = (SAMPLE.violating_views / SAMPLE.pi).where(inside, 0.0)
    b = (SAMPLE.views / SAMPLE.pi).where(inside, 0.0)
    return (float(a.sum()), a) if total else (float(a.sum() / b.sum()), (a - a.sum() / b.sum() * b) / b.sum())


DOMAINS = {
    (None, None): SAMPLE.week >= 0,
    (0, None): SAMPLE.week == 0,
    (1, "feed"): (SAMPLE.week == 1) & (SAMPLE.surface == "feed"),
}


@pytest.mark.parametrize("week, surface", DOMAINS)
@pytest.mark.parametrize("call, total", [("together", False), ("together_total", True)])
def test_the_variance_is_the_sum_over_all_pairs(results, call, total, week, surface):
    rows = results[call]
    row = rows[(rows.week.isna() if week is None else rows.week == week)]
    row = row[(row.surface.isna() if surface is None else row.surface == surface)].iloc[0]
    estimate, scores = _scores(DOMAINS[week, surface], total)
    assert row.estimate == pytest.approx(estimate, rel=1e-12)
    assert row.variance == pytest.approx(_pairs_sum(scores, scores), rel=1e-9)
    inside = DOMAINS[week, surface] & SAMPLE.violating_views.notna()
    assert row.degrees_of_freedom == SAMPLE[inside].content.nunique() - 1
    assert row.sampled_units == inside.sum()


def test_rows_with_numbers_of_their_own_are_a_poisson_sample(results):
    columns = [name for name in results["poisson"] if name not in ("call_id", "degrees_of_freedom")]
    key = ["week", "surface"]
    alone, poisson = (
        results[call].sort_values(key)[columns].reset_index(drop=True) for call in ("each_alone", "poisson")
    )
    pd.testing.assert_frame_equal(alone, poisson, rtol=1e-12)


def test_what_is_drawn_together_varies_more(results):
    together, alone = (results[call].query("week.isna()").variance.item() for call in ("together", "poisson"))
    assert together > 1.5 * alone


def test_the_change_has_the_covariance_of_what_both_weeks_drew(results):
    change, back, alone = (results[call].iloc[0] for call in ("change", "change_back", "change_alone"))
    (before, first), (after, second) = (_scores(DOMAINS[0, None]), _scores(SAMPLE.week == 1))
    assert change.estimate == pytest.approx(after - before, rel=1e-12)
    assert change.covariance == pytest.approx(_pairs_sum(first, second), rel=1e-9)
    assert change.variance == pytest.approx(_pairs_sum(second - first, second - first), rel=1e-9)
    assert change.variance_from == pytest.approx(_pairs_sum(first, first), rel=1e-9)
    assert change.variance < alone.variance_from + alone.variance_to + 2 * abs(change.covariance)
    assert alone.covariance == 0 and change.covariance > 0 and alone.estimate == pytest.approx(change.estimate)
    assert back.estimate == pytest.approx(-change.estimate) and back.variance == pytest.approx(change.variance)
    both = set(SAMPLE[(SAMPLE.week == 0) & SAMPLE.violating_views.notna()].content)
    both &= set(SAMPLE[(SAMPLE.week == 1) & SAMPLE.violating_views.notna()].content)
    assert change.overlapping_psus == len(both)


def test_over_all_outcomes_the_variance_is_estimated_without_bias(results):
    """A content's number has finitely many outcomes: the mean of its variance estimates is the variance of its total."""
    estimated = results["outcomes"].set_index("outcome").variance
    for _, outcomes in OUTCOMES.groupby("content"):
        mean = (outcomes.probability * outcomes.total).sum()
        variance = (outcomes.probability * (outcomes.total - mean) ** 2).sum()
        given = outcomes.outcome.map(estimated).fillna(0.0)
        assert (outcomes.probability * given).sum() == pytest.approx(variance, rel=1e-9, abs=1e-12)


def test_intervals_count_a_content_once(results):
    row = results["gamma"].iloc[0]
    assert row.interval_method == "gamma" or row.estimate > 0.1
    assert 0 < row.interval_lower < row.estimate < row.interval_upper < 1


def test_without_a_positive_a_content_is_missed_on_all_its_days(results):
    row = results["no_positive"].iloc[0]
    labeled = SAMPLE[SAMPLE.violating_views.notna()]
    missable = SAMPLE.groupby("content").pi.transform("max") < 1
    weights = (labeled.views / labeled.pi)[missable].groupby(labeled.content).sum()
    share = weights.max() / (labeled.views / labeled.pi).sum() * np.log(2 / 0.05)
    assert row.interval_method == "max_weight_bound" and row.interval_lower == 0
    assert row.interval_upper == pytest.approx(min(1.0, share), rel=1e-9)


def test_a_row_without_a_probability_is_invalid(results):
    row = results["no_probability"].iloc[0]
    assert row.status == "invalid_rows" and row.invalid_rows == (SAMPLE.day == 0).sum() and pd.isna(row.estimate)


REFUSALS = {
    "psu='content'": "design 'coordinated_poisson' requires inclusion_probability; received none",
    "inclusion_probability='pi'": "design 'coordinated_poisson' requires psu, what has one random number; received none",
    "psu='content', inclusion_probability='pi', population_psus='9'": (
        "design 'coordinated_poisson' takes stratum, psu, inclusion_probability; received population_psus"
    ),
}


@pytest.mark.parametrize("macro", ["survey_estimates", "survey_difference"])
def test_arguments_that_do_not_belong_are_refused(dbt_calls, macro):
    periods = "period='week', from_period='0', to_period='1', " if macro == "survey_difference" else ""
    models = {
        f"refused_{number}": (
            f"{{{{ prevalence.{macro}(relation='sample', y='y', design='coordinated_poisson', {periods}{arguments}) }}}}"
        )
        for number, arguments in enumerate(REFUSALS)
    }
    for message, expected in zip(dbt_calls.refusals(models).values(), REFUSALS.values(), strict=True):
        assert f"{macro}: " in message and expected in message
