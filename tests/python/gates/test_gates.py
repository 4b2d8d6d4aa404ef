"""Each gate on hand-made small tables: good ones pass, each planted fault is caught, benign changes are not."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
import yaml

from prevalence.command_line import cli
from prevalence.engines.settings import Settings
from prevalence.engines.terminal import plain
from prevalence.gates.checks import GATES, UPSTREAM_GATES, GateError
from prevalence.gates.page import STYLE
from prevalence.gates.runner import GateReport, run_gate

ROOT = Path(__file__).resolve().parents[3]
CHECKS = ROOT / "seeds" / "gate_checks.csv"
TABLES = ROOT / "seeds" / "gate_tables.csv"
# the seeds as dbt makes them
SEEDS = {
    "gate_checks": (
        f"select * from read_csv('{CHECKS}', types = {{'may_be_null': 'boolean', 'warning_lower': 'double', "
        "'warning_upper': 'double', 'blocking_lower': 'double', 'blocking_upper': 'double', 'why_warning': 'varchar'})"
    ),
    "gate_tables": f"select * from read_csv('{TABLES}')",
}
DAYS = ("2026-10-05", "2026-10-06", "2026-10-07")

GOOD_TABLES = {
    "log_row_accounting": """
        select source_name, row_day, 1000 as landed_rows, 0 as unaccounted_rows
        from unnest(['interactions', 'components']) as sources(source_name), {days}
    """,
    "log_source_profiles": """
        select
            source_name, 0 as unaccounted_rows, 3000 as usable_rows,
            case when source_name <> 'users' then 3000 end as required_usable_rows,
            0.01 as duplicate_share, 0.001 as quarantined_share
        from unnest(['interactions', 'components', 'users']) as sources(source_name)
    """,
    "log_quarantine_reasons": """
        select
            'interactions' as source_name, row_day, 'missing_surface' as quarantine_reason, 1 as row_count,
            0.001 as landed_share
        from {days}
        union all
        select 'users', 'undated', 'missing_country', 9, null
    """,
    "day_profiles": """
        select
            source_name, cast(row_day as date) as row_date, 1000 as usable_rows, 1.0 as volume_ratio,
            case when source_name = 'interactions' then 0 end as unfinished_days,
            0.01 as duplicate_share, 0.01 as late_share, 0.001 as quarantined_share,
            case when source_name = 'interactions' then 0.03 end as null_country_share,
            case when source_name = 'interactions' then 0.15 end as null_user_share,
            case when source_name = 'components' then 1.0 end as components_ratio
        from unnest(['interactions', 'components']) as sources(source_name), {days}
    """,
    "frame_profiles": """
        select
            plan_id, cast(row_day as date) as unit_date, 500 as frame_units, 2000 as frame_exposure,
            1e-13 as probability_sum_difference, 0 as invalid_probabilities, 0 as unit_count_difference,
            0 as probabilities_below_floor,
            0 as exposure_difference, 0 as totals_difference, 0.01 as heaviest_unit_share,
            0.2 as imputed_exposure_share, 1.0 as exposure_ratio
        from unnest(['mixture', 'holdout']) as plans(plan_id), {days}
    """,
    "plan_row_problems": """
        select 'plan' as plan_id, 'unknown_design' as problem, 'design is lottery' as message, 2 as severity where false
    """,
    "policy_row_problems": """
        select 'p' as policy_id, 'two_versions_at_once' as problem, 2 as severity, 'two versions' as message where false
    """,
    "draw_costs": """
        select plan_id, cast(row_day as date) as unit_date, 0.5 as cost_budget_share, 0.5 as questions_budget_share
        from unnest(['mixture', 'holdout']) as plans(plan_id), {days}
    """,
    "broken_seals": """
        select
            'draw_units' as table_name, 'mixture' as plan_id, cast(null as varchar) as policy_id,
            date '2026-10-06' as sample_date, 2 as severity, 'a row was edited' as reason
        where false
    """,
    "broken_release_seals": """
        select 'release_ledger' as table_name, 'release 1' as row_name, 2 as severity, 'a row was edited' as reason
        where false
    """,
    "plan_problems": """
        select 'mixture' as plan_id, 'days_smaller_than_the_sample' as problem, 'a day is small' as message, 1 as severity
        where false
    """,
    "held_days": """
        select date '2026-10-06' as unit_date, 'day_volume' as check_name where false
    """,
    "held_plan_days": """
        select 'mixture' as plan_id, date '2026-10-06' as unit_date, 'day_volume' as check_name where false
    """,
    "label_profiles": """
        select
            plan_id, 'self_harm' as policy_id, cast(row_day as date) as sample_date, 1.0 as labelled_share,
            1 as label_protocols, 0.0 as unusable_answer_share, 10 as audited_units, 30 as needed_answers,
            0 as open_answers, false as is_short_of_judge, false as is_short_of_experts,
            case when plan_id = 'mixture' then 0.01 end as judge_nonresponse_share,
            case when plan_id = 'mixture' then 0 end as unaudited_violating_units,
            case when plan_id = 'mixture' then 0.005 end as near_judge_nonresponse_share,
            case when plan_id = 'mixture' then 1.0 end as near_audit_answered_share,
            case when plan_id = 'holdout' then 1.0 end as near_expert_answered_share
        from unnest(['mixture', 'holdout']) as plans(plan_id), {days}
    """,
    "label_maturity": """
        select plan_id, 'self_harm' as policy_id, cast(row_day as date) as sample_date, 'measured' as state
        from unnest(['mixture', 'holdout']) as plans(plan_id), {days}
    """,
    "frame_coverage": """
        select
            plan_id, cast(row_day as date) as sample_date, 100 as drawn_units, 0.0 as uncovered_exposure_share,
            0.5 as draw_deviation, -0.5 as weighted_exposure_deviation, 80.0 as effective_draws
        from unnest(['mixture', 'holdout']) as plans(plan_id), {days}
    """,
    "label_event_profiles": """
        select 'label_events' as source_name, 1000 as landed_rows, 0 as unaccounted_rows, 0.0 as quarantined_share,
            0 as changed_rows, 0 as bad_supersedes_rows
    """,
    "release_candidates": """
        select 'f1' as fingerprint, 'rel_f1' as release_id, 12 as candidate_rows, 0 as duplicate_keys
    """,
    "estimate_profiles": """
        select
            plan_id, 'self_harm' as policy_id, '1.0.0' as policy_version, 'content_day' as unit_type, 'expert' as estimator, period_type,
            0 as unexplained_nulls,
            0 as published_invalid_row_estimates, 0 as invalid_intervals, 0 as invalid_standard_errors,
            0 as missing_overall_rows, 0.0 as overall_null_share,
            case when period_type = '28_days' then 0 end as roll_up_unit_difference,
            case when period_type = '28_days' then 0.1 end as roll_up_deviation,
            0 as pivot_unit_difference,
            case when period_type = '28_days' then 0.2 end as relative_half_width,
            case when period_type = '28_days' then 0.3 end as judge_correction_share
        from unnest(['mixture', 'holdout']) as plans(plan_id), unnest(['day', '28_days']) as periods(period_type)
    """,
    "estimate_agreements": """
        select
            'self_harm' as policy_id, '1.0.0' as policy_version, 'content_day' as unit_type, '28_days' as period_type,
            date '2026-10-05' as period_start, 'holdout' as plan_id, 'mixture' as other_plan_id, 0.3 as deviation
    """,
    "release_changes": """
        select
            'day' as period_type, date '2026-10-05' as period_start, 'self_harm' as policy_id, '1.0.0' as policy_version, 'mixture' as plan_id,
            'content_day' as unit_type, 'overall' as pivot_name, 'all' as pivot_value, 0.2 as deviation
    """,
}

# check -> table and what goes wrong in it; one row of many, so that the message has to find it
FAULTS = {
    "rows_are_accounted_for": "update quality.log_row_accounting set unaccounted_rows = 3 where row_day = '2026-10-06'",
    "sources_are_accounted_for": (
        "update quality.log_source_profiles set unaccounted_rows = -2 where source_name = 'users'"
    ),
    "required_sources_have_rows": (
        "update quality.log_source_profiles set required_usable_rows = 0 where source_name = 'components'"
    ),
    "every_day_has_rows": "update quality.day_profiles set usable_rows = 0 where row_date = '2026-10-06'",
    "day_is_finished": (
        "update quality.day_profiles set unfinished_days = 1 where row_date = '2026-10-07' and source_name = 'interactions'"
    ),
    "day_volume": "update quality.day_profiles set volume_ratio = 0.05 where row_date = '2026-10-06'",
    "day_duplicate_share": "update quality.day_profiles set duplicate_share = 0.5 where row_date = '2026-10-06'",
    "day_late_share": "update quality.day_profiles set late_share = 0.9 where row_date = '2026-10-06'",
    "day_quarantined_share": "update quality.day_profiles set quarantined_share = 0.2 where row_date = '2026-10-06'",
    "source_duplicate_share": (
        "update quality.log_source_profiles set duplicate_share = 0.5 where source_name = 'users'"
    ),
    "source_quarantined_share": (
        "update quality.log_source_profiles set quarantined_share = 0.11 where source_name = 'users'"
    ),
    "components_per_interaction": (
        "update quality.day_profiles set components_ratio = 0.01 where source_name = "
        "'components' and row_date = '2026-10-06'"
    ),
    "plans_can_be_read": "insert into quality.plan_row_problems values ('plan', 'unknown_design', 'design is lottery', 2)",
    "policies_can_be_read": "insert into quality.policy_row_problems values ('p', 'two_versions_at_once', 2, 'two')",
    "cost_within_budget": "update quality.draw_costs set cost_budget_share = 1.5 where unit_date = '2026-10-06'",
    "questions_within_budget": "update quality.draw_costs set questions_budget_share = 1.5 where unit_date = '2026-10-06'",
    "seals_hold": "insert into quality.broken_seals values ('draw_audits', 'mixture', 'harassment', '2026-10-06', 2, 'edited')",
    "releases_hold": (
        "insert into quality.broken_release_seals values ('release_ledger', 'release 1', 2, 'edited'), "
        "('prevalence', 'day', 1, 'edited')"
    ),
    "plans_can_work": (
        "insert into quality.plan_problems values ('mixture', 'more_units_than_the_frame', 'asks for too many', 2), "
        "('holdout', 'days_smaller_than_the_sample', 'a day is small', 1)"
    ),
    "frames_exist": "delete from quality.frame_profiles",
    "frame_has_every_day": "update quality.frame_profiles set frame_units = 0 where unit_date = '2026-10-06'",
    "frame_has_exposure": "update quality.frame_profiles set frame_exposure = 0 where unit_date = '2026-10-06'",
    "probabilities_add_up": (
        "update quality.frame_profiles set probability_sum_difference = 1e-8 where unit_date = '2026-10-06'"
    ),
    "probabilities_are_valid": (
        "update quality.frame_profiles set invalid_probabilities = 1 where unit_date = '2026-10-06'"
    ),
    "probabilities_are_above_the_floor": (
        "update quality.frame_profiles set probabilities_below_floor = 1 where unit_date = '2026-10-06'"
    ),
    "weights_are_of_a_sample": "update quality.frame_coverage set effective_draws = 1.0 where sample_date = '2026-10-06'",
    "frame_units_agree_with_units": (
        "update quality.frame_profiles set unit_count_difference = 1 where unit_date = '2026-10-06'"
    ),
    "frame_exposure_agrees_with_units": (
        "update quality.frame_profiles set exposure_difference = 1 where unit_date = '2026-10-06'"
    ),
    "frame_totals_agree_with_frame": (
        "update quality.frame_profiles set totals_difference = 1 where unit_date = '2026-10-06'"
    ),
    "drawn_units_exist": "delete from quality.label_profiles",
    "every_drawn_day_is_labelled": (
        "update quality.label_profiles set labelled_share = 0.1 where sample_date = '2026-10-06'"
    ),
    "day_judge_nonresponse_share": (
        "update quality.label_profiles set judge_nonresponse_share = 0.3 where plan_id "
        "= 'mixture' and sample_date = '2026-10-06'"
    ),
    "judge_nonresponse_share": (
        "update quality.label_profiles set near_judge_nonresponse_share = 0.06 where plan_id = 'mixture'"
    ),
    "audit_answered_share": (
        "update quality.label_profiles set near_audit_answered_share = 0.94 where plan_id = 'mixture'"
    ),
    "expert_answered_share": (
        "update quality.label_profiles set near_expert_answered_share = 0.94 where plan_id = 'holdout'"
    ),
    "judged_violations_are_audited": (
        "update quality.label_profiles set unaudited_violating_units = 1 where "
        "plan_id = 'mixture' and sample_date = '2026-10-06'"
    ),
    "one_label_protocol": "update quality.label_profiles set label_protocols = 2 where plan_id = 'holdout'",
    "answers_are_usable": (
        "update quality.label_profiles set unusable_answer_share = 0.2 where sample_date = '2026-10-06'"
    ),
    "answers_are_accounted_for": "update quality.label_event_profiles set unaccounted_rows = 1",
    "every_day_is_drawn": "update quality.frame_coverage set drawn_units = 0 where sample_date = '2026-10-06'",
    "drawn_units_as_expected": "update quality.frame_coverage set draw_deviation = -9 where sample_date = '2026-10-06'",
    "weights_recover_exposure": (
        "update quality.frame_coverage set weighted_exposure_deviation = 30 where sample_date = '2026-10-06'"
    ),
    "frame_coverage_gap": (
        "update quality.frame_coverage set uncovered_exposure_share = 0.3 where sample_date = '2026-10-06'"
    ),
    "upstream_gates_passed": "delete from quality.gate_results where gate_name = 'before_draw'",
    "grain_is_unique": "update quality.release_candidates set duplicate_keys = 1",
    "nulls_have_a_reason": (
        "update quality.estimate_profiles set unexplained_nulls = 1 where period_type = 'day' and plan_id = 'mixture'"
    ),
    "rows_are_valid": (
        "update quality.estimate_profiles set published_invalid_row_estimates = 1 where period_type "
        "= 'day' and plan_id = 'mixture'"
    ),
    "intervals_are_valid": (
        "update quality.estimate_profiles set invalid_intervals = 1 where period_type = 'day' and plan_id = 'mixture'"
    ),
    "standard_errors_are_valid": (
        "update quality.estimate_profiles set invalid_standard_errors = 1 where "
        "period_type = 'day' and plan_id = 'mixture'"
    ),
    "overall_rows_exist": (
        "update quality.estimate_profiles set missing_overall_rows = 1 where period_type = 'day' "
        "and plan_id = 'mixture'"
    ),
    "periods_add_up": (
        "update quality.estimate_profiles set roll_up_unit_difference = 1 where period_type = "
        "'28_days' and plan_id = 'mixture'"
    ),
    "pivots_add_up": (
        "update quality.estimate_profiles set pivot_unit_difference = 1 where period_type = 'day' and "
        "plan_id = 'mixture'"
    ),
}

# what a week of ordinary life brings: more of everything, within limits or worth a warning at most
BENIGN_CHANGES = {
    "raw_to_staging": [
        "update quality.day_profiles set volume_ratio = 0.55, duplicate_share = 0.049, late_share = 0.049 where "
        "row_date = '2026-10-07'",
        "update quality.day_profiles set volume_ratio = 3, late_share = 0.2, null_country_share = null where "
        "row_date = '2026-10-07'",
        "update quality.log_quarantine_reasons set landed_share = 0.02",
    ],
    "before_draw": [
        "update quality.frame_profiles set probability_sum_difference = 9e-10, imputed_exposure_share = 1, "
        "exposure_ratio = 0.4",
        "update quality.frame_profiles set unit_count_difference = null, exposure_difference = null, "
        "probability_sum_difference = null",
        "insert into quality.plan_problems values ('mixture', 'days_smaller_than_the_sample', 'a day is small', 1)",
    ],
    "labels_to_estimates": [
        "update quality.frame_coverage set uncovered_exposure_share = 0.05, draw_deviation = 4.5 where plan_id = "
        "'holdout'",
        "update quality.label_profiles set near_judge_nonresponse_share = 0.03, near_audit_answered_share = 0.97 where "
        "plan_id = 'mixture'",
        # a day that waits says nothing of its answers yet, and answers of other items are no part's
        "update quality.label_profiles set labelled_share = null, unusable_answer_share = null, "
        "near_audit_answered_share = null, unaudited_violating_units = null where sample_date = '2026-10-07'",
        "update quality.label_event_profiles set quarantined_share = 0.4",
    ],
    "before_publication": [
        "update quality.estimate_profiles set relative_half_width = 2, judge_correction_share = 3, "
        "overall_null_share = 0.5",
        "update quality.release_changes set deviation = 4",
        "delete from quality.release_changes",
        "update quality.release_candidates set candidate_rows = 0",
        "update quality.estimate_agreements set deviation = null",
    ],
}


def check(name: str, path: Path) -> GateReport:
    """Run a gate without its pages, which take half of the time."""
    return run_gate(name, settings_of(path), with_pages=False)


def settings_of(path: Path) -> Settings:
    return replace(Settings.from_environment(), warehouse=path)


def rows_of(seed: Path) -> list[dict[str, str]]:
    with seed.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def line_of(check_name: str) -> int:
    """The line of the seed on which a check's row ends."""
    with CHECKS.open(encoding="utf-8") as file:
        reader = csv.DictReader(file)
        return next(reader.line_num for row in reader if row["check_name"] == check_name)


