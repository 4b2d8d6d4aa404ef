"""The five commands of docs/labeling.md, as they stand there: from a folder of logs and a policy.yml to a published figure."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import own_logs
import pytest
from conftest import in_test_all
from label_files import assignments_csv, decisions, world

from prevalence.engines.settings import PROJECT
from prevalence.labeling.ledger import Ledger
from prevalence_demo.loopback_judge import Faults, Judge, is_violating, serving

PLAN = """
    select
        'feed' as plan_id, 'interaction' as unit_type, 'poisson' as design, cast(60 as bigint) as expected_units,
        cast(0.5 as double) as defence_share, cast(15 as bigint) as audit_units, cast(0.2 as double) as audit_floor
"""
# one process for all of a guide's commands until people have to work, so that the project is read once
_COMMANDS = """
import json, os, sys
from prevalence.command_line.cli import main
here = os.getcwd()
for arguments in json.loads(sys.argv[1]):
    os.chdir(here)
    code = main(arguments)
    if code:
        sys.exit(code)
"""


def _guide() -> list[list[str]]:
    """What a person types, without `prevalence` and the comments."""
    block = re.search(r"## Five commands.*?```\n(.*?)```", (PROJECT / "docs" / "labeling.md").read_text(), re.DOTALL)
    assert block
    lines = [shlex.split(line, comments=True) for line in block.group(1).splitlines()]
    return [line[1:] for line in lines if line and line[0] == "prevalence"]


def _answers(settings, judge: Judge, policy_id: str) -> str:
    """What experts, who know this world, write into decisions.csv."""
    rows = []
    for one in Ledger(settings).exports():
        if one.manifest["schema"] != "vendor-csv/v1":
            continue
        for row in assignments_csv(one):
            texts = [row[name] for name in row if re.fullmatch(r"text_\d+", name) and row[name]]
            answer = {"assignment_id": row["assignment_id"], "item_hash": row["item_hash"]}
            if is_violating(judge.seed, judge.violating_share, policy_id, texts):
                answer |= {"decision": "violating", "rule_ids": "HA1", "component_refs": "c1"}
            rows.append(answer)
    return decisions(rows)


# two minutes of a core, three runs of the whole; each part has a quicker test of its own beside it
@in_test_all
@pytest.mark.slow
def test_the_five_commands_of_the_guide_publish_a_figure_that_holds(tmp_path: Path):
    policies = tmp_path / "policies"
    policies.mkdir()
    shutil.copytree(PROJECT / "policies" / "harassment", policies / "harassment")
    for path in (policies / "harassment").iterdir():
        if path.name != "policy.yml":
            path.unlink()
    raw = own_logs.write(tmp_path / "raw", sampling_plans=PLAN)
    settings = world(tmp_path)
    judge = Judge(violating_share=0.15, faults=Faults.of_all_kinds())
    commands = _guide()
    assert len(commands) == 5

    with serving(judge) as url:
        environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("PREVALENCE_", "DBT_", "OPENAI_"))
            },
            "PREVALENCE_DUCKDB_PATH": str(settings.warehouse),
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
            "PREVALENCE_RAW_FOLDER": str(raw),
            "PREVALENCE_POLICIES": str(policies),
            "PREVALENCE_JUDGE_URL": url,
            "PREVALENCE_JUDGE_MODEL": "my-model-2026-10-01",
        }

        def typed(part: list[list[str]]) -> str:
            import json

            command = [sys.executable, "-c", _COMMANDS, json.dumps(part)]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        said = typed(commands[:4])
        assert "open assignments" in said.lower() and "questions under harassment" in said
        (tmp_path / "decisions.csv").write_text(_answers(settings, judge, "harassment"))
        said = typed(commands[4:])

    truths = _truths(raw, judge)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        figures = connection.execute(
            """
            select period_start, estimator, prevalence, interval_lower, interval_upper
            from marts.prevalence
            where period_type = 'day' and pivot_name = 'overall' and unit_type = 'interaction'
            """
        ).fetchall()
        outcomes = dict(
            connection.execute(
                "select pool || ' ' || outcome, count(*) from staging.stg_label_events group by 1"
            ).fetchall()
        )
        bad = connection.execute(
            "select count(*) from staging.stg_label_events_classified where row_disposition <> 'used'"
        )
        assert bad.fetchall() == [(0,)]
    assert {str(day) for day, *_ in figures} == set(truths), said
    for day, _, prevalence, lower, upper in figures:
        assert 0 < prevalence < 1 and lower <= truths[str(day)] <= upper
    # what the judge could not answer went to people; nothing of it was taken for an answer
    assert outcomes["llm ok"] > 100 and outcomes["sme ok"] > 30 and len(outcomes) > 2, outcomes


def _truths(raw: Path, judge: Judge) -> dict[str, float]:
    """The share of interactions that violate, by day, of all of them."""
    rows = duckdb.sql(
        f"""
        select strftime(any_value(i.occurred_at), '%Y-%m-%d'), list(c.text order by c.position)
        from '{raw}/interactions.parquet' as i
        inner join '{raw}/components.parquet' as c on i.interaction_id = c.interaction_id
        group by i.interaction_id
        """
    ).fetchall()
    days: dict[str, list[bool]] = {}
    for day, texts in rows:
        days.setdefault(day, []).append(is_violating(judge.seed, judge.violating_share, "harassment", texts))
    return {day: sum(values) / len(values) for day, values in days.items()}
