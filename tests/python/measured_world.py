"""A demo world of two days, measured and published: built once for all tests that look at what a run leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prevalence.engines.settings import PROJECT

# the steps of `prevalence demo` without data tests, and with a gate that lets pass whatever so small a world gives
BUILD = """
import json
from datetime import date
from pathlib import Path

from prevalence.engines import warehouse
from prevalence.engines.dbt import Dbt, Window
from prevalence.engines.landing import land
from prevalence.engines.settings import Settings
from prevalence_demo.world import World, answer, write_world

settings = Settings.from_environment()
settings.enter()
world = World(
    # of a size that the seed's plans can draw from
    seed=5, interactions=3600, users=360, contents=5400, days_per_world=None,
    start=date(2026, 10, 5), end=date(2026, 10, 7),
)
dbt = Dbt(settings, world.window, world.variables, None)
write_world(settings, world, dbt)
land(settings, None)
dbt.seed()
for step in ("stage", "frame", "draw"):
    dbt.run(selector=step)
answer(dbt)
dbt.run(selector="audit")
answer(dbt)
for step in ("label", "estimate"):
    dbt.run(selector=step)
with warehouse.connect(settings) as connection:
    connection.execute(
        "insert into quality.gate_results by name select 'before_publication' as gate_name, 'a_check' as check_name, "
        "'a_table' as table_name, 'blocking' as severity, true as is_passed, fingerprint as subject_fingerprint "
        "from quality.release_candidates"
    )
dbt.run(selector="publish")
dbt.run("path:demo/truth")
compiled = {path.stem: dbt.compiled(path.stem) for path in Path("analyses").glob("*.sql")}
settings.warehouse.with_name("analyses.json").write_text(json.dumps(compiled))
"""


def run(folder: Path, name: str, *arguments: str) -> subprocess.CompletedProcess:
    """A Python process on the warehouse `name` in the folder."""
    environment = {
        **os.environ,
        "PREVALENCE_DUCKDB_PATH": str(folder / f"{name}.duckdb"),
        # a replay has vars of its own: dbt would parse the project anew each time they change
        "DBT_TARGET_PATH": str(folder / ("target_replay" if "prevalence.command_line.cli" in arguments else "target")),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )


def build(folder: Path) -> Path:
    """The folder, with the warehouse as built.duckdb and the compiled analyses as analyses.json."""
    done = run(folder, "built", "-c", BUILD)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
