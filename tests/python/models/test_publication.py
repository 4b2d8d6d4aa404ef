"""The ledger and the mart take in exactly what has passed the gate: on hand-made estimates, through dbt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

ROOT = Path(__file__).resolve().parents[3]
# by path: `prevalence` alone is the name of the project and would select all of it
MODELS = ("publishable_estimates", "release_candidates", "path:models/releases", "path:models/marts")
WINDOW = {"period_start_date": "2026-10-05", "period_end_date": "2026-11-02"}

# two days and a week of one plan; the judge's figure is never published
ESTIMATES = """
    select
        period_type, cast(period_start as date) as period_start, 'mixture' as plan_id, 'self_harm' as policy_id,
        'content_day' as unit_type, 'overall' as pivot_name, 'all' as pivot_value, estimator,
        cast(prevalence as double) as prevalence, cast(0.001 as double) as std_error,
        cast(prevalence - 0.002 as double) as interval_lower, cast(prevalence + 0.002 as double) as interval_upper,
        cast(0.95 as double) as interval_level, 'korn_graubard' as interval_method,
        cast(1000 as bigint) as sampled_units, cast(5 as bigint) as positive_units,
        cast(800 as double) as effective_n, cast(4.5 as double) as degrees_of_freedom,
        case when prevalence is null then 'no_sampled_units' else 'ok' end as status, 'lp_1' as label_protocol_id
    from (
        values
        ('day', '2026-10-05', 'two_phase', 0.005),
        ('day', '2026-10-06', 'two_phase', 0.006),
        ('week', '2026-10-05', 'two_phase', 0.0055),
        ('week', '2026-10-05', 'judge', 0.009)
    ) as figures(period_type, period_start, estimator, prevalence)
"""


class Project:
    """dbt on one scratch file, parsed once for each set of vars."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "warehouse.duckdb"
        self.target = folder / "target"
        self.manifests: dict[str, Manifest] = {}

    def invoke(self, arguments: list[str], variables: dict[str, str]) -> None:
        text = yaml.safe_dump(variables)
        if text not in self.manifests:
            self.manifests[text] = self._run(["parse"], text, None)
        self._run(arguments, text, self.manifests[text])

    def _run(self, arguments: list[str], variables: str, manifest: Manifest | None) -> Manifest:
        places = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT), "--target-path", str(self.target)]
        result = dbtRunner(manifest).invoke(["--quiet", *arguments, *places, "--vars", variables])
        DuckDBConnectionManager.close_all_connections()
        assert result.success, result.exception or [node.message for node in result.result]
        return result.result


