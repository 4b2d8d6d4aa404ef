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
        period_type, cast(period_start as date) as period_start,
        cast(period_start as date) + case period_type when 'week' then 6 else 0 end as period_end,
        cast(case period_type when 'week' then 2 else 1 end as bigint) as days_measured,
        cast(case period_type when 'week' then 7 else 1 end as bigint) as days_expected,
        'mixture' as plan_id, 'self_harm' as policy_id, '1.0.0' as policy_version,
        'content_day' as unit_type, 'overall' as pivot_name, 'all' as pivot_value, estimator,
        cast(prevalence as double) as prevalence, cast(0.001 as double) as std_error,
        cast(prevalence - 0.002 as double) as interval_lower, cast(prevalence + 0.002 as double) as interval_upper,
        cast(0.95 as double) as interval_level, 'korn_graubard' as interval_method,
        cast(1000 as bigint) as sampled_units, cast(5 as bigint) as positive_units,
        cast(800 as double) as effective_n, cast(4.5 as double) as degrees_of_freedom,
        cast(null as varchar) as interval_caution, case when prevalence is null then 'no_sampled_units' else 'ok' end as status,
        'lp_' || substr(sha256('self_harm|1.0.0|sme'), 1, 16) as label_protocol_id
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
        # joined: of a list of many messages pytest would show the first few
        assert result.success, result.exception or " ".join(str(node.message) for node in result.result)
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
        self.execute("create table quality.held_estimates (plan_id varchar, policy_id varchar)")
        # the days that are measured now: both
        self.execute(
            "create table estimates.est_period_days as select 'day' as period_type, day as period_start, 'mixture' as plan_id, "
            "'self_harm' as policy_id, '1.0.0' as policy_version, day as sample_date, day as period_end, cast(1 as bigint) as "
            "days_measured, cast(1 as bigint) as days_expected, true as is_two_phase from (values (date '2026-10-05'), "
            "(date '2026-10-06')) as days(day)"
        )
        # no plan was renamed
        self.execute("create schema frames")
        self.execute(
            "create table frames.frame_plan_series (plan_id varchar, series_id varchar, series_plan_id varchar)"
        )
        self.execute("create schema draws")
        self.execute("create table draws.draw_policies as select 'self_harm' as policy_id, '1.0.0' as policy_version")
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


def test_figures_that_are_held_back_stay_as_they_were_and_go_on_when_they_are_mended(published):
    ledger, mart = published.ledger(), published.mart()
    published.execute("update estimates.est_prevalence set prevalence = 0.0061 where period_start = '2026-10-06'")
    published.execute("insert into quality.held_estimates values ('mixture', 'self_harm')")
    published.gate(passed=False, severity="holding")
    published.gate(passed=True)
    published.dbt()
    assert published.ledger() == ledger and published.mart() == mart
    published.execute("delete from quality.held_estimates")
    published.gate(passed=True)
    published.dbt()
    assert published.statuses()[("day", "2026-10-06")] == ("restated", 0.0061)
    assert published.statuses()[("day", "2026-10-05")] == ("provisional", 0.005)


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


def test_periods_whose_days_are_not_among_the_measured_stay_published(published):
    published.execute(
        "update estimates.est_prevalence set period_start = period_start + 28, period_end = period_end + 28"
    )
    published.execute(
        "update estimates.est_period_days set sample_date = sample_date + 28, period_start = period_start + 28"
    )
    published.gate(passed=True)
    published.dbt()
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


def test_a_day_that_waits_or_is_held_again_takes_nothing_away(published):
    published.execute("delete from estimates.est_prevalence where period_start = '2026-10-06' or period_type = 'week'")
    published.execute("delete from estimates.est_period_days where sample_date = '2026-10-06'")
    published.execute("update estimates.est_prevalence set prevalence = 0.0051 where estimator = 'two_phase'")
    published.gate(passed=True)
    published.dbt()
    assert published.statuses() == {
        ("day", "2026-10-05"): ("restated", 0.0051),
        ("day", "2026-10-06"): ("provisional", 0.006),
        ("week", "2026-10-05"): ("provisional", 0.0055),
    }


