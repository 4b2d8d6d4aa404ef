"""Whatever lies in a folder of raw logs lands with every row accounted for, or is refused in a sentence with a remedy.

Twenty seconds by default; `PREVALENCE_FUZZ_SECONDS=3600` for an hour by hand. What it finds becomes a test of its own elsewhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter

import duckdb
import pytest

pytest.importorskip("hypothesis", reason="Hypothesis is not installed: make setup")
from fuzzed_folders import folders, write
from hypothesis import HealthCheck, given, seed, settings

from prevalence.engines.landing import land
from prevalence.engines.settings import PROJECT, Settings, UserError

SECONDS = float(os.environ.get("PREVALENCE_FUZZ_SECONDS", "20"))
# in the order in which they read one another
MODELS = (
    *("stg_sampling_plans", "stg_policy_versions", "stg_policies", "stg_landed_days", "stg_users_classified"),
    *("stg_interactions_classified", "stg_interactions", "stg_interactions_unplaced"),
    *("stg_components_classified", "stg_components_unplaced"),
    *("stg_logged_draws_classified", "stg_logged_draws_unplaced"),
    *("stg_risk_scores_classified", "stg_label_events_classified", "stg_staged_days", "log_day_counts"),
    *("log_row_counts", "log_row_accounting", "log_source_profiles", "quarantined_log_rows", "plan_row_problems"),
    *("policy_row_problems", "label_row_accounting", "quarantined_label_events"),
)
# one batch of all days that the logs are of
WINDOW = {"0001-01-01 00:00:00": "2026-03-01 00:00:00", "9999-12-31 00:00:00": "2026-03-10 00:00:00"}
BESIDE = """
    create schema if not exists staging; create schema if not exists quality; create schema if not exists labels;
    create or replace table staging.stg_measured_days as
        select day::date as unit_date, true as is_staged, true as has_logs, true as is_landed
        from range(date '2026-03-01', date '2026-03-10', interval 1 day) as days (day);
    create or replace table labels.label_possible_assignments as
        select
            'asg_known' as assignment_id, 'itm_known' as item_id, 'h' as item_hash, 2::bigint as component_count,
            'harassment' as policy_id, 'v' as policy_version, 'sme' as pool, 'lp' as label_protocol_id,
            'interaction' as unit_type, 'i1' as unit_id, 'i1' as unit_key, 'audit' as purpose, 0::bigint as slot,
            date '2026-03-02' as sample_date;
"""


def _schema(model: str) -> str:
    return "staging" if model.startswith("stg_") else "quality"


def dbt(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory):
    """The settings of a warehouse with the project's seeds, and the models' SQL."""
    folder = tmp_path_factory.mktemp("fuzz")
    with pytest.MonkeyPatch.context() as environment:
        for name, path in (
            ("PREVALENCE_DUCKDB_PATH", folder / "fuzz.duckdb"),
            ("DBT_TARGET_PATH", folder / "target"),
            ("DBT_LOG_PATH", folder / "logs"),
            ("DBT_PROFILES_DIR", PROJECT),
        ):
            environment.setenv(name, str(path))
        dbt(dict(os.environ), "seed")
        dbt(dict(os.environ), "compile", "--no-introspect", "--no-populate-cache", "--select", " ".join(MODELS))
        statements = []
        for model in MODELS:
            (compiled,) = (folder / "target" / "compiled").rglob(f"{model}.sql")
            text = compiled.read_text()
            for there, here in WINDOW.items():
                text = text.replace(there, here)
            statements.append(f"create or replace table {_schema(model)}.{model} as {text}")
        yield folder, Settings.from_environment(), statements


def test_whatever_lies_in_a_folder_lands_or_is_refused_in_a_sentence(place):
    folder, place_settings, statements = place
    outcomes: Counter[str] = Counter()

    def lands(files):
        raw = folder / "raw"
        shutil.rmtree(raw, ignore_errors=True)
        raw.mkdir()
        write(raw, files)
        # what an earlier folder had landed is no part of this one
        with duckdb.connect(str(folder / "fuzz.duckdb")) as connection:
            connection.execute("drop schema if exists raw cascade")
            for model in MODELS:
                connection.execute(f"drop table if exists {_schema(model)}.{model}")
        try:
            land(place_settings, raw)
        except UserError as error:
            assert "Remedy" in str(error), error
            outcomes["refused"] += 1
            return
        with duckdb.connect(str(folder / "fuzz.duckdb")) as connection:
            connection.execute("set threads = 1")
            connection.execute(BESIDE)
            for statement in statements:
                connection.execute(statement)
            lost = [
                (table, *row)
                for table in ("log_row_accounting", "log_source_profiles", "label_row_accounting")
                for row in connection.execute(
                    f"select source_name, unaccounted_rows from quality.{table} where unaccounted_rows <> 0"
                ).fetchall()
            ]
            assert lost == []
            problems = connection.execute(
                "select count(*) from quality.plan_row_problems where message is null"
            ).fetchone()
            assert problems == (0,)
        outcomes["landed"] += 1

    # In rounds, each with a seed of its own: within some seconds the same ones each time, in an hour by hand many more.
    end = time.monotonic() + SECONDS
    number = 0
    while time.monotonic() < end:
        number += 1
        options = settings(
            max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True
        )
        seed(number)(options(given(folders())(lands)))()
    print(f"{outcomes['landed']:,} folders landed with every row accounted for, {outcomes['refused']:,} were refused")
    # a fuzzer that draws nothing but one kind would find nothing
    assert outcomes["landed"] > 5 and outcomes["refused"] > 5
