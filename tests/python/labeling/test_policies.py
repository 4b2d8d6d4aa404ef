"""Policies: what is written is checked by line, and what is made of them is what is committed, byte for byte."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from label_files import in_world

from prevalence.command_line.cli import prevalence
from prevalence.engines.settings import PROJECT, UserError
from prevalence.labeling.policies import Policy, read_policies, read_policy
from prevalence.labeling.policy_rendering import (
    guideline,
    judge_id,
    label_studio_configuration,
    policy_rows,
    prompt,
    prompt_hash,
    rendered,
    response_schema,
    stale_files,
)

FOLDER = PROJECT / "policies"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    in_world(monkeypatch, tmp_path)
    monkeypatch.delenv("PREVALENCE_RAW_FOLDER")
    shutil.copytree(FOLDER / "self_harm", tmp_path / "policies" / "self_harm")
    return tmp_path / "policies"


def _change(folder: Path, old: str, new: str) -> list[str]:
    """What is said of the policy after one piece of its text was replaced."""
    file = folder / "self_harm" / "policy.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return read_policy(file)[1]


def test_rendered_files_are_those_committed():
    assert stale_files(rendered(FOLDER, read_policies(FOLDER))) == []


def test_the_check_finds_a_file_that_differs_by_one_byte(folder):
    assert CliRunner().invoke(prevalence, ["label", "render", "--policies", str(folder)]).exit_code == 0
    path = folder / "self_harm" / "prompt.txt"
    path.write_bytes(path.read_bytes() + b" ")
    done = CliRunner().invoke(
        prevalence, ["label", "render", "--check", "--policies", str(folder)], standalone_mode=False
    )
    assert done.return_value == 1
    assert "prompt.txt is not what the policy gives" in done.output and "Remedy" in done.output
    assert path.read_bytes().endswith(b" ")


def test_rendering_twice_gives_the_same_whatever_the_order_of_keys(folder):
    before = read_policies(folder)["self_harm"]
    document = dict(reversed(before.document.items()))
    again = Policy(before.folder, document)
    assert (prompt(again), guideline(again), again.policy_hash) == (
        prompt(before),
        guideline(before),
        before.policy_hash,
    )


def test_the_seed_holds_the_policies_of_the_registry():
    with (PROJECT / "seeds" / "policies.csv").open(newline="") as file:
        seeded = [(row["policy_id"], row["policy_version"], row["title"]) for row in csv.DictReader(file)]
    assert seeded == [row[:3] for row in policy_rows(read_policies(FOLDER))]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: Self-harm\n", "", "has no title"),
        ("title: Self-harm\n", "titel: Self-harm\n", "did you mean title"),
        ("version: 1.0.0", "version: 1.0", "major.minor.patch"),
        ("severity: 3", "severity: 4", "a whole number from 1 to 3"),
        ("severity: 3", "severity: high", "a whole number from 1 to 3"),
        ("status: active", "status: live", "draft, shadow, active, retired"),
        ("effective_from: 2026-01-01", "effective_from: '2026-02-31'", "no day"),
        ("policy_id: self_harm", "policy_id: selfharm", "give both one name"),
        ('"no": NON_VIOLATING}', '"no": Q1}', "leads back to Q1"),
        ('"no": NON_VIOLATING}', '"no": SH9}', "is nothing"),
        ('"yes": SH1, "no": NON_VIOLATING', '"yes": SH2, "no": NON_VIOLATING', "ends in SH1"),
        ('"yes": Q2, ', '"yes": Q3, ', "no way leads to the step Q2"),
        ("rules: [SH3]", "rules: [SH9]", "SH9, which is none"),
        ("rules: [SH3]", "rules: []", "a violating example names its rule"),
        ("id: SE2", "id: SE1", "2 times"),
        ("languages: [en, de, es, fr, pt]", "languages: []", "at least one entry"),
        ("title: Self-harm\n", "title: [unclosed\n", "not YAML"),
        ("title: Self-harm\n", "title: Self-harm\ntitle: Twice\n", "not YAML"),
        ("status: active", "status: yes", "one of draft"),
        ("owner: self-harm policy team", "owner: 7", "in quotes"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_remedy(folder, old, new, said):
    line = (folder / "self_harm" / "policy.yml").read_text().split(old)[0].count("\n") + 1
    problems = _change(folder, old, new)
    assert any(said in problem for problem in problems), problems
    for problem in problems:
        assert re.match(r".*/self_harm/policy\.yml:\d+: .*Remedy: .+", problem), problem
    # a key that is not there has no line of its own
    if new and "no way" not in said and "ends in" not in said and "not YAML" not in said and "2 times" not in said:
        assert any(f"policy.yml:{line}:" in problem for problem in problems), (line, problems)


def test_near_misses_and_two_examples_a_rule_are_asked_for(folder):
    file = folder / "self_harm" / "policy.yml"
    lines = [line for line in file.read_text().splitlines() if not re.search(r"id: SE([2789]|10),", line)]
    file.write_text("\n".join(lines))
    problems = read_policy(file)[1]
    assert any("SH3 has 1 examples" in problem for problem in problems)
    assert any("0 examples that do not violate" in problem for problem in problems)


def test_policies_about_children_are_refused(folder):
    (folder / "self_harm").rename(folder / "csae_images")
    file = folder / "csae_images" / "policy.yml"
    file.write_text(file.read_text().replace("policy_id: self_harm", "policy_id: csae_images"))
    assert any("child-safety process" in problem for problem in read_policy(file)[1])


def test_all_files_are_told_of_at_once(folder):
    shutil.copytree(FOLDER / "harassment", folder / "harassment")
    for name in ("self_harm", "harassment"):
        file = folder / name / "policy.yml"
        file.write_text(file.read_text().replace("status: active", "status: live"))
    with pytest.raises(UserError) as raised:
        read_policies(folder)
    assert "self_harm/policy.yml" in str(raised.value) and "harassment/policy.yml" in str(raised.value)


def test_text_of_a_policy_is_inert_wherever_it_goes(folder):
    hostile = '{{ 7 * 7 }} {% raw %} <script>x</script> [a](http://b) "/><Choice value=1/>'
    assert _change(folder, "title: Self-harm\n", f"title: {json.dumps(hostile)}\n") == []
    assert _change(folder, "title: Glorification", f"title: {json.dumps(hostile)}") == []
    policy = read_policies(folder)["self_harm"]
    assert "{{ 7 * 7 }}" in prompt(policy)
    assert "<script>" not in guideline(policy) and "[a](http" not in guideline(policy)
    xml = label_studio_configuration(policy)
    assert "<script>" not in xml
    from xml.etree import ElementTree

    values = [choice.get("value") for choice in ElementTree.fromstring(xml).iter("Choice")]
    assert "1" not in values and values[:4] == ["violating", "non_violating", "cannot_determine", "escalate"]


def test_reasons_come_before_the_verdict():
    for policy in read_policies(FOLDER).values():
        names = list(json.loads((policy.folder / "response_schema.json").read_text())["properties"])
        assert names == list(response_schema(policy)["properties"])
        assert names.index("rationale") < names.index("decision")


def test_two_judges_never_share_an_id(folder):
    policy = read_policies(folder)["self_harm"]
    decoding = {"temperature": 0, "seed": 7, "max_completion_tokens": 512}
    shown = {"text_budget": 4000}
    ids = {
        judge_id(policy, "a", decoding, {"text_budget": 20}),
        judge_id(policy, "a", decoding, shown),
        judge_id(policy, "b", decoding, shown),
        judge_id(policy, "a", {**decoding, "seed": 8}, shown),
    }
    before = prompt_hash(policy)
    assert _change(folder, "Presents suicide", "Shows suicide") == []
    changed = read_policies(folder)["self_harm"]
    ids.add(judge_id(changed, "a", decoding, shown))
    assert len(ids) == 5 and prompt_hash(changed) != before


def test_policies_in_force_go_into_the_raw_folder(folder, tmp_path):
    import duckdb

    raw = tmp_path / "raw"
    done = CliRunner().invoke(prevalence, ["label", "render", "--policies", str(folder), "--raw-folder", str(raw)])
    assert done.exit_code == 0, done.output
    assert duckdb.sql(f"select * from '{raw}/policies.parquet'").fetchall() == [
        ("self_harm", "1.0.0", "Self-harm", None)
    ]
    assert [path.name for path in raw.iterdir()] == ["policies.parquet"]


def test_policies_that_are_measured_do_not_disappear_and_versions_do_not_go_back(folder, tmp_path):
    import duckdb

    path = tmp_path / "raw" / "policies.parquet"
    arguments = ["label", "render", "--policies", str(folder), "--raw-folder", str(path.parent)]

    def measured(policy_id: str, version: str) -> str:
        duckdb.sql(
            f"copy (select '{policy_id}' as policy_id, '{version}' as policy_version, 't' as title, 2.5::double as importance) "
            f"to '{path}' (format parquet)"
        )
        before = path.read_bytes()
        done = CliRunner().invoke(prevalence, arguments)
        assert (path.read_bytes() == before) == (done.exception is not None)
        return str(done.exception or done.output)

    assert "measures spam" in measured("spam", "1.0.0")
    assert "is older" in measured("self_harm", "1.0.10") and "is older" in measured("self_harm", "10.0.0")
    assert "self_harm 1.0.0" in measured("self_harm", "0.9.0")
    # what the registry does not say is kept
    assert duckdb.sql(f"select importance from '{path}'").fetchall() == [(2.5,)]