def test_a_release_holds_what_it_changes_and_reads_as_a_whole(published):
    published.execute("update estimates.est_prevalence set prevalence = 0.0061 where period_start = '2026-10-06'")
    published.gate(passed=True)
    published.dbt()
    published.execute(
        "update estimates.est_prevalence set prevalence = 0.0051 where period_type = 'day' and prevalence = 0.005"
    )
    published.gate(passed=True)
    published.dbt()
    rows = published.execute("select release_number, count(*) from releases.release_ledger group by all order by all")
    assert rows == [(1, 3), (2, 1), (3, 1)]
    releases = published.execute(
        "select release_number, list(prevalence order by prevalence) from marts.published_prevalence group by all order by all"
    )
    assert releases == [(1, [0.005, 0.0055, 0.006]), (2, [0.005, 0.0055, 0.0061]), (3, [0.0051, 0.0055, 0.0061])]
    assert published.execute(
        "select count(*) from (select period_type, period_start, prevalence, release_id, release_status from "
        "marts.published_prevalence where release_number = 3 except select period_type, period_start, prevalence, release_id, "
        "release_status from marts.prevalence) as differing"
    ) == [(0,)]


def test_a_period_is_in_version_2_once_enough_of_its_days_are_measured(published):
    assert published.execute(
        "select period_type, days_measured, days_expected from marts.prevalence_v2 order by all"
    ) == [
        ("day", 1, 1),
        ("day", 1, 1),
    ]
    assert ("week", "2026-10-05") in published.statuses()
    assert published.execute("select period_type, period_start::varchar from marts.headline_prevalence") == [
        ("day", "2026-10-06")
    ]
    published.execute(
        "update estimates.est_prevalence set prevalence = 0.0058, days_measured = 5 where period_type = 'week'"
    )
    published.gate(passed=True)
    published.dbt()
    assert published.execute(
        "select period_end::varchar, days_measured, policy_version, release_status from marts.prevalence_v2 "
        "where period_type = 'week'"
    ) == [("2026-10-11", 5, "1.0.0", "restated")]
    assert published.execute("select period_type, policy_version from marts.headline_prevalence") == [("week", "1.0.0")]


# figures of one day, each named for what it is by its pivot value: what they have, and what version 2 says of them
PRESENTED = {
    "shown": ({}, "show", None),
    "nothing_found": (
        {"prevalence": 0, "interval_lower": 0, "interval_upper": 0.03, "effective_n": "null"},
        "review",
        "no_events_or_only_events",
    ),
    "few_units": ({"sampled_units": 29}, "suppress", "few_sampled_units"),
    "heavy": ({"effective_n": 29.5}, "suppress", "small_effective_n"),
    "wide": ({"interval_lower": 0.0, "interval_upper": 0.4}, "suppress", "wide_interval"),
    "wide_beside_it": ({"interval_lower": 0.0, "interval_upper": 0.06}, "suppress", "relatively_wide_interval"),
}


def test_what_is_too_thin_is_null_by_name_in_version_2(warehouse):
    warehouse.execute(
        "update estimates.est_prevalence set degrees_of_freedom = 8 where period_type = 'day' and estimator = 'two_phase'"
    )
    for name, (values, *_) in PRESENTED.items():
        replaced = ", ".join(f"{value} as {column}" for column, value in {**values, "pivot_value": f"'{name}'"}.items())
        warehouse.execute(
            f"insert into estimates.est_prevalence select * replace ('surface' as pivot_name, {replaced}) from "
            "estimates.est_prevalence where period_start = '2026-10-05' and period_type = 'day' and pivot_name = 'overall'"
        )
    warehouse.gate(passed=True)
    warehouse.dbt()
    rows = warehouse.execute(
        "select pivot_value, presentation, presentation_reason, prevalence, std_error, interval_lower, interval_upper "
        "from marts.prevalence_v2 where pivot_name = 'surface'"
    )
    assert {name: tuple(said) for name, *said, _, _, _, _ in rows} == {
        name: (flag, reason) for name, (_, flag, reason) in PRESENTED.items()
    }
    for _, flag, _, *figures in rows:
        assert [figure is None for figure in figures] == [flag == "suppress"] * 4
    # version 1 is as it was
    assert warehouse.execute("select count(*) from marts.prevalence where prevalence is null") == [(0,)]


def test_a_renamed_plan_has_its_newest_name_in_version_2(published):
    """A plan from before names were recorded has its own."""
    series = "select distinct plan_id, series_plan_id from marts.prevalence_v2"
    assert published.execute(series) == [("mixture", "mixture")]
    published.execute("insert into frames.frame_plan_series values ('mixture', 'mixture', 'of_today')")
    published.dbt()
    assert published.execute(series) == [("mixture", "of_today")]