def gate_of(check_name: str) -> str:
    return next(row["gate_name"] for row in rows_of(CHECKS) if row["check_name"] == check_name)


LINE, NEXT_LINE = line_of("frames_exist"), line_of("frame_has_every_day")


def limits() -> list[tuple[str, str]]:
    """Each check with each severity that it has a limit for."""
    return [
        (row["check_name"], severity)
        for row in rows_of(CHECKS)
        for severity in ("blocking", "warning")
        if row[f"{severity}_lower"] or row[f"{severity}_upper"]
    ]


@pytest.fixture(scope="module")
def good_warehouse(tmp_path_factory) -> Path:
    """A warehouse of small tables on which every gate has passed."""
    path = tmp_path_factory.mktemp("warehouse") / "good.duckdb"
    days = f"unnest({list(DAYS)!r}) as days(row_day)"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema quality")
        connection.execute("create schema reference")
        for name, query in GOOD_TABLES.items():
            # a literal such as 0.01 would be a decimal, and a fault of 0.012 round to it
            doubles = re.sub(r"\b\d+\.\d+\b", lambda literal: f"cast({literal[0]} as double)", query.format(days=days))
            connection.execute(f"create table quality.{name} as {doubles}")
        for name, query in SEEDS.items():
            connection.execute(f"create table reference.{name} as {query}")
    for name in GATES:
        report = check(name, path)
        assert report.is_passed and not report.warnings, report.text
    return path


