"""rater_agreement against the reference cases m, a worked example and its limits."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from conftest import SHARED

CASES = [path.name for path in sorted((SHARED / "oracle").glob("m0*"))] if (SHARED / "oracle").is_dir() else []

# Two raters, ten items, answers 1 and 0: 8 agree; alpha = 1 - 19 * 4 / (2 * 8 * 12) worked out by hand
TEN = """
select item, rater, answer, 'ten' as part from (values
    (1, 'a', 1), (1, 'b', 1), (2, 'a', 1), (2, 'b', 1), (3, 'a', 1), (3, 'b', 1),
    (4, 'a', 0), (4, 'b', 1), (5, 'a', 1), (5, 'b', 0), (6, 'a', 0), (6, 'b', 0),
    (7, 'a', 0), (7, 'b', 0), (8, 'a', 0), (8, 'b', 0), (9, 'a', 0), (9, 'b', 0), (10, 'a', 0), (10, 'b', 0)
) as answers (item, rater, answer)
union all select 1, 'a', 1, 'same' union all select 1, 'b', 1, 'same'
union all select 1, 'a', 1, 'alone' union all select 2, 'b', 0, 'alone' union all select 2, 'a', null, 'alone'
"""


@pytest.fixture(scope="module")
def results(dbt_calls, call_text):
    tables = {"ten_items": TEN}
    models = {
        "by_part": call_text(
            "rater_agreement", relation="ten_items", item="item", rater="rater", label="answer", by=[["part"]]
        )
    }
    for case in CASES:
        tables[f"data_{case}"] = f"select * from read_csv('{SHARED / 'oracle' / case / 'data.csv'}')"
        models[case] = call_text("rater_agreement", relation=f"data_{case}", item="task", rater="worker", label="label")
    return dbt_calls.run(models, tables)


@pytest.mark.parametrize("case", CASES)
def test_reference(results, case) -> None:
    expected = {r["id"]: r for r in json.loads((SHARED / "oracle" / case / "expected.json").read_text())["results"]}
    row = results[case].iloc[0]
    for ours, reference in (
        ("percent_agreement", "percent_agreement:pairs"),
        ("krippendorff_alpha", "krippendorff_alpha:nominal"),
        ("fleiss_kappa", "fleiss_kappa:complete_tasks"),
    ):
        assert row[ours] == pytest.approx(expected[reference]["estimate"], rel=1e-9), reference
    assert row.complete_items == expected["fleiss_kappa:complete_tasks"]["tasks"]


def test_worked_example(results) -> None:
    row = results["by_part"].set_index("part").loc["ten"]
    assert (row["items"], row.raters, row.labels, row.paired_items, row.complete_items) == (10, 2, 20, 10, 10)
    assert row.percent_agreement == pytest.approx(0.8)
    assert row.krippendorff_alpha == pytest.approx(1 - 19 * 4 / (2 * 8 * 12))
    chance = 0.4**2 + 0.6**2
    assert row.fleiss_kappa == pytest.approx((0.8 - chance) / (1 - chance))


def test_nothing_to_compare_is_null(results) -> None:
    rows = results["by_part"].set_index("part")
    assert rows.loc["same"].percent_agreement == 1
    assert pd.isna(rows.loc["same"].krippendorff_alpha) and pd.isna(rows.loc["same"].fleiss_kappa)
    alone = rows.loc["alone"]
    assert (alone["items"], alone.labels, alone.missing_labels, alone.paired_items) == (2, 2, 1, 0)
    assert alone[["percent_agreement", "krippendorff_alpha", "fleiss_kappa"]].isna().all()
