"""What dbt makes of the project, with everything enabled: the demo world's models, and those of a replay."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def manifest(tmp_path_factory) -> dict:
    target = tmp_path_factory.mktemp("project")
    command = [
        *[str(Path(sys.executable).with_name("dbt")), "--no-partial-parse", "parse", "--vars", "{demo_world: true, replay: true}"],
        *["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)],
        *["--target-path", str(target), "--log-path", str(target / "logs")],
    ]
    outcome = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return json.loads((target / "manifest.json").read_text())