@pytest.fixture
def warehouse(good_warehouse, tmp_path) -> Path:
    return Path(shutil.copy(good_warehouse, tmp_path / "warehouse.duckdb"))


def change(path: Path, statement: str) -> None:
    with duckdb.connect(str(path)) as connection:
        changed = connection.execute(statement).fetchone()
        assert changed is None or changed[0] > 0, f"nothing was changed by {statement}"


def stored_results(path: Path) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("select * from quality.gate_results order by all").fetchall()


def test_every_blocking_check_has_a_planted_fault():
    assert {check_name for check_name, severity in limits() if severity == "blocking"} == set(FAULTS)


@pytest.mark.parametrize("check_name", FAULTS)
def test_a_planted_fault_is_caught(warehouse, check_name):
    change(warehouse, FAULTS[check_name])
    report = check(gate_of(check_name), warehouse)
    # a fault planted in one column is not blamed on another, and holds back what the seed says
    holds = next(row["holds"] for row in rows_of(CHECKS) if row["check_name"] == check_name)
    held, blocked = ({check_name}, set()) if holds else (set(), {check_name})
    assert {result.check_name for result in report.blocking_failures} == blocked
    assert {result.check_name for result in report.holding_failures} == held
    assert report.is_passed == bool(holds)


@pytest.mark.parametrize(
    ("name", "statement"), [(name, s) for name, statements in BENIGN_CHANGES.items() for s in statements]
)
def test_a_benign_change_does_not_block(warehouse, name, statement):
    change(warehouse, statement)
    report = check(name, warehouse)
    assert report.is_passed and not report.holding_failures


