"""survey_difference against a plain numpy computation, its statuses and its refusals."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats


def _sample() -> pd.DataFrame:
    """Two weeks of 150 units in two strata, 60 of them in both, and a third week that is not asked for."""
    generator = np.random.default_rng(11)
    unit = np.concatenate([np.arange(150), np.arange(90, 240), np.arange(500, 520)])
    frame = pd.DataFrame({"unit": unit})
    frame["week_start"] = np.repeat(["2026-10-05", "2026-10-12", "2026-10-19"], [150, 150, 20])
    frame["stratum"] = np.where(frame.unit % 3 == 0, "a", "b")
    frame["views"] = generator.integers(1, 9, len(frame))
    frame["w"] = np.round(generator.uniform(1, 5, len(frame)), 2)
    frame["pi"] = np.round(generator.uniform(0.1, 1, len(frame)), 2)
    frame["violating_views"] = np.where(generator.uniform(size=len(frame)) < 0.2, frame.views, 0).astype(float)
    frame.loc[frame.index % 17 == 0, "violating_views"] = np.nan
    frame["country"] = np.where(frame.unit % 2 == 0, "XX", "YY")
    frame["new_surface"] = np.where((frame.week_start == "2026-10-12") & (frame.unit % 7 == 0), "new", "old")
    return frame


SAMPLE = _sample()
POOLED = SAMPLE[SAMPLE.week_start != "2026-10-19"]


@pytest.fixture(scope="module")
def results(dbt_calls, call_text):
    def call(**arguments):
        shared = {
            "relation": "two_weeks",
            "y": "violating_views",
            "x": "views",
            "weight": "w",
            "period": "cast(week_start as date)",
            "from_period": "2026-10-05",
            "to_period": "2026-10-12",
        }
        return call_text("survey_difference", **{**shared, **arguments})

    units = {"stratum": "stratum", "psu": "unit"}
    by = [[], ["country"], ["new_surface"]]
    path = dbt_calls.folder / "two_weeks.parquet"
    sample = SAMPLE
    duckdb.sql(f"copy (select * from sample) to '{path}' (format parquet)")
    models = {
        "ratio": call(**units, by=by),
        "share": call(**units, by=by, relative=True),
        "total_change": call(**units, by=by, total=True),
        "of_a_population": call(**units, population_psus="400"),
        "draws": call(stratum="stratum", design="poisson", inclusion_probability="pi"),
        "log_change": call(**units, by=by, relative="log"),
        "log_backwards": call(**units, relative="log", from_period="2026-10-12", to_period="2026-10-05"),
        "separate": call(**units, by=by, independent=True),
        "satterthwaite": call(**units, by=by, independent=True, degrees_of_freedom="satterthwaite", interval="wald_z"),
        "only_from": call(
            **units,
            y="case when week_start = '2026-10-05' then violating_views when violating_views is not null then 0 end",
            relative="log",
        ),
        "backwards": call(**units, by=by, from_period="2026-10-12", to_period="2026-10-05"),
        "lonely": call(stratum="case when unit = 0 then 'c' else stratum end", psu="unit"),
        "invalid": call(**units, weight="case when unit > 0 then w end"),
        "small_population": call(**units, population_psus="20"),
    }
    return dbt_calls.run(models, {"two_weeks": f"select * from '{path}'"})


def _scores(domain: pd.Series, total: bool = False) -> tuple[list[float], list[pd.Series]]:
    estimates, scores = [], []
    for week in ("2026-10-05", "2026-10-12"):
        inside = domain & (POOLED.week_start == week) & POOLED.violating_views.notna()
        a, b = (POOLED.w * column.where(inside, 0).fillna(0) for column in (POOLED.violating_views, POOLED.views))
        estimates.append(float(a.sum() if total else a.sum() / b.sum()))
        scores.append(a if total else (a - a.sum() / b.sum() * b) / b.sum())
    return estimates, scores


def _covariance(left: pd.Series, right: pd.Series, population: float = np.inf) -> float:
    covariance = 0.0
    for _, rows in POOLED.groupby("stratum"):
        first, second = (score[rows.index].groupby(rows.unit).sum() for score in (left, right))
        n = len(first)
        covariance += (1 - n / population) * n * np.cov(first, second, ddof=1)[0, 1]
    return covariance


def _row(frame: pd.DataFrame, country: str | None = None) -> pd.Series:
    if country is None:
        return frame[frame.grouping_set == "overall"].iloc[0] if "grouping_set" in frame else frame.iloc[0]
    return frame[frame.country == country].iloc[0]


@pytest.mark.parametrize("country", [None, "XX", "YY"])
def test_change_and_covariance(results, country) -> None:
    domain = pd.Series(True, index=POOLED.index) if country is None else POOLED.country == country
    estimates, scores = _scores(domain)
    row = _row(results["ratio"], country)
    v = [[_covariance(left, right) for right in scores] for left in scores]
    assert row.estimate == pytest.approx(estimates[1] - estimates[0], rel=1e-10)
    assert row.variance == pytest.approx(v[0][0] + v[1][1] - 2 * v[0][1], rel=1e-9)
    assert row.covariance == pytest.approx(v[0][1], rel=1e-9)
    labeled = POOLED[domain & POOLED.violating_views.notna()]
    assert row.degrees_of_freedom == labeled.unit.nunique() - 2
    assert row.sampled_units == len(labeled)
    weeks = labeled.groupby("unit").week_start.nunique()
    assert row.overlapping_psus == (weeks == 2).sum()
    t = stats.t.ppf(0.975, row.degrees_of_freedom)
    assert row.interval_upper == pytest.approx(row.estimate + t * row.std_error, rel=1e-10)

    relative = _row(results["share"], country)
    ratio = estimates[1] / estimates[0]
    assert relative.estimate == pytest.approx(ratio - 1, rel=1e-10)
    expected = (v[1][1] + ratio**2 * v[0][0] - 2 * ratio * v[0][1]) / estimates[0] ** 2
    assert relative.variance == pytest.approx(expected, rel=1e-9)

    estimates, scores = _scores(domain, total=True)
    total = _row(results["total_change"], country)
    assert total.estimate == pytest.approx(estimates[1] - estimates[0], rel=1e-10)
    assert total.variance == pytest.approx(_covariance(scores[1] - scores[0], scores[1] - scores[0]), rel=1e-9)


def test_log_ratio(results) -> None:
    """The logarithm of the ratio: the relative change's standard error over the ratio, and the same both ways."""
    for country in (None, "XX"):
        log, relative = _row(results["log_change"], country), _row(results["share"], country)
        assert log.estimate == pytest.approx(np.log1p(relative.estimate), rel=1e-10)
        assert log.std_error == pytest.approx(relative.std_error / (1 + relative.estimate), rel=1e-9)
    back = _row(results["log_backwards"])
    assert back.estimate == pytest.approx(-_row(results["log_change"]).estimate, rel=1e-12)
    assert back.variance == pytest.approx(_row(results["log_change"]).variance, rel=1e-12)
    nothing = _row(results["only_from"])
    assert nothing.status == "zero_denominator"
    assert pd.isna(nothing.estimate) and pd.isna(nothing.interval_lower) and nothing.estimate_to == 0


