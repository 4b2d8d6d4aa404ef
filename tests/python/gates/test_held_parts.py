"""What is held back is decided in SQL, by the limits that the gates validate: both say the same of the same small tables."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import duckdb
import pytest
from test_demo_world import invoke
from test_gates import CHECKS, FAULTS, GATES, ROOT, change, check, good_warehouse, rows_of  # noqa: F401

from prevalence.gates.checks import HOLDING

# each model of held parts and its gate
MODELS = {
    "held_days": "raw_to_staging",
    "held_plan_days": "before_draw",
    "label_maturity": "labels_to_estimates",
    "held_estimates": "before_publication",
}
# what they read beside the tables of the gates
OTHERS = {
    "staging.stg_sampling_plans": "select unnest(['mixture', 'holdout']) as plan_id",
    "staging.stg_measured_days": "select date '2026-10-07' as unit_date, true as is_staged",
    "reference.maturity_reasons": f"select * from '{ROOT}/seeds/maturity_reasons.csv'",
}
HOLDING_ROWS = [row for row in rows_of(CHECKS) if row["holds"] and row["column_name"]]
# checks of one table are not looked at by the gate's model where frames leave the plan or policy out by themselves
SEEN_ELSEWHERE = {"plans_can_be_read", "policies_can_be_read"}
SEED = 13


@pytest.fixture(scope="module")
def queries(tmp_path_factory) -> dict[str, str]:
    """Of each model the SQL that lists the limits which are broken."""
    compiled = invoke(tmp_path_factory.mktemp("held"), None, "compile", {}, "--select", *MODELS).result.results
    end = "select * from final"
    found = {}
    for result in compiled:
        if result.node.name in MODELS and result.node.resource_type == "model":
            text = result.node.compiled_code.replace(f'"{result.node.database}".', "").rstrip()
            assert text.endswith(end), result.node.name
            found[result.node.name] = text.removesuffix(end) + "select * from broken_limits"
    return found


@pytest.fixture
def warehouse(good_warehouse, tmp_path) -> Path:
    path = Path(shutil.copy(good_warehouse, tmp_path / "warehouse.duckdb"))
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema staging")
        for name, query in OTHERS.items():
            connection.execute(f"create table {name} as {query}")
        # the model of held days is a table to the next one; its columns are of no interest here
        connection.execute(
            "create or replace table quality.held_days as select date '2026-10-06' as unit_date, '' as check_name, "
            "'' as table_name, '' as column_name, 0.5::double as observed, '' as expected, '' as remedy where false"
        )
    return path


def broken(queries: dict[str, str], path: Path) -> dict[str, list[tuple]]:
    """The parts that SQL finds broken, by check."""
    found: dict[str, list[tuple]] = {}
    with duckdb.connect(str(path), read_only=True) as connection:
        for query in queries.values():
            rows = connection.execute(
                f"select check_name, plan_id, policy_id, sample_date from ({query}) as parts order by all"
            )
            for name, *part in rows.fetchall():
                found.setdefault(name, []).append(tuple(part))
    return found


def test_every_model_of_held_parts_is_looked_at(queries):
    assert queries.keys() == MODELS.keys()


def test_nothing_is_held_in_a_good_warehouse(queries, warehouse):
    assert broken(queries, warehouse) == {}


@pytest.mark.parametrize("check_name", [row["check_name"] for row in HOLDING_ROWS])
def test_sql_and_the_gate_see_the_same_fault(queries, warehouse, check_name):
    change(warehouse, FAULTS[check_name])
    (row,) = (row for row in HOLDING_ROWS if row["check_name"] == check_name)
    report = check(row["gate_name"], warehouse)
    (failure,) = report.holding_failures
    assert failure.check_name == check_name
    found = broken(queries, warehouse)
    if check_name in SEEN_ELSEWHERE:
        assert found == {}
        return
    assert found.keys() == {check_name}
    names = {"plan": 0, "policy": 1, "day": 2}
    for part in found[check_name]:
        known = {name for name, place in names.items() if part[place] is not None}
        assert known == (set() if row["holds"] == "draw" else set(row["holds"].split("_")))


def test_sql_and_the_gates_agree_on_whatever_the_tables_hold(queries, warehouse):
    """All columns at once, near their limits, beyond them and null: the same checks fail, for as many rows."""
    randomness = random.Random(SEED)
    columns = {(row["table_name"], row["column_name"]) for row in HOLDING_ROWS}
    keys = {"day_profiles": 2}
    for _ in range(6):
        with duckdb.connect(str(warehouse)) as connection:
            for table, column in sorted(columns):
                limits = [
                    float(row[side])
                    for row in HOLDING_ROWS
                    if (row["table_name"], row["column_name"]) == (table, column)
                    for side in ("blocking_lower", "blocking_upper")
                    if row[side]
                ]
                connection.execute(f"alter table quality.{table} alter column {column} type double")
                rows = connection.execute(f"select rowid from quality.{table}").fetchall()
                for (number,) in rows:
                    limit = randomness.choice(limits)
                    value = randomness.choice(
                        [limit, limit, limit * 0.999999, limit + 1e-6, limit - 1e-6, limit + 2, None]
                    )
                    connection.execute(f"update quality.{table} set {column} = ? where rowid = ?", [value, number])
        failing = {}
        for gate in GATES:
            for result in check(gate, warehouse).results:
                if result.severity == HOLDING and not result.is_passed:
                    failing[result.check_name] = result.failing_rows
        found = broken(queries, warehouse)
        of_columns = {row["check_name"]: row for row in HOLDING_ROWS if row["check_name"] not in SEEN_ELSEWHERE}
        assert found.keys() == failing.keys() & of_columns.keys()
        assert found, "nothing is broken in any table"
        for name, parts in found.items():
            row = of_columns[name]
            if row["holds"] in ("plan_day", "plan_policy_day"):
                assert len(parts) == failing[name], name
            else:
                assert 1 <= len(parts) <= failing[name] * keys.get(row["table_name"], 1), name