def test_a_null_fails_where_a_figure_must_be(warehouse):
    change(
        warehouse, "update quality.frame_coverage set uncovered_exposure_share = null where sample_date = '2026-10-06'"
    )
    report = check("labels_to_estimates", warehouse)
    (failure,) = report.holding_failures
    assert failure.check_name == "frame_coverage_gap" and failure.failing_rows == 2 and "2 null" in failure.message


def test_a_wide_and_a_narrow_limit_are_told_apart(warehouse):
    change(warehouse, "update quality.day_profiles set late_share = 0.1 where row_date = '2026-10-06'")
    report = check("raw_to_staging", warehouse)
    assert report.is_passed
    assert [(warning.check_name, warning.observed, warning.limit_text) for warning in report.warnings] == [
        ("day_late_share", 0.1, "at most 0.05")
    ]


def test_a_message_says_where_what_how_many_and_what_to_do(warehouse):
    change(
        warehouse,
        "update quality.day_profiles set usable_rows = 0 where row_date >= '2026-10-06' and source_name = 'components'",
    )
    (failure,) = check("raw_to_staging", warehouse).holding_failures
    assert failure.message.startswith(
        "quality.day_profiles.usable_rows: 2 of 6 rows, worst 0 (first: source_name=components row_date=2026-10-06; "
        "source_name=components row_date=2026-10-07). Expected at least 1: every calendar day from the first"
    )
    assert "Remedy: land the missing days" in failure.message


