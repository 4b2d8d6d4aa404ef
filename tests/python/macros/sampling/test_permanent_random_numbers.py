"""Contents that keep their random numbers: the same on the days of a stay, new ones afterwards, apart where asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

CONTENTS, DAYS, STAY = 4000, 30, 7
NUMBERED = """
with keyed as (
    select
        content,
        day,
        {{ prevalence._random_number_key(
            stream, "content || '|' || cast(day as string)", 'content', 'day', days, salt="'test'"
        ) }} as random_number_key
    from content_days
)
select
    content,
    day,
    random_number_key,
    {{ prevalence._permanent_random_number('random_number_key', start, salt="'test'") }} as random_number
from keyed
"""
CALLS = {
    "own": ("'own'", "cast(null as bigint)", "cast(0 as double)"),
    "kept": ("'shared'", f"cast({STAY} as bigint)", "cast(0 as double)"),
    "apart": ("'shared'", f"cast({STAY} as bigint)", "cast(0.3 as double)"),
    "other": ("'other'", f"cast({STAY} as bigint)", "cast(0 as double)"),
}


@pytest.fixture(scope="module")
def numbers(dbt_calls):
    models = {
        name: "{% set stream, days, start = " + repr(arguments) + " %}" + NUMBERED for name, arguments in CALLS.items()
    }
    content_days = (
        f"select 'c' || c as content, date '2026-10-05' + cast(d as integer) as day "
        f"from range({CONTENTS}) as contents (c), range({DAYS}) as days (d)"
    )
    found = dbt_calls.run(models, {"content_days": content_days})
    return {name: rows.sort_values(["content", "day"]).reset_index(drop=True) for name, rows in found.items()}


def _uniform_deviation(values: pd.Series) -> float:
    """Chi-square of 20 classes, in standard deviations above its mean."""
    counts = np.histogram(values, bins=20, range=(0, 1))[0]
    expected = len(values) / 20
    return (((counts - expected) ** 2 / expected).sum() - 19) / np.sqrt(2 * 19)


def test_a_unit_has_a_number_of_its_own(numbers):
    assert numbers["own"].random_number.nunique() == CONTENTS * DAYS
    assert numbers["own"].random_number_key[0] == "own|c0|2026-10-05"


@pytest.mark.parametrize("name", ["kept", "apart", "other"])
def test_a_content_keeps_its_number_for_a_stay(numbers, name):
    rows = numbers[name]
    assert (rows.groupby("random_number_key").random_number.nunique() == 1).all()
    stays = rows.groupby(["content", "random_number_key"]).day.agg(["min", "max", "count"])
    days = (pd.to_datetime(stays["max"]) - pd.to_datetime(stays["min"])).dt.days + 1
    assert (days == stays["count"]).all() and days.max() == STAY
    inner = ~stays.index.isin(
        rows[rows.day.isin([rows.day.min(), rows.day.max()])].set_index(["content", "random_number_key"]).index
    )
    assert (days[inner] == STAY).all()
    # each day a seventh of the contents gets a new number
    changed = (rows.random_number_key != rows.groupby("content").random_number_key.shift()) & (
        rows.day > rows.day.min()
    )
    shares = changed.groupby(rows.day).mean()[1:]
    assert np.abs(shares - 1 / STAY).max() < 5 * np.sqrt(1 / STAY * (1 - 1 / STAY) / CONTENTS)


@pytest.mark.parametrize("name", ["own", "kept", "apart", "other"])
def test_numbers_are_uniform_on_a_day(numbers, name):
    rows = numbers[name]
    day = rows[rows.day == rows.day.min()].random_number
    assert day.between(0, 1, inclusive="left").all() and _uniform_deviation(day) < 4


def test_a_start_turns_the_circle(numbers):
    kept, apart = numbers["kept"].random_number, numbers["apart"].random_number
    assert np.allclose((apart + 0.3) % 1, kept, atol=1e-12)
    # samples of up to .3 and .7 of one stream have nothing in common, and those of the same arc everything
    assert not ((kept < 0.3) & (apart < 0.7)).any()
    assert ((kept < 0.3) | (apart < 0.7)).all()


def test_streams_are_independent(numbers):
    kept, other = numbers["kept"], numbers["other"]
    first = kept.day == kept.day.min()
    both = ((kept.random_number < 0.2) & (other.random_number < 0.2))[first].mean()
    assert abs(both - 0.04) < 5 * np.sqrt(0.04 * 0.96 / CONTENTS)


def test_after_a_stay_the_number_is_independent_of_the_one_before(numbers):
    rows = numbers["kept"]
    first, later = rows[rows.day == rows.day.min()], rows[rows.day == sorted(rows.day.unique())[STAY]]
    both = ((first.random_number.to_numpy() < 0.2) & (later.random_number.to_numpy() < 0.2)).mean()
    assert abs(both - 0.04) < 5 * np.sqrt(0.04 * 0.96 / CONTENTS)


def test_six_units_with_known_random_numbers(dbt_calls):
    """Sizes and numbers of a worked example, three units to draw: each design takes those that it ranks first."""
    sizes, random_numbers = (10, 20, 30, 40, 50, 50), (0.12, 0.55, 0.40, 0.20, 0.90, 0.33)
    rows = ", ".join(
        f"('{design}', {unit + 1}, {size}::bigint, {number}::double)"
        for design in ("poisson", "sequential_poisson", "pareto")
        for unit, (size, number) in enumerate(zip(sizes, random_numbers, strict=True))
    )
    models = {
        "probable": """{{ prevalence.inclusion_probabilities(
            'six_units', unit='unit_id', size='size_measure', expected_units='expected_units', by=['design'],
            columns=['expected_units', 'random_number']) }}""",
        "drawn_units": """{{ prevalence.draw_sample(
            ref('probable'), unit='unit_id', design='design', inclusion_probability='inclusion_probability',
            is_certainty='is_certainty', random_number='random_number', expected_units='expected_units',
            by=['design']) }}""",
    }
    columns = "design, unit_id, size_measure, random_number"
    table = f"select {columns}, 3::bigint as expected_units from (values {rows}) as units ({columns})"
    found = dbt_calls.run(models, {"six_units": table})
    probabilities = found["probable"].query("design == 'pareto'").sort_values("unit_id").inclusion_probability
    assert list(probabilities) == pytest.approx([0.15, 0.30, 0.45, 0.60, 0.75, 0.75])
    drawn = found["drawn_units"].groupby("design").unit_id.agg(set)
    assert drawn["poisson"] == {1, 3, 4, 6}
    assert drawn["sequential_poisson"] == drawn["pareto"] == {1, 4, 6}
    ratios = np.array(random_numbers) / probabilities.to_numpy()
    assert ratios == pytest.approx([0.8000, 1.8333, 0.8889, 0.3333, 1.2000, 0.4400], abs=5e-5)
