"""rogan_gladen against published values, the reference case l, and its refusals."""

from __future__ import annotations

import json

import duckdb
import pandas as pd
import pytest
from conftest import SHARED

from python_udfs.duckdb_plugin import register

CASE = SHARED / "oracle" / "l01_rogan_gladen"

# positives, sampled, sensitivity, specificity -> estimate and Clopper-Pearson interval of epiR, or why it is refused
KNOWN = [
    ("a", 45, 150, 0.96, 0.89, 0.2235294117647058, 0.1387882538850994, 0.3177896866167281),
    ("b", 8, 4000, 0.9, 0.999, 0.001112347052280189, 0.0, 0.003266934244661649),
    ("c", 8, 4000, 1, 1, 0.002, 0.00086384110244353, 0.003936973885950934),
    ("d", 0, 4000, 0.9, 1, 0.0, 0.0, 0.001024216388314514),
]
REFUSED = [
    ("e", 6, 151, 0.964, 0.927, "below_false_positive_rate"),
    ("f", 8, 4000, 0.9, 0.99, "below_false_positive_rate"),
    ("g", 4000, 4000, 0.9, 0.99, "above_sensitivity"),
    ("h", 40, 1000, 0.6, 0.4, "uninformative_labels"),
    ("i", 40, 1000, 0.6, 0.3, "uninformative_labels"),
    ("j", 1, 0, 0.9, 0.9, "no_sampled_units"),
    ("k", 5, 4, 0.9, 0.9, "invalid_rows"),
]
# apparent, sampled, sensitivity and its items, specificity and its items, interval of Lang and Reiczigel
ESTIMATED = [
    ("l", 0.30, 150, 0.96, 50, 0.89, 100, 0.1156255868, 0.3303000527),
    ("m", 0.002, 4000, 0.9, 200, 0.999, 2000, 0.0, 0.0036514496),
    ("n", 0.01, 4000, 0.9, 200, 0.998, 5000, 0.0054484701, 0.0131170937),
]


@pytest.fixture(scope="module")
def corrected(dbt_calls, call_text):
    known = ", ".join(str(row[:5]) for row in [*KNOWN, *REFUSED])
    estimated = ", ".join(str(row[:7]) for row in ESTIMATED)
    tables = {
        "known_labels": f"select * from (values {known}) as shares (id, positives, sampled, se, sp)",
        "estimated_labels": f"select * from (values {estimated}) as shares (id, apparent, n, se, n_se, sp, n_sp)",
    }
    shares = {
        "relation": "known_labels",
        "apparent": "case when sampled > 0 then cast(positives as double) / sampled else 0 end",
        "sensitivity": "se",
        "specificity": "sp",
        "sampled": "sampled",
        "columns": ["id"],
    }
    estimated_arguments = {
        "relation": "estimated_labels",
        "apparent": "apparent",
        "sensitivity": "se",
        "specificity": "sp",
        "sensitivity_items": "n_se",
        "specificity_items": "n_sp",
        "columns": ["id"],
    }
    models = {
        "known": call_text("rogan_gladen", **shares, interval="clopper_pearson"),
        "estimated": call_text("rogan_gladen", **estimated_arguments, sampled="n"),
        "of_a_design": call_text("rogan_gladen", **estimated_arguments, variance="2 * apparent * (1 - apparent) / n"),
        "delta": call_text("rogan_gladen", **estimated_arguments, sampled="n", interval="wald"),
    }
    if CASE.is_dir():
        tables["reference"] = f"select * from read_csv('{CASE}/data.csv')"
        reference = {
            "relation": "reference",
            "apparent": "cast(x as double) / n",
            "sampled": "n",
            "sensitivity": "cast(x_se as double) / n_se",
            "specificity": "cast(x_sp as double) / n_sp",
            "columns": ["row"],
        }
        items = {"sensitivity_items": "n_se", "specificity_items": "n_sp"}
        for interval in ("lang_reiczigel", "wald", "wilson", "clopper_pearson"):
            estimated_items = items if interval in ("lang_reiczigel", "wald") else {}
            models[f"reference_{interval}"] = call_text(
                "rogan_gladen", **reference, **estimated_items, interval=interval
            )
    return {name: rows.set_index(rows.columns[0]) for name, rows in dbt_calls.run(models, tables).items()}


@pytest.mark.parametrize("published", KNOWN, ids=lambda row: row[0])
def test_known_labels(corrected, published) -> None:
    row = corrected["known"].loc[published[0]]
    assert (row.status, row.interval_method) == ("ok", "clopper_pearson")
    assert row.estimate == pytest.approx(published[5], rel=1e-12, abs=1e-15)
    assert row.interval_lower == pytest.approx(published[6], rel=1e-10, abs=1e-15)
    assert row.interval_upper == pytest.approx(published[7], rel=1e-10)


