"""`prevalence label` as a person uses it: each command says what it did, what is left, and what to do where it cannot."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from label_files import asked, assignments_csv, decisions, events, in_world, many_items

from prevalence.command_line.cli import prevalence
from prevalence.labeling.label_status import exports, queues
from prevalence.labeling.ledger import Ledger
from prevalence_demo.loopback_judge import Faults, Judge, serving


@pytest.fixture
def settings(tmp_path, monkeypatch):
    return in_world(monkeypatch, tmp_path)


def _run(*arguments: str) -> str:
    done = CliRunner().invoke(prevalence, ["label", *arguments], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return str(done.exception)
    return done.output


def test_the_help_lists_the_commands_in_the_order_of_their_use():
    help_text = _run("--help")
    places = [help_text.index(f"\n  {name} ") for name in ("render", "export", "run", "import", "status")]
    assert places == sorted(places) and "..." not in help_text.partition("Commands:")[2]


def test_a_judge_is_asked_through_the_command_and_the_rest_is_told(settings):
    asked(settings, many_items(30))
    assert queues(settings) == [("llm", "harassment", "primary", 30, 30, 0, 0, 0)]
    assert "Remedy: --base-url" in _run("run", "--model", "m")
    with serving(Judge(faults=Faults(rate_limited=0.1, malformed=0.1))) as url:
        said = _run("run", "--model", "m", "--base-url", url, "--input-price", "1", "--output-price", "2")
        again = _run("run", "--model", "m", "--base-url", url)
    assert "30 of 30 answered" in said and "30 lines = 30 answer" in said and "30 questions = " in said
    assert "Nothing is open" in again and "requests" not in again
    assert queues(settings) == [("llm", "harassment", "primary", 30, 0, 0, 0, 30)]
    ((export_id, to, policy, form, questions, answered, ok, ask_again, _),) = exports(settings)
    assert (to, policy, form, questions, answered, ask_again) == ("m", "harassment", "openai-batch", 30, 30, 0)
    assert ok == sum(row["outcome"] == "ok" for row in events(settings)) < 30
    status = _run("status")
    assert export_id in status and "imported" in status


def test_people_are_asked_through_files(settings):
    asked(settings, many_items(6), "sme")
    said = _run("export", "--format", "vendor-csv", "--vendor", "north", "--due-days", "-1")
    assert "6 questions under harassment" in said
    assert queues(settings) == [("sme", "harassment", "audit", 6, 0, 6, 6, 0)]
    (one,) = Ledger(settings).exports()
    rows = [{"assignment_id": row["assignment_id"], "item_hash": row["item_hash"]} for row in assignments_csv(one)[:4]]
    (settings.warehouse.parent / "decisions.csv").write_text(decisions([*rows, {**rows[0], "decision": "perhaps"}]))
    said = _run("import", str(settings.warehouse.parent / "decisions.csv"))
    assert (
        "5 lines = 4 answer, 1 duplicate" in said and "6 questions = 2 missing, 4 ok" in said and "rejects.csv" in said
    )
    assert "imported before" in _run("import", str(settings.warehouse.parent / "decisions.csv"))
    assert queues(settings) == [("sme", "harassment", "audit", 6, 0, 2, 2, 4)]


def test_a_run_goes_on_with_what_another_left(settings):
    asked(settings, many_items(40))
    with serving(Judge(faults=Faults(server_error=1.0))) as url:
        assert "does not answer any more" in _run("run", "--model", "m", "--base-url", url, "--tries", "1")
    assert exports(settings)[0][5] == 0 and events(settings) == []
    with serving(Judge()) as url:
        said = _run("run", "--model", "m", "--base-url", url)
    assert "40 of 40 answered" in said and len(events(settings)) == 40


def test_a_manifest_that_goes_out_is_the_one_that_stays(settings):
    asked(settings, many_items(2), "bpo", slots=2)
    _run(
        "export", "--format", "label-studio", "--pool", "bpo", "--vendor", "north", "--rater", "r1", "--contact", "ops"
    )
    (one,) = Ledger(settings).exports()
    assert json.loads((one.folder / "send" / "manifest.json").read_text()) == one.manifest
    assert one.manifest["contact"] == "ops" and one.manifest["rater"] == "r1" and one.manifest["rows"] == 2


def test_a_warehouse_that_is_not_there_has_nothing_open(settings):
    assert "Nothing is open" in _run("status")