def test_results_are_rows_and_a_second_run_changes_none(warehouse):
    before = stored_results(warehouse)
    for name in GATES:
        check(name, warehouse)
    assert stored_results(warehouse) == before
    assert len(before) == len(limits())
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        columns = connection.execute(
            "select column_name, data_type from information_schema.columns where table_name = 'gate_results'"
        ).fetchall()
    declared = yaml.safe_load((ROOT / "models/quality/_sources.yml").read_text(encoding="utf-8"))["sources"][0][
        "tables"
    ][0]["columns"]
    types = {"string": "VARCHAR", "boolean": "BOOLEAN", "double": "DOUBLE", "bigint": "BIGINT"}
    assert columns == [(column["name"], types[column["data_type"]]) for column in declared]


def test_a_changed_subject_adds_rows_and_a_mended_one_gets_its_old_name_back(warehouse):
    before = stored_results(warehouse)
    good = check("before_draw", warehouse).subject_fingerprint
    change(warehouse, "update quality.frame_profiles set frame_units = 0 where unit_date = '2026-10-06'")
    assert check("before_draw", warehouse).subject_fingerprint != good
    change(warehouse, "update quality.frame_profiles set frame_units = 500 where unit_date = '2026-10-06'")
    assert check("before_draw", warehouse).subject_fingerprint == good
    after = stored_results(warehouse)
    assert set(before) < set(after) and len(after) == len(before) + 16


