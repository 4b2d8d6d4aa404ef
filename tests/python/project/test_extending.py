"""A new design, pivot, policy and check of a gate: docs/extending.md, carried out in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import duckdb
import own_logs
import pytest

from prevalence.engines.landing import land
from prevalence.engines.settings import PROJECT, Settings
from prevalence.gates.runner import run_gate

GUIDE = PROJECT / "docs" / "extending.md"
COPIED = (
    "analyses",
    "demo",
    "macros",
    "models",
    "python_udfs",
    "seeds",
    "dbt_project.yml",
    "profiles.yml",
    "selectors.yml",
)
BLOCK = re.compile(r"^```(?:csv|sql) (\S+)\n(.*?)^```$", re.M | re.S)
PERIOD = ("2026-03-02", "2026-03-04")


def edits() -> dict[str, list[tuple[str, str]]]:
    """Per chapter of the guide: the files to edit and what goes into each."""
    chapters = re.split(r"^## (.*)\n", GUIDE.read_text(), flags=re.M)[1:]
    return {title: BLOCK.findall(text) for title, text in zip(chapters[::2], chapters[1::2], strict=True)}


def carry_out(folder: Path, file: str, text: str) -> None:
    path = folder / file
    before = path.read_text()
    if path.suffix == ".csv":
        path.write_text(before.rstrip("\n") + "\n" + text)
    else:
        head = "\npivots as (\n\n"
        assert before.count(head) == 1, f"{file} has no CTE pivots to put a branch into"
        path.write_text(before.replace(head, head + text))


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("extended")
    project = folder / "project"
    project.mkdir()
    for name in COPIED:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, project / name)
        elif (PROJECT / name).exists():
            shutil.copy(PROJECT / name, project / name)
    for name in ("generic", "fixtures"):
        shutil.copytree(PROJECT / "tests" / name, project / "tests" / name)
    # no plan but that of the guide: the world is small
    plans = project / "seeds" / "sampling_plans.csv"
    plans.write_text(plans.read_text().splitlines()[0] + "\n")
    for chapter in edits().values():
        for file, text in chapter:
            carry_out(project, file, text)
    settings = replace(
        Settings.from_environment(),
        warehouse=folder / "prevalence.duckdb",
        target=folder / "target",
        logs=folder / "logs",
        engine="duckdb",
    )
    land(settings, own_logs.write(folder / "raw", sampling_plans=None))
    start, end = PERIOD
    # the seeds with their tests, what is asked, and then what the figures and the first gate need of the answers
    days = ["--event-time-start", start, "--event-time-end", end]
    for command in (
        ["build", "--select", "designs", "pivots", "policies", "sampling_plans", "label_costs", "gate_checks", "gate_tables", "periods",
         "maturity_reasons"],
        ["run", "--select", "+label_open_assignments", *days],
        ["run", "--select", "+est_prevalence", "+path:models/quality/raw_to_staging", *days],
    ):  # fmt: skip
        if "+est_prevalence" in command:
            assert own_logs.answer(settings.warehouse, folder / "raw", "all") > 0
            land(settings, folder / "raw")
        variables = json.dumps({"period_start_date": start, "period_end_date": end})
        result = subprocess.run(
            ["dbt", "--no-use-colors", *command, "--vars", variables],
            cwd=project,
            env={
                **os.environ,
                "PATH": f"{Path(os.sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "PREVALENCE_DUCKDB_PATH": str(settings.warehouse),
                "PREVALENCE_TARGET": "duckdb",
                "DBT_PROFILES_DIR": str(project),
                "DBT_TARGET_PATH": str(settings.target),
                "DBT_LOG_PATH": str(settings.logs),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout[-4000:]
    return settings


@pytest.fixture(scope="module")
def query(settings):
    def run(sql: str) -> list[tuple]:
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return run


def test_each_is_an_edit_of_at_most_three_files():
    assert {title: len({file for file, _ in blocks}) for title, blocks in edits().items()} == {
        "A design": 2,
        "A pivot": 2,
        "A policy": 1,
        "A check of a gate": 1,
    }


def test_a_design_is_drawn_and_estimated(query):
    drawn = query("""
        select count(*) > 10, count(distinct inclusion_probability), bool_and(random_number < inclusion_probability)
        from draws.draw_units where design = 'bernoulli' group by sample_date
    """)
    assert drawn == [(True, 1, True)] * 2
    assert query("select distinct estimated_as from estimates.est_unit_domains where design = 'bernoulli'") == [
        ("poisson",)
    ]
    assert query("select count(*) > 0 from estimates.est_prevalence where plan_id = 'interactions_bernoulli'") == [
        (True,)
    ]
    assert query("select * from quality.plan_row_problems") == []


def test_a_pivot_shares_out_what_was_drawn(query):
    shares = query("""
        select sum(exposure) filter (pivot_name = 'place') = sum(exposure) filter (pivot_name = 'overall'),
            count(distinct pivot_value) filter (pivot_name = 'place')
        from draws.draw_unit_exposures
    """)
    assert shares == [(True, 4)]
    values = query("select distinct pivot_value from estimates.est_prevalence where pivot_name = 'place' order by all")
    assert [value for (value,) in values] == [
        "feed in DE", "feed in unknown", "search in DE", "search in unknown",
    ]  # fmt: skip


def test_a_policy_is_asked_about_for_every_drawn_unit(query):
    asked = "select count(distinct unit_id) from labels.fct_unit_labels where policy_id = 'spam'"
    assert query(asked) == query("select count(*) from draws.draw_units")
    assert query("select count(*) > 0 from estimates.est_prevalence where policy_id = 'spam'") == [(True,)]


def test_a_check_speaks_up(settings):
    report = run_gate("raw_to_staging", settings, with_pages=False)
    assert "day_is_large_enough" in report.text
    assert "day_is_large_enough" in {result.check_name for result in report.warnings}