@pytest.mark.parametrize("refused", REFUSED, ids=lambda row: row[0])
def test_refused_with_a_reason(corrected, refused) -> None:
    row = corrected["known"].loc[refused[0]]
    assert row.status == refused[5]
    for column in ("estimate", "variance", "std_error", "interval_lower", "interval_upper", "interval_method"):
        assert pd.isna(row[column])


@pytest.mark.parametrize("published", ESTIMATED, ids=lambda row: row[0])
def test_estimated_labels(corrected, published) -> None:
    row = corrected["estimated"].loc[published[0]]
    assert row.interval_lower == pytest.approx(published[7], abs=1e-10)
    assert row.interval_upper == pytest.approx(published[8], abs=1e-10)
    wald = corrected["delta"].loc[published[0]]
    assert wald.interval_upper - wald.interval_lower == pytest.approx(2 * 1.959963984540054 * row.std_error, rel=1e-12)
    # half the effective sample adds the apparent share's variance once more
    youden = published[3] + published[5] - 1
    more = published[1] * (1 - published[1]) / published[2] / youden**2
    assert corrected["of_a_design"].loc[published[0]].variance == pytest.approx(row.variance + more, rel=1e-10)


def _reference_rows() -> list:
    if not CASE.is_dir():
        return []
    found = json.loads((CASE / "expected.json").read_text())["results"]
    return [pytest.param(result, id=f"l01_rogan_gladen::{result['id']}") for result in found]


@pytest.mark.parametrize("result", _reference_rows())
def test_reference(corrected, result) -> None:
    estimated = corrected["reference_lang_reiczigel"].loc[result["id"]]
    lower, upper = result["lang_reiczigel"]["ci"]
    if result["estimate_untruncated"] != result["estimate"]:
        # outside [0, 1]: refused, while the interval's function still reproduces the reference
        assert estimated.status in ("below_false_positive_rate", "above_sensitivity")
        assert pd.isna(estimated.estimate)
        with duckdb.connect() as connection:
            register(connection)
            row = next(
                line.split(",") for line in (CASE / "data.csv").read_text().splitlines() if line[0] == result["id"]
            )
            x, n, x_se, n_se, x_sp, n_sp = (float(value) for value in row[1:])
            for name, bound in (("lower", lower), ("upper", upper)):
                ours = connection.execute(
                    f"select lang_reiczigel_{name}(?, ?, ?, ?, ?, ?, 0.05)",
                    [x / n, n, x_se / n_se, n_se, x_sp / n_sp, n_sp],
                ).fetchone()[0]
                assert ours == pytest.approx(bound, rel=1e-9, abs=1e-12)
        return
    assert estimated.estimate == pytest.approx(result["estimate"], rel=1e-9, abs=1e-12)
    assert estimated.variance == pytest.approx(result["variance_delta"], rel=1e-9, abs=1e-12)
    assert estimated.std_error == pytest.approx(result["se_delta"], rel=1e-9, abs=1e-12)
    assert estimated.interval_lower == pytest.approx(lower, rel=1e-9, abs=1e-12)
    assert estimated.interval_upper == pytest.approx(upper, rel=1e-9, abs=1e-12)
    for interval in ("wilson", "clopper_pearson"):
        known = corrected[f"reference_{interval}"].loc[result["id"]]
        assert known.variance == pytest.approx(result["variance_known_sesp"], rel=1e-9, abs=1e-12)
        lower, upper = result[f"known_sesp_{interval}"]
        assert known.interval_lower == pytest.approx(lower, rel=1e-9, abs=1e-12)
        assert known.interval_upper == pytest.approx(upper, rel=1e-9, abs=1e-12)


REFUSALS = {
    "sampled='n', interval='blaker'": "interval must be one of lang_reiczigel, wald, wilson, clopper_pearson; received 'blaker'",
    "sampled='n'": "interval 'lang_reiczigel' requires sensitivity_items and specificity_items; received none",
    "interval='wald'": "sampled or variance is required; received neither",
    "sampled='n', sensitivity_items='9', interval='wald'": "sensitivity_items and specificity_items go together",
    "sampled='n', interval='wald', columns='id'": "columns must be a list of column names; received 'id'",
    "sampled='n', interval='wald', level=1.5": "level must be a number between 0 and 1, such as 0.95; received '1.5'",
    "sampled='n', interval='wilson', sensitivity_items='9', specificity_items='9'": "takes sensitivity and specificity as known",
}


def test_refusals(dbt_calls) -> None:
    models = {
        f"refused_{number}": "{{ prevalence.rogan_gladen('known_labels', 'a', 'se', 'sp', " + arguments + ") }}"
        for number, arguments in enumerate(REFUSALS)
    }
    for message, expected in zip(dbt_calls.refusals(models).values(), REFUSALS.values(), strict=True):
        assert "rogan_gladen: " in message
        assert expected in message