def test_a_new_version_of_a_policy_is_another_series(published):
    """Both are in version 2, side by side; version 1 has no version in its key, and shows the newer one."""
    published.execute(
        "insert into estimates.est_prevalence select * replace ('2.0.0' as policy_version, prevalence + 0.001 as prevalence, "
        "'lp_' || substr(sha256('self_harm|2.0.0|sme'), 1, 16) as label_protocol_id, days_measured as days_measured) "
        "from estimates.est_prevalence where period_start = '2026-10-06' or (period_type = 'week' and estimator = 'two_phase')"
    )
    published.execute(
        "delete from estimates.est_prevalence where period_start = '2026-10-06' and policy_version = '1.0.0'"
    )
    published.execute("delete from estimates.est_period_days where sample_date = '2026-10-06'")
    published.gate(passed=True)
    published.dbt()
    assert published.execute(
        "select period_type, period_start::varchar, policy_version, release_status, prevalence from marts.prevalence_v2 order by all"
    ) == [
        ("day", "2026-10-05", "1.0.0", "provisional", 0.005),
        ("day", "2026-10-06", "1.0.0", "provisional", 0.006),
        ("day", "2026-10-06", "2.0.0", "provisional", 0.007),
    ]
    assert {key: figure for key, (_, figure) in published.statuses().items()} == {
        ("day", "2026-10-05"): 0.005,
        ("day", "2026-10-06"): 0.007,
        ("week", "2026-10-05"): 0.0065,
    }


def test_a_ledger_of_an_earlier_version_goes_on_and_nothing_is_restated(published):
    """It has no column for the policy's version, and every release of it repeats every figure."""
    later = ("policy_version", "period_end", "days_measured", "days_expected", "interval_caution")
    for column in later:
        published.execute(f"alter table releases.release_ledger drop column {column}")
    published.execute(
        "insert into releases.release_ledger select * replace (2 as release_number, 'rel_2' as release_id) from "
        "releases.release_ledger"
    )
    before = published.ledger()
    published.dbt()
    known = len(before[0])
    assert [row[:known] for row in published.ledger()] == before, "the same figures are no new release"
    assert published.execute("select distinct policy_version, days_measured from marts.prevalence_v2") == [
        ("1.0.0", None)
    ]
    published.execute("update estimates.est_prevalence set prevalence = 0.0061 where period_start = '2026-10-06'")
    published.gate(passed=True)
    published.dbt()
    assert [row[:known] for row in published.ledger() if row[0] < 3] == before
    assert published.statuses() == {
        ("day", "2026-10-05"): ("provisional", 0.005),
        ("day", "2026-10-06"): ("restated", 0.0061),
        ("week", "2026-10-05"): ("provisional", 0.0055),
    }
    assert published.execute("select distinct policy_version, days_measured from marts.prevalence_v2") == [("1.0.0", 1)]


def test_blocks_of_28_days_stay_where_they_were_published(warehouse):
    warehouse.execute("create schema releases")
    warehouse.execute(
        "create table releases.release_ledger as select period_type, cast(period_start as date) as period_start from (values "
        "('28_days', '2026-09-01'), ('28_days', '2026-09-29'), ('week', '2026-10-05')) as rows(period_type, period_start)"
    )
    anchors = "select period_type, anchor_date::varchar from releases.release_anchors"
    for anchor in ("2026-10-05", "2026-01-01"):
        warehouse.dbt("release_anchors", period_anchor_date=anchor)
        assert warehouse.execute(anchors) == [("28_days", "2026-09-29")]


def test_the_first_day_of_a_grid_is_recorded_once(warehouse):
    for anchor in ("2026-02-01", "2026-01-01"):
        warehouse.dbt("release_anchors", period_anchor_date=anchor)
        assert warehouse.execute("select anchor_date::varchar from releases.release_anchors") == [("2026-02-01",)]


def test_a_run_killed_between_its_steps_ends_like_an_undisturbed_one(published, project):
    undisturbed = published.ledger(), published.mart()
    disturbed = Warehouse(project)
    disturbed.gate(passed=True)  # killed before anything was published
    disturbed.dbt("release_ledger")  # killed after the ledger, before the mart
    disturbed.dbt()
    assert (disturbed.ledger(), disturbed.mart()) == undisturbed