class Warehouse:
    """A scratch warehouse with estimates and gate results, and dbt to publish from it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.path = project.path
        self.path.unlink(missing_ok=True)
        self.execute("create schema estimates")
        self.execute("create schema quality")
        self.execute("create schema staging")
        self.execute("create schema reference")
        self.execute(f"create table reference.periods as select * from '{ROOT}/seeds/periods.csv'")
        self.execute(f"create table estimates.est_prevalence as {ESTIMATES}")
        self.execute(
            "create table staging.stg_policies as select 'self_harm' as policy_id, '1.0.0' as policy_version, 'Self-harm' as "
            "title, cast(1 as double) as importance"
        )
        self.execute(
            "create table quality.gate_results (gate_name varchar, check_name varchar, table_name varchar, "
            "severity varchar, is_passed boolean, "
            "observed double, limit_text varchar, failing_rows bigint, message varchar, subject_fingerprint varchar)"
        )

    def execute(self, statement: str) -> list[tuple]:
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(statement).fetchall()

    def dbt(self, *models: str, full_refresh: bool = False, **variables: str) -> None:
        arguments = ["run", "--select", *(models or MODELS)] + (["--full-refresh"] if full_refresh else [])
        self.project.invoke(arguments, {**WINDOW, **variables})

    def gate(self, *, passed: bool, severity: str = "blocking") -> None:
        """What the gate would write for the estimates as they are now."""
        self.dbt("publishable_estimates", "release_candidates")
        self.execute(
            f"insert into quality.gate_results select 'before_publication', 'a_check', 'a_table', '{severity}', "
            f"{passed}, null, '', 0, null, fingerprint "
            "from quality.release_candidates"
        )

    def ledger(self) -> list[tuple]:
        return self.execute("select * from releases.release_ledger order by all")

    def mart(self) -> list[tuple]:
        return self.execute("select * from marts.prevalence order by all")

    def statuses(self) -> dict[tuple[str, str], tuple[str, float | None]]:
        rows = self.execute(
            "select period_type, cast(period_start as varchar), release_status, prevalence from marts.prevalence"
        )
        return {(period_type, start): (status, prevalence) for period_type, start, status, prevalence in rows}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("publication")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREVALENCE_DUCKDB_PATH", str(folder / "warehouse.duckdb"))
        environment.setenv("DBT_LOG_PATH", str(folder / "logs"))
        yield Project(folder)


@pytest.fixture
def warehouse(project) -> Warehouse:
    return Warehouse(project)


@pytest.fixture
def published(warehouse) -> Warehouse:
    warehouse.gate(passed=True)
    warehouse.dbt()
    return warehouse


def test_without_a_gate_nothing_is_published(warehouse):
    warehouse.dbt()
    assert warehouse.ledger() == [] and warehouse.mart() == []


def test_a_blocked_gate_publishes_nothing_the_first_time(warehouse):
    warehouse.gate(passed=True)
    warehouse.gate(passed=False)
    warehouse.dbt()
    assert warehouse.ledger() == [] and warehouse.mart() == []


def test_warnings_alone_are_no_passed_gate_and_failed_warnings_do_not_block(warehouse):
    warehouse.gate(passed=True, severity="warning")
    warehouse.dbt()
    assert warehouse.mart() == []
    warehouse.gate(passed=False, severity="warning")
    warehouse.gate(passed=True)
    warehouse.dbt()
    assert len(warehouse.mart()) == 3


def test_the_mart_has_the_columns_of_its_contract_and_only_headline_figures(published):
    columns = [
        name
        for (name,) in published.execute(
            "select column_name from information_schema.columns where table_schema = 'marts' and table_name = "
            "'prevalence' order by ordinal_position"
        )
    ]
    assert columns == [
        "period_type",
        "period_start",
        "policy_id",
        "unit_type",
        "pivot_name",
        "pivot_value",
        "estimator",
        "prevalence",
        "std_error",
        "interval_lower",
        "interval_upper",
        "interval_level",
        "interval_method",
        "sampled_units",
        "positive_units",
        "effective_n",
        "degrees_of_freedom",
        "release_status",
        "release_id",
        "label_protocol_id",
        "plan_id",
    ]
    assert published.execute("select distinct estimator, release_status from marts.prevalence") == [
        ("two_phase", "provisional")
    ]
    ((release_id, fingerprint),) = published.execute(
        "select distinct release_id, fingerprint from releases.release_ledger"
    )
    assert release_id == f"rel_{fingerprint[:16]}"
    assert published.statuses()[("day", "2026-10-06")] == ("provisional", 0.006)


def test_the_ledger_has_its_old_name_for_one_version(published):
    assert published.execute("select * from marts.published_prevalence order by all") == published.ledger()


def test_an_older_ledger_is_never_replaced_by_the_view_of_its_old_name(warehouse):
    warehouse.execute("create schema marts")
    warehouse.execute("create table marts.published_prevalence as select 1 as release_number")
    with pytest.raises(AssertionError, match="prevalence migrate"):
        warehouse.dbt()
    assert warehouse.execute("select * from marts.published_prevalence") == [(1,)]


def test_building_again_adds_nothing(published):
    ledger, mart = published.ledger(), published.mart()
    published.dbt()
    published.dbt(full_refresh=True)
    assert published.ledger() == ledger and published.mart() == mart


def test_row_order_and_last_digits_are_no_new_release(published):
    ledger = published.ledger()
    published.execute(
        "create or replace table estimates.est_prevalence as select * replace (prevalence * (1 + 4e-16) as "
        "prevalence) from estimates.est_prevalence order by random()"
    )
    published.gate(passed=True)
    published.dbt()
    assert published.ledger() == ledger


@pytest.mark.parametrize("blocked", [False, True])
def test_changed_estimates_without_a_passed_gate_change_nothing(published, blocked):
    ledger, mart = published.ledger(), published.mart()
    published.execute("update estimates.est_prevalence set prevalence = 0.0061 where period_start = '2026-10-06'")
    if blocked:
        published.gate(passed=False)
    published.dbt()
    assert published.ledger() == ledger and published.mart() == mart


def test_a_gate_passed_for_other_estimates_does_not_count(warehouse):
    warehouse.gate(passed=True)
    warehouse.execute("update estimates.est_prevalence set prevalence = 0.0061 where period_start = '2026-10-06'")
    warehouse.dbt()
    assert warehouse.mart() == []


def test_changed_figures_are_restated_new_ones_provisional_and_vanished_ones_withdrawn(published):
    first = published.ledger()
    published.execute("update estimates.est_prevalence set prevalence = 0.0061 where period_start = '2026-10-06'")
    published.execute(
        "update estimates.est_prevalence set period_start = '2026-10-12' where period_type = 'week' and estimator "
        "= 'two_phase'"
    )
    published.gate(passed=True)
    published.dbt()
    assert published.statuses() == {
        ("day", "2026-10-05"): ("provisional", 0.005),
        ("day", "2026-10-06"): ("restated", 0.0061),
        ("week", "2026-10-12"): ("provisional", 0.0055),
        ("week", "2026-10-05"): ("withdrawn", None),
    }
    assert [row for row in published.ledger() if row[0] == 1] == first, (
        "what was published stays in the ledger as it was"
    )
    assert published.execute("select count(distinct release_id), count(*) from marts.prevalence") == [(1, 4)]


def test_a_restated_figure_stays_restated_and_a_figure_may_go_back(published):
    first_mart = published.execute("select prevalence from marts.prevalence order by all")
    published.execute("update estimates.est_prevalence set prevalence = 0.0061 where period_start = '2026-10-06'")
    published.gate(passed=True)
    published.dbt()
    published.execute(
        "update estimates.est_prevalence set prevalence = 0.0052 where period_type = 'day' and period_start = "
        "'2026-10-05'"
    )
    published.gate(passed=True)
    published.dbt()
    assert published.statuses()[("day", "2026-10-06")] == ("restated", 0.0061)
    published.execute("delete from estimates.est_prevalence")
    published.execute(f"insert into estimates.est_prevalence {ESTIMATES}")
    published.gate(passed=True)
    published.dbt()
    assert published.execute("select prevalence from marts.prevalence order by all") == first_mart
    assert published.execute("select max(release_number), count(distinct release_id) from releases.release_ledger") == [
        (4, 3)
    ]


def test_periods_that_are_no_longer_measured_stay_published(published):
    published.execute("update estimates.est_prevalence set period_start = period_start + interval 28 days")
    later = {"period_start_date": "2026-11-02", "period_end_date": "2026-11-30"}
    published.gate(passed=True)
    published.dbt(**later)
    assert {key: status for key, (status, _) in published.statuses().items()} == dict.fromkeys(
        [
            ("day", "2026-10-05"),
            ("day", "2026-10-06"),
            ("week", "2026-10-05"),
            ("day", "2026-11-02"),
            ("day", "2026-11-03"),
            ("week", "2026-11-02"),
        ],
        "provisional",
    )


def test_a_run_killed_between_its_steps_ends_like_an_undisturbed_one(published, project):
    undisturbed = published.ledger(), published.mart()
    disturbed = Warehouse(project)
    disturbed.gate(passed=True)  # killed before anything was published
    disturbed.dbt("release_ledger")  # killed after the ledger, before the mart
    disturbed.dbt()
    assert (disturbed.ledger(), disturbed.mart()) == undisturbed