def test_a_subject_does_not_depend_on_row_order_or_last_digits(warehouse):
    before = check("before_draw", warehouse).subject_fingerprint
    change(
        warehouse,
        "create or replace table quality.frame_profiles as select * from quality.frame_profiles order by random()",
    )
    change(
        warehouse,
        "update quality.frame_profiles set imputed_exposure_share = imputed_exposure_share + 1e-16, "
        "probability_sum_difference = 2e-13",
    )
    assert check("before_draw", warehouse).subject_fingerprint == before


def test_an_earlier_gate_that_passed_for_other_tables_does_not_count(warehouse):
    change(warehouse, "update quality.frame_coverage set drawn_units = 101")
    report = check("before_publication", warehouse)
    (failure,) = report.blocking_failures
    assert failure.check_name == "upstream_gates_passed" and "gate_name=labels_to_estimates" in failure.message
    assert check("labels_to_estimates", warehouse).is_passed
    assert check("before_publication", warehouse).is_passed


def test_a_failed_earlier_gate_blocks_publication(warehouse):
    # what holds back a part is no failed gate: the others are published
    change(warehouse, FAULTS["frame_coverage_gap"])
    assert check("labels_to_estimates", warehouse).is_passed
    assert check("before_publication", warehouse).is_passed
    change(warehouse, FAULTS["answers_are_accounted_for"])
    assert not check("labels_to_estimates", warehouse).is_passed
    report = check("before_publication", warehouse)
    assert [failure.check_name for failure in report.blocking_failures] == ["upstream_gates_passed"]


def test_pages_are_written_beside_the_warehouse(warehouse):
    report = run_gate("before_draw", settings_of(warehouse))
    assert report.data_docs == warehouse.parent / "warehouse_data_docs" / "before_draw" / "index.html"
    page = report.data_docs.read_text(encoding="utf-8")
    assert all(f"quality.{table}" in page for table in ("frame_profiles", "plan_problems"))
    assert all(result.check_name in page for result in report.results)


def test_a_page_of_another_run_goes(warehouse):
    old = warehouse.parent / "warehouse_data_docs" / "before_draw" / "validations"
    old.mkdir(parents=True)
    run_gate("before_draw", settings_of(warehouse))
    assert [path.name for path in old.parent.iterdir()] == ["index.html"]


def test_usage_statistics_are_off(warehouse):
    import os

    from prevalence.gates.validation import _context, _great_expectations

    run_gate("before_draw", settings_of(warehouse))
    assert os.environ["GX_ANALYTICS_ENABLED"] == "False"
    assert _context(_great_expectations()).variables.analytics_enabled is False


ODD = (
    "<script>alert(1)</script><img src=http://example.org/x onerror=alert(2)><!--",
    "\"' style='background:url(http://example.org/y)' x=\"",
    "</td></table></style></title>&lt;b&gt;",
    "\x1b[31mred\x1b]8;;http://example.org\x07\r\nBLOCKED nothing\u202etxt",
)


