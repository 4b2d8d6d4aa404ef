"""What every model and public macro must have: a description, a grain that is proven, a contract, a group."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
# Macros of ours that dbt finds in the place of its own.
STAND_INS = ("generate_schema_name", "get_insert_overwrite_sql", "spark__load_csv_rows")


def _models(manifest: dict) -> list[dict]:
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) > 30
    return models


def _is_measured(model: dict) -> bool:
    return model["original_file_path"].startswith("models/")


def test_every_model_and_column_is_described(manifest):
    bare = [
        f"{model['name']}.{name or '(model)'}"
        for model in _models(manifest)
        for name, text in [
            (None, model["description"]),
            *((column["name"], column["description"]) for column in model["columns"].values()),
        ]
        if len(text.strip()) < 3
    ]
    assert bare == []


def test_every_model_has_an_enforced_contract_and_a_group(manifest):
    without = [
        model["name"]
        for model in _models(manifest)
        if not model["config"]["contract"]["enforced"] or (_is_measured(model) and not model["group"])
    ]
    assert without == []


def test_every_grain_is_proven(manifest):
    """The test unique_grain reads the grain from its model."""
    proven = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if (node.get("test_metadata") or {}).get("name") == "unique_grain"
    }
    # the demo world's raw tables hold the duplicates and faults that they are meant to hold
    stated = {
        model["unique_id"]: model["config"]["meta"].get("grain") for model in _models(manifest) if _is_measured(model)
    }
    assert [name for name, grain in stated.items() if grain is None] == []
    # rows as they landed may be equal in every column: an empty grain says so, and accounting counts them instead
    assert [name for name, grain in stated.items() if grain and name not in proven] == []


def test_every_public_macro_and_argument_is_described(manifest):
    macros = [
        macro
        for macro in manifest["macros"].values()
        if macro["package_name"] == "prevalence"
        and not macro["name"].startswith(("_", "default__", "duckdb__", "spark__", "test_", "materialization_"))
        and macro["name"] not in STAND_INS
    ]
    assert len(macros) >= 4
    bare = [
        f"{macro['name']}.{argument['name'] if argument else '(macro)'}"
        for macro in macros
        for argument in [None, *macro["arguments"]]
        if not (argument or macro)["description"].strip()
    ]
    assert bare == []
    # validate_macro_args fills in the arguments of a macro without documentation, but not their descriptions
    assert [macro["name"] for macro in macros if not macro["arguments"]] == []


# Every place where engines differ. A new one is a decision, so it is written down here as well.
DISPATCHED = (
    "_add_days",
    "_add_seconds",
    "_are_component_refs",
    "_array",
    "_broadcast",
    "_days_between",
    "_exact_time",
    "_in_one_file",
    "_in_time_zone",
    "_inlined",
    "_json_object",
    "_json_string",
    "_list_elements",
    "_numbered",
    "_octet_length",
    "_ranked_copies",
    "_row_hash_sum",
    "_row_order",
    "_sha256",
    "_stored_figures",
    "_string_agg",
    "hash_unit",
)


def test_engine_macros_have_a_branch_per_engine_and_a_default_that_raises(manifest):
    macros = {macro["name"]: macro for macro in manifest["macros"].values() if macro["package_name"] == "prevalence"}
    dispatched = {name.removeprefix("default__") for name in macros if name.startswith("default__")}
    assert sorted(dispatched) == sorted(DISPATCHED)
    calling = {name for name, macro in macros.items() if "adapter.dispatch(" in macro["macro_sql"]}
    assert calling == dispatched
    assert {name for name in dispatched if not macros[name]["original_file_path"].startswith("macros/engine/")} == set()
    branches = {f"{engine}__{name}" for name in dispatched for engine in ("default", "duckdb", "spark")}
    assert {name for name in macros if name.startswith(("default__", "duckdb__", "spark__"))} - {*STAND_INS} == branches
    guessing = [
        name
        for name in sorted(dispatched)
        if not any(
            word in macros[f"default__{name}"]["macro_sql"] for word in ("raise_compiler_error", "_refuse_engine")
        )
    ]
    assert guessing == []


def test_no_model_asks_which_engine_it_runs_on(manifest):
    asking = [model["name"] for model in _models(manifest) if "target.type" in model["raw_code"]]
    assert asking == []
