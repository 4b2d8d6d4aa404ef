"""The comparison of two warehouses finds what differs and says where: on two DuckDB files, so without Spark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from prevalence.engines.settings import Settings
from prevalence_evidence import parity

DRAWS = parity.ComparedTable(
    "draws.draw_units",
    (("plan_id", "string"), ("unit_id", "string"), ("inclusion_probability", "double"), ("exposure", "bigint")),
    ("plan_id", "unit_id"),
)
ESTIMATES = parity.ComparedTable(
    "estimates.est_prevalence", (("plan_id", "string"), ("prevalence", "double"), ("reason", "string")), ("plan_id",)
)
LANDED = parity.ComparedTable("raw.risk_scores", (("content_id", "string"), ("score", "double")), ())
GOOD = {
    "draws.draw_units": "select 'p' as plan_id, 'u' || n as unit_id, 1 / (n + 3.0::double) as inclusion_probability,"
    " case when n > 2 then n end as exposure from range(9) as counters (n)",
    "estimates.est_prevalence": "select 'p' as plan_id, 0.1::double as prevalence, null::varchar as reason",
    "raw.risk_scores": "select 'c' || (n % 3) as content_id, 'nan'::double as score from range(4) as counters (n)",
}


def compared(folder: Path, statement: str) -> tuple[str, ...]:
    """The differences after this statement has changed the second of two equal warehouses."""
    settings = []
    for side in ("left", "right"):
        path = folder / f"{side}.duckdb"
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as connection:
            for relation, query in GOOD.items():
                connection.execute(f"create schema {relation.split('.')[0]}")
                connection.execute(f"create table {relation} as {query}")
            if side == "right":
                connection.execute(statement)
        settings.append(replace(Settings.from_environment(), engine="duckdb", warehouse=path))
    return parity.compare(*settings, (DRAWS, ESTIMATES, LANDED)).differences


@pytest.mark.parametrize(
    "statement",
    [
        "select 1",
        # sums of doubles may differ in the last digits, and an order of rows says nothing
        "update estimates.est_prevalence set prevalence = prevalence * (1 + 1e-10)",
        "create or replace table raw.risk_scores as from raw.risk_scores order by content_id desc",
    ],
)
def test_equal_warehouses_have_no_difference(tmp_path, statement):
    assert compared(tmp_path, statement) == ()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        # one bit of one probability
        (
            "update draws.draw_units set inclusion_probability = 0.14285714285714288::double where unit_id = 'u4'",
            ("draws.draw_units: of 9 rows inclusion_probability in 1 differ", "u4", "0.14285714285714285"),
        ),
        ("update draws.draw_units set exposure = 0 where exposure is null", ("exposure in 3 differ", "u0", "None")),
        ("update draws.draw_units set unit_id = 'x' where unit_id = 'u8'", ("2 keys are on one side alone", "u8")),
        ("delete from draws.draw_units where unit_id = 'u8'", ("draws.draw_units: 9 rows", "and 8")),
        ("update estimates.est_prevalence set prevalence = prevalence * (1 + 1e-8)", ("prevalence in 1 differ",)),
        ("update estimates.est_prevalence set prevalence = null", ("prevalence in 1 differ", "None")),
        ("update estimates.est_prevalence set prevalence = 'nan'::double", ("prevalence in 1 differ", "nan")),
        ("update estimates.est_prevalence set prevalence = 'inf'::double", ("prevalence in 1 differ", "inf")),
        ("update estimates.est_prevalence set reason = ''", ("reason in 1 differ", "''")),
        ("drop table estimates.est_prevalence", ("estimates.est_prevalence: not in the warehouse",)),
        ("update raw.risk_scores set content_id = 'c0' where content_id = 'c1'", ("raw.risk_scores: 1 rows are on",)),
    ],
)
def test_a_difference_is_named_by_table_column_row_and_both_values(tmp_path, statement, said):
    (sentence,) = compared(tmp_path, statement)
    assert all(part in sentence for part in said), sentence
