"""A period whose days have the answers that they had is taken over from the run before; any other is estimated again, through dbt."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).resolve().parents[3]
MODELS = ("est_period_days", "est_unit_periods", "est_prevalence", "est_changes")

# three weeks of one plan: five units a day, of which the first violates on every third day
UNITS = """
    select
        'plan' as plan_id, day || '|' || unit as unit_id, day || '|' || unit as psu_id, 'content_day' as unit_type,
        'policy' as policy_id, '1' as policy_version, cast(day as date) as sample_date, 'overall' as pivot_name, 'all' as pivot_value,
        'poisson' as design, false as has_audit, true as is_audited, cast(0.25 as double) as inclusion_probability,
        cast(1 as bigint) as draws, cast(null as bigint) as random_number_days,
        cast(0.25 as double) as overall_inclusion_probability, cast(40 as double) as maximum_overall_weighted_exposure,
        cast(4 as double) as missed_weight, cast(20 as bigint) as frame_units, cast(unit as double) as exposure,
        cast(case when unit = 1 and extract(day from day) % 3 = 0 then unit else 0 end as double) as expert_violating_exposure,
        cast(null as double) as judge_violating_exposure, 'poisson' as estimated_as, 'plan' as stratum, cast(1 as bigint) as draw_number
    from range(date '2026-10-05', date '2026-10-26', interval 1 day) as days(day), range(1, 6) as units(unit)
"""
ROWS = {
    "est_prevalence": "select period_type, period_start::varchar, period_end::varchar, round(prevalence, 12), "
    "round(interval_upper, 12), sampled_units, inputs_fingerprint from estimates.est_prevalence order by all",
    "est_changes": "select week_start_date::varchar, round(prevalence_change, 12), status, inputs_fingerprint from "
    "estimates.est_changes order by all",
}


class Warehouse:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "warehouse.duckdb"
        self.target = folder / "target"
        for statement in (
            *(f"create schema {name}" for name in ("estimates", "reference", "releases")),
            *(
                f"create table reference.{name} as select * from '{ROOT}/seeds/{name}.csv'"
                for name in ("periods", "pivots")
            ),
            "create table releases.release_anchors as select '28_days' as period_type, date '2026-10-05' as anchor_date",
            f"create table estimates.est_unit_domains as {UNITS}",
        ):
            self.execute(statement)

    def execute(self, statement: str) -> list[tuple]:
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(statement).fetchall()

    def estimate(self, *arguments: str) -> dict[str, list[tuple]]:
        places = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT), "--target-path", str(self.target)]
        result = dbtRunner().invoke(["--quiet", "run", "--select", *MODELS, *places, *arguments])
        DuckDBConnectionManager.close_all_connections()
        assert result.success, result.exception or " ".join(str(node.message) for node in result.result)
        return {name: self.execute(query) for name, query in ROWS.items()}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    folder = tmp_path_factory.mktemp("taken_over")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREVALENCE_DUCKDB_PATH", str(folder / "warehouse.duckdb"))
        environment.setenv("DBT_LOG_PATH", str(folder / "logs"))
        yield Warehouse(folder)


def test_only_what_has_changed_is_estimated_again_and_all_is_as_if_it_were(warehouse):
    first = warehouse.estimate()
    assert {row[0] for row in first["est_prevalence"]} == {
        "day",
        "week",
        "28_days",
        "rolling_7_days",
        "rolling_28_days",
    }
    assert [row[0] for row in first["est_changes"]] == ["2026-10-12", "2026-10-19"]

    # what is taken over is not computed: a mark in the table survives as long as nothing changes
    warehouse.execute("update estimates.est_prevalence set status = 'taken_over'")
    warehouse.execute("update estimates.est_changes set status = 'taken_over'")
    warehouse.estimate()
    marked = "select count(*) from estimates.{} where status <> 'taken_over'"
    assert [warehouse.execute(marked.format(name)) for name in ROWS] == [[(0,)], [(0,)]]

    # an answer of the second week
    warehouse.execute(
        "update estimates.est_unit_domains set expert_violating_exposure = exposure where sample_date = '2026-10-13' and exposure = 2"
    )
    warehouse.estimate()
    again = warehouse.execute(
        "select period_type, min(period_start)::varchar, count(*) from estimates.est_prevalence where status <> 'taken_over' "
        "group by all order by all"
    )
    assert again == [
        ("28_days", "2026-10-05", 1),
        ("day", "2026-10-13", 1),
        ("rolling_28_days", "2026-09-28", 1),
        ("rolling_7_days", "2026-10-07", 7),
        ("week", "2026-10-12", 1),
    ]
    assert warehouse.execute("select count(*) from estimates.est_changes where status <> 'taken_over'") == [(2,)]
    whole = warehouse.estimate("--full-refresh")
    assert warehouse.execute("select count(*) from estimates.est_prevalence where status = 'taken_over'") == [(0,)]
    assert whole["est_prevalence"] != first["est_prevalence"]

    # a day that is held back, with another level of intervals beside it: nothing is left of what was
    warehouse.execute("delete from estimates.est_unit_domains where sample_date = '2026-10-20'")
    warehouse.estimate()
    later = warehouse.estimate("--vars", "interval_level: 0.9")
    assert later == warehouse.estimate("--vars", "interval_level: 0.9", "--full-refresh")
    assert ("day", "2026-10-20") not in {row[:2] for row in later["est_prevalence"]}
