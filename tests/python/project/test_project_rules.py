"""Rules of how the project's models lie, are named, read each other and are read, as tests of what dbt makes of them.

Most are rules of dbt-project-evaluator, written for our layers. A rule gives what breaks it: a model, a source, or a reading of one
by another ("child <- parent"), with what is wrong. What breaks a rule for a reason is a row of seeds/project_rule_exceptions.csv.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

PROJECT = Path(__file__).resolve().parents[3]

# The spine, in the order in which data flows, and the side rooms that read it: each layer with how its models' names begin.
SPINE = {
    "staging": ("stg_",),
    "units": ("unit_",),
    "frames": ("frame_",),
    "draws": ("draw_",),
    "labels": ("label_", "fct_"),
    "estimates": ("est_",),
    "releases": ("release_",),
    "marts": ("",),
}
SIDE_ROOMS = {"quality": ("",), "planning": ("plan_",), "calibration": ("learned_",)}
LAYERS = SPINE | SIDE_ROOMS
GATES = ("raw_to_staging", "before_draw", "labels_to_estimates", "before_publication")

MOST_PARENTS = 6
MOST_LEAVES = 3
LONGEST_CHAIN_OF_VIEWS = 4

Breaches = Iterator[tuple[str, str]]
RULES: dict[str, tuple[Callable[["Project"], Breaches], str]] = {}


class Project:
    """The project as the rules look at it. The demo world has dbt paths of its own and is left out, except as a reader."""

    def __init__(self, manifest: dict, replay: dict | None = None):
        """manifest: of the project without replay. replay: of one, whose models and readings are added."""
        self.nodes = {**(replay or manifest)["nodes"], **manifest["nodes"]}
        self.sources = {**(replay or manifest)["sources"], **manifest["sources"]}
        self.exposures = manifest["exposures"]
        self.reads = {
            key: sorted(
                {
                    parent
                    for nodes in (manifest["nodes"], (replay or manifest)["nodes"], self.exposures)
                    for parent in nodes.get(key, {}).get("depends_on", {}).get("nodes", [])
                }
            )
            for key in [*self.nodes, *self.exposures]
        }
        self.models = {
            key: node
            for key, node in self.nodes.items()
            if node["resource_type"] == "model" and node["original_file_path"].startswith("models/")
        }
        self.readers: dict[str, list[dict]] = defaultdict(list)
        for key, node in [*self.nodes.items(), *self.exposures.items()]:
            for parent in self.reads[key]:
                self.readers[parent].append(node)

    def parents(self, model: dict, kind: str) -> list[dict]:
        found = self.sources if kind == "source" else self.nodes
        return [found[key] for key in self.reads[model["unique_id"]] if key.startswith(f"{kind}.")]

    def children(self, key: str) -> list[dict]:
        return [node for node in self.readers[key] if node["resource_type"] == "model"]


def rule(remedy: str):
    """Makes a function a rule: it gives what breaks it, and the remedy says what to do."""

    def register(function: Callable[[Project], Breaches]) -> Callable[[Project], Breaches]:
        RULES[function.__name__] = (function, remedy)
        return function

    return register


def layer_of(model: dict) -> str:
    return PurePosixPath(model["original_file_path"]).parts[1]


def _seed(name: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def source_name(source: dict) -> str:
    return f"{source['source_name']}.{source['name']}"


# --- where models lie and what they are called ------------------------------------------------------------------------


@rule("give the folder a layer's name, and the layer its schema and group in dbt_project.yml")
def folder_is_schema_and_group(project: Project) -> Breaches:
    for model in project.models.values():
        layer = layer_of(model)
        if layer not in LAYERS:
            yield model["name"], f"lies in models/{layer}, which is no layer"
        elif (model["schema"], model["group"]) != (layer, layer):
            yield (
                model["name"],
                f"lies in models/{layer}, and its schema is {model['schema']}, its group {model['group']}",
            )


@rule("begin its name as its layer's names begin, or move it")
def name_begins_with_its_layer(project: Project) -> Breaches:
    for model in project.models.values():
        beginnings = LAYERS.get(layer_of(model), ("",))
        if not model["name"].startswith(beginnings):
            yield model["name"], f"lies in models/{layer_of(model)}, whose names begin with {' or '.join(beginnings)}"


@rule("move it to the folder of the gate that looks at it, or to quality/accounting when none does")
def quality_lies_with_its_gate(project: Project) -> Breaches:
    # what a gate looks at, and where its remedies send people when it blocks
    gates: dict[str, set[str]] = defaultdict(set)
    for row in _seed("gate_tables"):
        gates[row["table_name"]].add(row["gate_name"])
    for row in _seed("gate_checks"):
        for name in re.findall(r"\bquality\.(\w+)", row["remedy"]):
            gates[name].add(row["gate_name"])
    seen_by: dict[str, set[str]] = defaultdict(set)
    for model in project.models.values():
        waiting = [model] if model["name"] in gates else []
        while waiting:
            looked_at = waiting.pop()
            seen_by[looked_at["name"]] |= gates[model["name"]]
            waiting += [parent for parent in project.parents(looked_at, "model") if layer_of(parent) == "quality"]
    for model in project.models.values():
        if layer_of(model) == "quality":
            folder = PurePosixPath(model["original_file_path"]).parts[2]
            # what several gates see lies with the first of them
            first = min(seen_by[model["name"]], key=GATES.index, default="accounting")
            if folder != first:
                yield model["name"], f"lies in quality/{folder} and belongs to {first}"


@rule("describe it in _<folder>__models.yml of its own folder")
def properties_lie_beside_the_model(project: Project) -> Breaches:
    for model in project.models.values():
        folder = PurePosixPath(model["original_file_path"]).parent
        expected = f"{folder}/_{folder.name}__models.yml"
        found = (model["patch_path"] or "nowhere").partition("://")[2] or "nowhere"
        if found != expected:
            yield model["name"], f"is described in {found} and not in {expected}"


# --- what models read -------------------------------------------------------------------------------------------------


@rule("read the staging model; where the raw rows themselves are counted, an exception says so")
def raw_rows_are_read_by_staging(project: Project) -> Breaches:
    for model in project.models.values():
        raw = sorted(
            source_name(parent) for parent in project.parents(model, "source") if parent["source_name"] == "raw"
        )
        if raw and layer_of(model) != "staging":
            yield model["name"], f"reads {', '.join(raw)}"


@rule("ref the model; where that would be a circle, because it holds what earlier runs left, an exception says so")
def tables_of_our_own_are_read_as_models(project: Project) -> Breaches:
    for name in sorted({source["source_name"] for source in project.sources.values()} - {"raw"}):
        yield name, "is a source and no input of the project"


@rule("read it somewhere, or take it out of _sources.yml")
def sources_are_read(project: Project) -> Breaches:
    for key, source in project.sources.items():
        if not project.readers[key]:
            yield source_name(source), "is declared and read by nothing"


@rule("take one of them out of _sources.yml")
def sources_are_declared_once(project: Project) -> Breaches:
    names: dict[str, list[str]] = defaultdict(list)
    for source in project.sources.values():
        names[source["relation_name"]].append(source_name(source))
    for relation, declared in names.items():
        if len(declared) > 1:
            yield relation, f"is declared as {' and '.join(sorted(declared))}"


@rule("ref what it reads")
def models_have_parents(project: Project) -> Breaches:
    for model in project.models.values():
        if not project.reads[model["unique_id"]]:
            yield model["name"], "reads no model, seed or source"


@rule("write ref() or source() there")
def relations_are_not_written_out(project: Project) -> Breaches:
    written_out = re.compile(r"\b(?:from|join)\s+((?:\w+\.)+\w+|\"[^\"]+\"|`[^`]+`)", re.IGNORECASE)
    comments = re.compile(r"--[^\n]*|\{#.*?#\}|'[^'\n]*'", re.DOTALL)
    for model in project.models.values():
        for relation in written_out.findall(comments.sub("", model["raw_code"])):
            yield model["name"], f"reads {relation}"


@rule("move the model down to the layer that it reads, or read a layer above")
def data_flows_down_the_spine(project: Project) -> Breaches:
    order = list(SPINE)
    for model in project.models.values():
        layer = layer_of(model)
        for parent in project.parents(model, "model"):
            above = layer_of(parent)
            if layer in SPINE and (above not in SPINE or order.index(above) > order.index(layer)):
                yield f"{model['name']} <- {parent['name']}", f"{layer} reads {above}"


@rule("split it into models that can be read by themselves")
def few_parents(project: Project) -> Breaches:
    for model in project.models.values():
        parents = len(project.parents(model, "model")) + len(project.parents(model, "source"))
        if parents > MOST_PARENTS:
            yield model["name"], f"reads {parents} relations, more than {MOST_PARENTS}"


@rule("put a model between it and those that read it")
def few_leaves_hang_on_one_model(project: Project) -> Breaches:
    for key, model in project.models.items():
        leaves = sorted(child["name"] for child in project.children(key) if not project.children(child["unique_id"]))
        if len(leaves) > MOST_LEAVES:
            yield model["name"], f"is read by {len(leaves)} models that nothing reads: {', '.join(leaves)}"


@rule("make one of them a table")
def views_are_not_chained(project: Project) -> Breaches:
    def chain(model: dict) -> int:
        if model["config"]["materialized"] not in ("view", "ephemeral"):
            return 0
        return 1 + max((chain(parent) for parent in project.parents(model, "model")), default=0)

    for model in project.models.values():
        if chain(model) > LONGEST_CHAIN_OF_VIEWS:
            yield model["name"], f"is the last of {chain(model)} views, one on the other"


# --- who may read them ------------------------------------------------------------------------------------------------


@rule(
    "set access in the model's config: public when the README sends people to it, protected when another group reads it"
)
def access_says_who_reads(project: Project) -> Breaches:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    for key, model in project.models.items():
        outside = {reader["name"] for reader in project.readers[key] if reader.get("group") != model["group"]}
        if re.search(rf"\b{layer_of(model)}\.{model['alias'].removesuffix('_v1')}\b", readme):
            expected = "public"
        else:
            expected = "protected" if outside else "private"
        if model["access"] != expected:
            readers = f", read by {', '.join(sorted(outside)[:3])}" if outside else ""
            yield model["name"], f"is {model['access']} and should be {expected}{readers}"


@rule("enforce its contract and describe each column")
def public_models_keep_a_promise(project: Project) -> Breaches:
    for model in project.models.values():
        if model["access"] == "public":
            bare = [column["name"] for column in model["columns"].values() if not column["description"].strip()]
            if not model["config"]["contract"]["enforced"] or not model["columns"] or bare:
                yield (
                    model["name"],
                    f"has no enforced contract, or columns without description: {', '.join(bare) or '-'}",
                )


@rule("make it public, or show people another")
def exposures_read_public_models(project: Project) -> Breaches:
    for exposure in project.exposures.values():
        for key in exposure["depends_on"]["nodes"]:
            if key in project.models and project.models[key]["access"] != "public":
                yield f"{exposure['name']} <- {project.models[key]['name']}", "the model is not public"


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(manifest_without_replay, manifest) -> Project:
    project = Project(manifest_without_replay, replay=manifest)
    assert len(project.models) > 50 and len(project.sources) > 10
    return project


@pytest.mark.parametrize("name", RULES)
def test_a_rule_holds_but_for_its_exceptions(project, name):
    function, remedy = RULES[name]
    breaches = dict(function(project))
    excepted = {row["resource"] for row in _seed("project_rule_exceptions") if row["rule"] == name}
    found = [f"{resource} {wrong}" for resource, wrong in sorted(breaches.items()) if resource not in excepted]
    assert not found, (
        f"{name}: {'; '.join(found)}. Remedy: {remedy}; or give a reason in seeds/project_rule_exceptions.csv."
    )
    needless = sorted(excepted - set(breaches))
    assert not needless, (
        f"seeds/project_rule_exceptions.csv, rule {name}: {', '.join(needless)} breaks it no longer. Remedy: take the rows out."
    )


def test_each_exception_is_one_of_a_rule_and_has_a_reason():
    rows = _seed("project_rule_exceptions")
    wrong = [
        f"line {line}: {row['rule']}, {row['resource']}"
        for line, row in enumerate(rows, start=2)
        if row["rule"] not in RULES or len(row["reason"]) < 20
    ]
    assert not wrong, f"no such rule, or no reason: {'; '.join(wrong)}. The rules are: {', '.join(RULES)}."
    assert len({(row["rule"], row["resource"]) for row in rows}) == len(rows)


# --- the rules find what they are for -----------------------------------------------------------------------------------


def _model(path: str, reads: tuple[str, ...] = (), **differs) -> dict:
    file = PurePosixPath(path)
    layer = file.parts[1]
    return {
        "unique_id": f"model.{file.stem}",
        "name": file.stem,
        "alias": file.stem,
        "resource_type": "model",
        "original_file_path": path,
        "patch_path": f"prevalence://{file.parent}/_{file.parent.name}__models.yml",
        "schema": layer,
        "group": layer,
        "access": "private",
        "columns": {},
        "raw_code": "",
        "config": {"materialized": "table", "contract": {"enforced": True}},
        "depends_on": {"nodes": list(reads)},
        **differs,
    }


def _project(*models: dict, sources: dict | None = None, exposures: dict | None = None) -> Project:
    nodes = {model["unique_id"]: model for model in models}
    return Project({"nodes": nodes, "sources": sources or {}, "exposures": exposures or {}})


def _source(schema: str, name: str) -> dict:
    return {"source_name": schema, "name": name, "relation_name": f"{schema}.{name}"}


RAW = {"source.raw.users": _source("raw", "users")}
VIEW = {"materialized": "view", "contract": {"enforced": True}}
BREACHES = {
    "folder_is_schema_and_group": _project(_model("models/units/unit_days.sql", schema="frames")),
    "name_begins_with_its_layer": _project(_model("models/units/days.sql")),
    "quality_lies_with_its_gate": _project(_model("models/quality/before_draw/label_profiles.sql")),
    "properties_lie_beside_the_model": _project(_model("models/units/unit_days.sql", patch_path=None)),
    "raw_rows_are_read_by_staging": _project(_model("models/units/unit_days.sql", ("source.raw.users",)), sources=RAW),
    "tables_of_our_own_are_read_as_models": _project(sources={"source.old.x": _source("old", "x")}),
    "sources_are_read": _project(sources=RAW),
    "sources_are_declared_once": _project(sources={**RAW, "source.logs.users": {**RAW["source.raw.users"]}}),
    "models_have_parents": _project(_model("models/units/unit_days.sql")),
    "relations_are_not_written_out": _project(
        _model("models/units/unit_days.sql", raw_code="select * -- from here.on\nfrom staging.stg_users")
    ),
    "data_flows_down_the_spine": _project(
        _model("models/units/unit_days.sql", ("model.frame_days",)), _model("models/frames/frame_days.sql")
    ),
    "few_parents": _project(
        *(_model(f"models/units/unit_{n}.sql") for n in range(7)),
        _model("models/frames/frame_days.sql", tuple(f"model.unit_{n}" for n in range(7))),
    ),
    "few_leaves_hang_on_one_model": _project(
        _model("models/units/unit_days.sql"),
        *(_model(f"models/frames/frame_{n}.sql", ("model.unit_days",)) for n in range(4)),
    ),
    "views_are_not_chained": _project(
        _model("models/units/unit_0.sql", config=VIEW),
        *(_model(f"models/units/unit_{n}.sql", (f"model.unit_{n - 1}",), config=VIEW) for n in range(1, 5)),
    ),
    "access_says_who_reads": _project(
        _model("models/units/unit_days.sql"), _model("models/frames/frame_days.sql", ("model.unit_days",))
    ),
    "public_models_keep_a_promise": _project(_model("models/marts/figures.sql", access="public")),
    "exposures_read_public_models": _project(
        _model("models/marts/figures.sql"),
        exposures={
            "exposure.board": {"name": "board", "resource_type": "exposure", "depends_on": {"nodes": ["model.figures"]}}
        },
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_finds_what_breaks_it(name):
    function, _ = RULES[name]
    assert len(list(function(BREACHES[name]))) == 1
