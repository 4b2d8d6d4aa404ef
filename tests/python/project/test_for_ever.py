"""docs/for-ever.md lists what is for ever, and the project keeps it so."""

from __future__ import annotations

import re

from prevalence.engines.settings import PROJECT

# what commands write, and no model
WRITTEN_BY_COMMANDS = {"raw.label_events", "quality.gate_results", "quality.accepted_changes"}


def test_the_page_lists_what_is_never_built_again(manifest: dict) -> None:
    models = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["original_file_path"].startswith("models/")
    ]
    kept = [
        node
        for node in models
        if node["config"]["full_refresh"] is False
        and not node["original_file_path"].startswith("models/draws/replays/")
    ]
    # the fixture parses as a replay does, whose draws lie elsewhere: a layer's group has its schema's name
    relations = {f"{node['config']['group']}.{node['alias']}" for node in kept}
    listed = set(re.findall(r"^\| `(\w+\.\w+)`", (PROJECT / "docs" / "for-ever.md").read_text(), flags=re.M))
    assert listed == relations | WRITTEN_BY_COMMANDS
    sources = {f"{source['schema']}.{source['identifier']}" for source in manifest["sources"].values()}
    assert sources >= WRITTEN_BY_COMMANDS


def test_folders_say_it_and_no_model_does() -> None:
    said = [path for path in (PROJECT / "models").rglob("*.sql") if "full_refresh" in path.read_text()]
    assert said == []
