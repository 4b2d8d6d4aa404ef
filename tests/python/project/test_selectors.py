"""The steps of selectors.yml build every model once its inputs are there, and run every test of rows once it can be run."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from dbt.cli.main import dbtRunner

from prevalence.engines.settings import PROJECT
from prevalence_demo.cold_start import COLD_STEPS, LEARNED

STEPS = ("stage", "frame", "draw", "audit", "label", "estimate", "publish")
# how a run takes the first step: it chooses its days, and then builds the rest of it
CHOICE = ("due_days", "stage_of_due_days")
# how a run takes the step `label` where nobody answers in between: without the answers, which the audit has read
KNOWN = ("answers", "label_of_known_answers")
# for a plain dbt build: in a run the gate before_draw says the same with numbers and a remedy
NOT_IN_A_STEP = {"assert_plans_can_work"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """dbt's manifest and the ids that each step builds and tests."""
    folder = tmp_path_factory.mktemp("selectors")
    options = [
        *["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(folder)],
        *["--log-path", str(folder / "logs"), "--log-level", "none"],
    ]
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setenv("PREVALENCE_DUCKDB_PATH", ":memory:")
        patch.chdir(PROJECT)
        manifest = dbtRunner().invoke(["parse", *options]).result
        runner = dbtRunner(manifest=manifest)
        chosen = {}
        for step in (*STEPS, *CHOICE, *KNOWN):
            listed = runner.invoke(
                ["ls", *options, "--selector", step, "--exclude-resource-type", "unit_test", "--output", "json"]
            )
            assert listed.success, listed.exception
            chosen[step] = {json.loads(line)["unique_id"] for line in listed.result}
        listed = runner.invoke(["ls", *options, "--select", *LEARNED, "--resource-type", "model", "--output", "json"])
        chosen["learned"] = {json.loads(line)["unique_id"] for line in listed.result}
    return manifest, chosen


def _of_rows(manifest, kind: str) -> dict:
    """The models of the product, or the tests of their rows."""
    return {
        unique_id: node
        for unique_id, node in manifest.nodes.items()
        if node.resource_type == kind
        and node.package_name == "prevalence"
        and not node.original_file_path.startswith("demo/")
    }


def test_every_model_belongs_to_a_step(project):
    manifest, chosen = project
    without = _of_rows(manifest, "model").keys() - set().union(*(chosen[step] for step in STEPS))
    assert without == set()


def test_inputs_are_built_before_what_reads_them(project):
    manifest, chosen = project
    models = _of_rows(manifest, "model")
    built: set[str] = set()
    early = []
    for step in STEPS:
        built |= chosen[step] & models.keys()
        early += [
            f"{step}: {unique_id} reads {parent}"
            for unique_id in sorted(chosen[step])
            if unique_id in manifest.nodes
            for parent in manifest.nodes[unique_id].depends_on_nodes
            if parent in models and parent not in built
        ]
    assert early == []


def test_the_demos_first_days_build_what_their_rates_are_learned_from(project):
    """Worlds of two weeks and more begin so; whole builds in other tests are of fewer days."""
    manifest, chosen = project
    models = _of_rows(manifest, "model").keys()
    built = set().union(*(chosen[step] for step in (*COLD_STEPS, "learned")))
    assert "model.prevalence.learned_rates" in chosen["learned"]
    missing = [
        f"{unique_id} reads {parent}"
        for unique_id in sorted(chosen["learned"])
        for parent in manifest.nodes[unique_id].depends_on_nodes
        if parent in models and parent not in built
    ]
    assert missing == []


def test_a_run_that_has_chosen_its_days_stages_the_rest_and_tests_all(project):
    manifest, chosen = project
    due, rest = (
        {unique_id for unique_id in chosen[step] if unique_id in manifest.nodes and not unique_id.startswith("test.")}
        for step in CHOICE
    )
    staged = {unique_id for unique_id in chosen["stage"] if unique_id in manifest.nodes}
    tests = {unique_id for unique_id in staged if unique_id.startswith("test.")}
    assert due and due.isdisjoint(rest) and due | rest == staged - tests
    # choosing tests nothing
    assert tests and tests <= chosen["stage_of_due_days"]


def test_a_run_that_knows_the_answers_builds_the_rest_of_the_labels(project):
    manifest, chosen = project
    answers, rest, labels, audit = (
        {unique_id for unique_id in chosen[step] if unique_id in manifest.nodes} for step in (*KNOWN, "label", "audit")
    )
    assert answers and answers.isdisjoint(rest) and answers | rest == labels
    # their tests ran with them
    assert answers <= audit


def test_every_test_of_rows_runs_in_a_step(project):
    manifest, chosen = project
    models = _of_rows(manifest, "model")
    tests = {
        unique_id: node.name
        for unique_id, node in _of_rows(manifest, "test").items()
        # the known answers of macros read no model
        if set(node.depends_on_nodes) & models.keys()
    }
    assert len(tests) > 100
    left_out = {
        name for unique_id, name in tests.items() if unique_id not in set().union(*(chosen[step] for step in STEPS))
    }
    assert left_out == NOT_IN_A_STEP