class Page(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_text_wherever_it_is_shown(command, warehouse, capsys, name):
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("update quality.frame_profiles set plan_id = ?, frame_exposure = 0", [name])
    command("before_draw", database=warehouse)
    printed = capsys.readouterr()
    said = printed.out + printed.err
    assert not set(said) - {"\n"} & {chr(code) for code in range(32)} and "\u202e" not in said
    assert not any(line.startswith("BLOCKED nothing") for line in said.splitlines())
    text = (warehouse.parent / "warehouse_data_docs" / "before_draw" / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    allowed = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "tr", "th", "td", "div"}
    assert {tag for tag, _ in page.tags} == allowed
    # nothing that a browser would load, follow or run
    assert {attribute for _, attributes in page.tags for attribute in attributes} == {
        *("lang", "charset", "http-equiv", "content", "name", "class")
    }
    assert "default-src 'none'" in text and "url(" not in page.texts[page.texts.index(STYLE)]
    assert plain(name) in "".join(page.texts)


@pytest.fixture
def command(monkeypatch):
    """`prevalence gate` on a warehouse."""
    monkeypatch.chdir(ROOT)

    def run(*names: str, database: Path) -> int:
        monkeypatch.setenv("PREVALENCE_DUCKDB_PATH", str(database))
        return cli.main(["gate", *names])

    return run


def test_exit_codes_and_output_of_the_command(command, warehouse, capsys):
    assert command("before_draw", "labels_to_estimates", database=warehouse) == 0
    output = capsys.readouterr()
    assert re.search(r"^gate before_draw: passed, \d+ checks$", output.out, re.M) and output.err == ""
    # what is held back is said, and the gates after it run
    change(warehouse, FAULTS["probabilities_are_valid"])
    assert command("before_draw", "labels_to_estimates", database=warehouse) == 1
    output = capsys.readouterr()
    assert "gate before_draw: passed, 16 checks, 1 of which hold parts back" in output.out and output.err == ""
    assert "held back by probabilities_are_valid: quality.frame_profiles.invalid_probabilities: 2 of 6" in output.out
    assert "gate labels_to_estimates: passed" in output.out
    change(warehouse, FAULTS["answers_are_accounted_for"])
    assert command("labels_to_estimates", "before_draw", database=warehouse) == 1
    output = capsys.readouterr()
    assert re.search(r"^gate labels_to_estimates: BLOCKED by 1 of \d+ checks", output.err, re.M)
    assert "before_draw" not in output.out + output.err, "gates after a blocked one are not run"


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "drop table quality.frame_profiles",
            "Table quality.frame_profiles is not in the warehouse. Build it first: dbt build --select frame_profiles",
        ),
        (
            "alter table quality.frame_profiles drop column frame_units",
            "Table quality.frame_profiles has no column frame_units.",
        ),
        (
            "drop table reference.gate_checks",
            "Table reference.gate_checks is not in the warehouse. Build it first: dbt seed",
        ),
        (
            "drop table reference.gate_tables",
            "Table reference.gate_tables is not in the warehouse. Build it first: dbt seed",
        ),
        (
            "update reference.gate_checks set gate_name = 'nonsense' where check_name = 'frames_exist'",
            "seeds/gate_checks.csv, gate_name nonsense, check_name frames_exist, column gate_name: there is no gate "
            "'nonsense'. Remedy: name one of raw_to_staging, before_draw,",
        ),
        (
            "update reference.gate_checks set table_name = 'nonsense' where check_name = 'frames_exist'",
            f"seeds/gate_checks.csv, line {LINE}, column table_name: gate before_draw does not look at a table 'nonsense'. "
            "Remedy: name one of frame_profiles, plan_problems, held_plan_days, draw_costs, or add the table to seeds/gate_tables.csv",
        ),
        (
            "update reference.gate_checks set column_name = 'nonsense' where check_name = 'frame_has_every_day'",
            "Table quality.frame_profiles has no column nonsense. Build it again: dbt build --select frame_profiles; or "
            f"mend column_name in seeds/gate_checks.csv, line {NEXT_LINE}.",
        ),
        (
            "update reference.gate_checks set blocking_lower = null, why_blocking = null where check_name = "
            "'frames_exist'",
            f"seeds/gate_checks.csv, line {LINE}, column blocking_lower: check 'frames_exist' has no limit. Remedy: fill a "
            "lower or an upper limit",
        ),
        (
            "update reference.gate_checks set blocking_lower = null where check_name = 'frames_exist'",
            f"line {LINE}, column why_blocking: check 'frames_exist' has a reason for blocking and no limit. Remedy: fill or "
            "empty blocking_lower, blocking_upper and why_blocking together; then dbt seed --select gate_checks.",
        ),
        (
            "update reference.gate_checks set warning_upper = 1 where check_name = 'frames_exist'",
            f"line {LINE}, column why_warning: check 'frames_exist' has limits for warning and no reason",
        ),
        (
            "update reference.gate_checks set blocking_upper = 0 where check_name = 'frames_exist'",
            f"line {LINE}, column blocking_lower: 1 is above blocking_upper, 0",
        ),
        (
            "update reference.gate_checks set holds = 'plan_day' where check_name = 'frames_exist'",
            f"line {LINE}, column holds: check 'frames_exist' is about the number of rows, which is no plan_day's. Remedy: put "
            "draw there, or leave it empty",
        ),
        (
            "update reference.gate_checks set holds = 'plans' where check_name = 'frame_has_every_day'",
            f"line {NEXT_LINE}, column holds: there is no part 'plans'. Remedy: name one of day, plan, plan_day, policy,",
        ),
        (
            "update reference.gate_checks set holds = 'plan_policy' where check_name = 'frame_has_every_day'",
            f"line {NEXT_LINE}, column holds: the keys of frame_profiles (plan_id unit_date) do not name a plan_policy. Remedy: name "
            "a part that they do",
        ),
        (
            "update reference.gate_checks set remedy = null where check_name = 'frames_exist'",
            f"line {LINE}, column remedy: check 'frames_exist' leaves it empty",
        ),
        (
            "insert into reference.gate_checks from reference.gate_checks where check_name = 'frames_exist'",
            f"line {LINE}, column check_name: gate before_draw has 'frames_exist' twice. Remedy: take out or rename one row",
        ),
        (
            "update reference.gate_tables set gate_name = 'nonsense' where table_name = 'plan_problems'",
            "seeds/gate_tables.csv, gate_name nonsense, table_name plan_problems, column gate_name: there is no gate "
            "'nonsense'",
        ),
        (
            "update reference.gate_tables set key_columns = 'plan_id unit_date nonsense' where table_name = 'frame_profiles'",
            "Table quality.frame_profiles has no column nonsense. Build it again: dbt build --select frame_profiles; or "
            "mend its key_columns in seeds/gate_tables.csv.",
        ),
    ],
)
def test_a_gate_that_cannot_run_says_so_in_a_sentence(command, warehouse, capsys, statement, sentence):
    change(warehouse, statement)
    before = stored_results(warehouse)
    assert command("before_draw", database=warehouse) == 2
    output = capsys.readouterr()
    assert sentence in output.err and "Traceback" not in output.err
    assert stored_results(warehouse) == before