@pytest.mark.parametrize("country", [None, "XX", "YY"])
def test_independent_periods(results, country) -> None:
    """Each period is a design of its own: variances add up, and so do degrees of freedom."""
    variances, freedoms = [], []
    for week in ("2026-10-05", "2026-10-12"):
        rows = POOLED[POOLED.week_start == week]
        inside = rows.violating_views.notna() & ((rows.country == country) if country else True)
        a, b = (rows.w * column.where(inside, 0) for column in (rows.violating_views, rows.views))
        score = (a - a.sum() / b.sum() * b) / b.sum()
        variances.append(sum(len(group) * np.var(score[group.index], ddof=1) for _, group in rows.groupby("stratum")))
        freedoms.append(inside.sum() - 2)
    row, satterthwaite = _row(results["separate"], country), _row(results["satterthwaite"], country)
    assert row.variance_from == pytest.approx(variances[0], rel=1e-9)
    assert row.variance_to == pytest.approx(variances[1], rel=1e-9)
    assert (row.variance, satterthwaite.variance) == pytest.approx((sum(variances), sum(variances)), rel=1e-9)
    assert row.covariance == 0 and row.overlapping_psus == 0
    assert row.estimate == pytest.approx(_row(results["ratio"], country).estimate, rel=1e-12)
    assert row.degrees_of_freedom == sum(freedoms)
    expected = sum(variances) ** 2 / (variances[0] ** 2 / freedoms[0] + variances[1] ** 2 / freedoms[1])
    assert satterthwaite.degrees_of_freedom == pytest.approx(expected, rel=1e-9)
    assert satterthwaite.interval_method == "wald_z"
    assert satterthwaite.interval_upper == pytest.approx(row.estimate + 1.959963984540054 * row.std_error, rel=1e-10)