def test_a_new_check_is_a_row(warehouse):
    change(
        warehouse,
        "insert into reference.gate_checks by name select 'before_draw' as gate_name, 'frames_are_large' as check_name, "
        "'frame_profiles' as table_name, 'frame_units' as column_name, false as may_be_null, 1000 as warning_lower, "
        "10 as blocking_lower, 'a frame has units enough' as expected, 'land more logs.' as remedy, "
        "'Small frames give wide intervals' as why_warning, 'Nothing to draw from' as why_blocking",
    )
    report = check("before_draw", warehouse)
    assert report.is_passed and [warning.check_name for warning in report.warnings] == ["frames_are_large"]
    assert "Expected at least 1000: a frame has units enough. Remedy: land more logs." in report.text
    # rows that the seed's file does not have come last
    assert [result.check_name for result in report.results][-2:] == ["frames_are_large"] * 2


def test_pages_that_cannot_be_written(command, warehouse, capsys):
    (warehouse.parent / "warehouse_data_docs").write_text("a file where the folder should be", encoding="utf-8")
    assert command("before_draw", database=warehouse) == 2
    assert "The pages of the gate cannot be written to" in capsys.readouterr().err


def test_a_missing_warehouse_and_one_that_is_none(command, tmp_path, capsys):
    assert command("before_draw", database=tmp_path / "nothing.duckdb") == 2
    assert "There is no warehouse at" in capsys.readouterr().err
    (tmp_path / "text.duckdb").write_text("this is no database" * 1000, encoding="utf-8")
    assert command("before_draw", database=tmp_path / "text.duckdb") == 2
    assert "cannot be opened as a DuckDB database" in capsys.readouterr().err
    assert command("nonsense", database=tmp_path / "nothing.duckdb") == 2
    assert "There is no gate 'nonsense'. The gates are: raw_to_staging, before_draw" in capsys.readouterr().err


def test_a_warehouse_that_another_process_holds(command, warehouse, capsys):
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(f"""
            import duckdb, sys
            connection = duckdb.connect({str(warehouse)!r})
            print("open", flush=True)
            sys.stdin.read()
        """)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "open\n"
        assert command("before_draw", database=warehouse) == 2
        assert "Another process holds" in capsys.readouterr().err
    finally:
        holder.communicate("")


def test_a_connection_of_this_process_is_named(warehouse):
    with duckdb.connect(str(warehouse)), pytest.raises(GateError, match="This process already holds"):
        check("before_draw", warehouse)


def test_gates_look_at_columns_that_the_models_promise():
    columns = {
        model["name"]: {column["name"] for column in model["columns"]}
        for path in (ROOT / "models" / "quality").glob("*/_*__models.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    }
    for table in rows_of(TABLES):
        if table["table_name"] == UPSTREAM_GATES:
            continue
        own = [check for check in rows_of(CHECKS) if check["table_name"] == table["table_name"]]
        looked_at = {*table["key_columns"].split(), *(check["column_name"] for check in own if check["column_name"])}
        missing = looked_at - columns[table["table_name"]]
        assert not missing, f"{table['gate_name']}: {table['table_name']} lacks {sorted(missing)}"