def test_simulated_changes_vary_as_much_as_they_say(dbt_calls, call_text) -> None:
    """400 pairs of weeks with half of the units in both, whose labels last: the covariance narrows the intervals."""
    generator, samples, n = np.random.default_rng(7), 400, 200
    unit = np.concatenate([np.arange(n), np.arange(n // 2, n // 2 + n)])
    violates = generator.uniform(size=(samples, n // 2 + n)) < 0.15
    # a tenth of the units changes its label from one week to the next, so the truth of the change is 0.07
    later = np.where(generator.uniform(size=violates.shape) < 0.1, ~violates, violates)
    frame = pd.DataFrame(
        {
            "sample": np.repeat(np.arange(samples), 2 * n),
            "unit": np.tile(unit, samples),
            "week": np.tile(np.repeat(["one", "two"], n), samples),
            "label": np.hstack([violates[:, :n], later[:, n // 2 :]]).ravel().astype(int),
        }
    )
    path = dbt_calls.folder / "changes.parquet"
    duckdb.sql(f"copy (select * from frame) to '{path}' (format parquet)")
    shared = {
        "relation": "changes",
        "y": "label",
        "weight": "1",
        "stratum": "sample",
        "psu": "unit",
        "period": "week",
        "from_period": "one",
        "to_period": "two",
        "by": [["sample"]],
    }
    models = {
        "pooled": call_text("survey_difference", **shared),
        "apart": call_text("survey_difference", **shared, independent=True),
    }
    rows = dbt_calls.run(models, {"changes": f"select * from '{path}'"})
    pooled, apart = rows["pooled"], rows["apart"]
    assert len(pooled) == samples and set(pooled.overlapping_psus) == {n // 2}
    assert pooled.variance.mean() == pytest.approx(pooled.estimate.var(), rel=0.2)
    covered = ((pooled.interval_lower <= 0.07) & (pooled.interval_upper >= 0.07)).mean()
    assert 0.92 <= covered <= 0.98
    # without the covariance the variance is too large by twice it
    assert apart.variance.mean() > 1.2 * pooled.variance.mean()


def test_population_and_poisson(results) -> None:
    _, scores = _scores(pd.Series(True, index=POOLED.index))
    difference = scores[1] - scores[0]
    assert _row(results["of_a_population"]).variance == pytest.approx(
        _covariance(difference, difference, 400), rel=1e-9
    )
    poisson = _row(results["draws"])
    assert poisson.variance == pytest.approx(((1 - POOLED.pi) * difference**2).sum(), rel=1e-9)
    assert poisson.covariance == 0


def test_backwards_is_the_negative(results) -> None:
    there, back = _row(results["ratio"]), _row(results["backwards"])
    assert back.estimate == pytest.approx(-there.estimate, rel=1e-12)
    assert back.variance == pytest.approx(there.variance, rel=1e-12)


def test_statuses(results) -> None:
    only_later = results["ratio"].query("new_surface == 'new'").iloc[0]
    assert only_later.status == "no_sampled_units"
    assert pd.isna(only_later.estimate) and pd.isna(only_later.interval_lower) and not pd.isna(only_later.estimate_to)
    lonely = _row(results["lonely"])
    assert (lonely.status, lonely.lonely_psus) == ("ok", 0)  # its one unit has no label, and adds nothing
    assert _row(results["invalid"]).status == "invalid_rows"
    assert _row(results["small_population"]).status == "invalid_rows"
    assert pd.isna(_row(results["small_population"]).estimate)


# a period of each kind, as SQL of a day's number, and values that name its first and second, and none
PERIOD_TYPES = {
    "date": ("date '2026-10-04' + number", ("2026-10-05", "2026-10-06"), "2026-10-07"),
    "date_at_midnight": ("date '2026-10-04' + number", ("2026-10-05 00:00:00", "2026-10-06 00:00:00"), "x"),
    "timestamp": ("timestamp '2026-10-04' + to_days(number)", ("2026-10-05", "2026-10-06"), "2026-10-05 00:00:01"),
    "timestamp_text": (
        "timestamp '2026-10-04' + to_days(number)",
        ("2026-10-05T00:00:00", "2026-10-06 00:00:00.000"),
        "soon",
    ),
    "timestamp_with_zone": ("timestamptz '2026-10-04' + to_days(number)", ("2026-10-05", "2026-10-06"), "2026"),
    "double": ("cast(number - 1 as double)", (0, 1), 2),
    "double_text": ("cast(number as double)", ("1", "'2.00'"), "one"),
    "decimal": ("cast(number as decimal(8, 3))", (1, 2.0), 1.001),
    "integer": ("number", (1.0, "2"), 1.5),
    "long_integer": ("9007199254740992 + number", (9007199254740993, 9007199254740994), 9007199254740992),
    "boolean": ("number = 2", (False, True), "maybe"),
    "text": ("'v1.' || number || '0'", ("v1.10", "v1.20"), "v1.1"),
    "text_of_numbers": ("number || '.0'", ("1.0", "2.0"), "1"),
}
DAYS = """
select unnest(range(1, 9)) as id, case when id <= 4 then 1 else 2 end as number,
    case when id in (1, 5, 6, 7) then 1 else 0 end as y
"""


def test_periods_of_any_type(duckdb_calls, call_text) -> None:
    models = {}
    for name, (period, (first, second), other) in PERIOD_TYPES.items():
        shared = {"relation": f"days_{name}", "y": "y", "weight": "1.0", "period": "period"}
        models[name] = call_text("survey_difference", **shared, from_period=first, to_period=second)
        models[f"{name}_one"] = call_text("survey_difference", **shared, from_period=first, to_period=other)
        models[f"{name}_none"] = call_text("survey_difference", **shared, from_period=other, to_period="neither")
    tables = {f"days_{name}": f"select *, {PERIOD_TYPES[name][0]} as period from ({DAYS})" for name in PERIOD_TYPES}
    rows = duckdb_calls.run(models, tables)
    for name in PERIOD_TYPES:
        assert len(rows[name]) == 1, name
        row = rows[name].iloc[0]
        assert (row.status, row.estimate_from, row.estimate_to, row.estimate) == ("ok", 0.25, 0.75, 0.5), name
        for ending, sampled in (("one", 4), ("none", 0)):
            assert len(rows[f"{name}_{ending}"]) == 1, (name, ending)
            row = rows[f"{name}_{ending}"].iloc[0]
            assert (row.status, row.sampled_units, row.invalid_rows) == ("no_sampled_units", sampled, 0), (name, ending)
            assert pd.isna(row.estimate) and pd.isna(row.interval_lower)


REFUSALS = {
    "": "period is required; received none",
    "period='week'": "from_period and to_period must be two values of period; received 'None' and 'None'",
    "period='week', from_period='a', to_period='a'": "must be two values of period; received 'a' and 'a'",
    "period='week', from_period='a', to_period='b', relative=1": "relative must be true, false or 'log'; received '1'",
    "period='week', from_period='a', to_period='b', design='pps_without_replacement'": (
        "design must be one of stratified, pps_with_replacement, poisson, coordinated_poisson; received 'pps_without_replacement'"
    ),
    "period='week', from_period='a', to_period='b', design='poisson', psu='u', inclusion_probability='p'": (
        "design 'poisson' takes stratum, inclusion_probability; received psu"
    ),
    "period='week', from_period='a', to_period='b', degrees_of_freedom='satterthwaite'": (
        "degrees_of_freedom 'satterthwaite' belongs to independent=true; received 'False'"
    ),
    "period='week', from_period='a', to_period='b', interval='wilson'": (
        "interval must be one of wald_t, wald_z; received 'wilson'"
    ),
    "period='week', from_period='a', to_period='b', by=[['covariance']]": "by must not hold a name of the result's own",
}


def test_refusals(dbt_calls) -> None:
    models = {
        f"refused_{number}": "{{ prevalence.survey_difference(relation='two_weeks', y='y', " + arguments + ") }}"
        for number, arguments in enumerate(REFUSALS)
    }
    for message, expected in zip(dbt_calls.refusals(models).values(), REFUSALS.values(), strict=True):
        assert "survey_difference: " in message
        assert expected in message
