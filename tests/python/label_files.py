"""A warehouse that has asked, made by hand, and what a person would do with the files that go out of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from prevalence.engines.settings import PROJECT, Settings
from prevalence.labeling.exports import DECISION_COLUMNS, Request, export
from prevalence.labeling.ledger import Export, Ledger
from prevalence.labeling.policies import Policy, read_policies

POLICIES = read_policies(PROJECT / "policies")
POLICY = "harassment"


def component(number: int, text: str | None, kind: str = "response", uri: str | None = None) -> dict[str, Any]:
    return {"ref": f"c{number}", "kind": kind, "text": text, "uri": uri, "media_hash": "sha256:secret" if uri else None}


def asked(
    settings: Settings, items: Mapping[str, Sequence[Mapping[str, Any]]], pool: str = "llm", slots: int = 1
) -> None:
    """Items by the key of their unit, each with its components, asked in so many slots."""
    purpose = {"llm": "primary", "sme": "audit", "bpo": "overlap"}[pool]
    rows = [
        {
            "assignment_id": "asg_" + hashlib.md5(f"{key}|{pool}|{slot}".encode()).hexdigest()[:20],
            "item_id": f"itm_{place:024}",
            "item_hash": "sha256:" + hashlib.sha256(key.encode()).hexdigest(),
            "unit_key": key,
            "policy_id": POLICY,
            "policy_version": "1.0.0",
            "purpose": purpose,
            "pool": pool,
            "slot": slot,
            "label_protocol_id": f"lp_{pool}",
            "components": json.dumps(list(components)),
            "component_count": len(components),
            "media_count": sum(bool(part["uri"]) for part in components),
        }
        for place, (key, components) in enumerate(items.items())
        for slot in range(slots)
    ]
    table = pa.Table.from_pylist(rows)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.register("rows", table)
        for schema in ("labels", "staging"):
            connection.execute(f"create schema if not exists {schema}")
        connection.execute(
            "create or replace table labels.open_assignments as select * exclude (components, component_count, media_count) from rows"
        )
        connection.execute(
            "create or replace table labels.label_items as "
            "select distinct item_id, unit_key, item_hash, components, component_count, media_count from rows"
        )
        connection.execute("create table if not exists staging.stg_label_events (item_id varchar, outcome varchar)")


def many_items(count: int) -> dict[str, list[dict[str, Any]]]:
    return {f"unit{n}": [component(0, f"question {n}", "query"), component(1, f"reply {n}")] for n in range(count)}


def world(folder: Path) -> Settings:
    """Settings of a warehouse in this folder, and a raw folder in it."""
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    return replace(Settings.from_environment(), warehouse=folder / "asked.duckdb", engine="duckdb")


def exported(settings: Settings, form: str, policies: Mapping[str, Policy] = POLICIES, **request: Any) -> Export:
    """The one export that this request gives."""
    pools = {"openai-batch": "llm", "label-studio": "sme", "vendor-csv": "sme"}
    defaults = {"pool": pools[form]}
    if form == "openai-batch":
        defaults["model"] = "judge-2026-01-01"
    else:
        defaults["vendor"] = "north"
    if form == "label-studio":
        defaults["rater"] = "r1"
    made, _ = export(settings, policies, Request(form=form, **{**defaults, **request}))
    (one,) = made
    return Ledger(settings).export(one.export_id)


def asked_rows(one: Export) -> list[dict[str, Any]]:
    return duckdb.sql(f"select * from '{one.asked}'").to_arrow_table().to_pylist()


def completion(content: Any, finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    """The body of an answer."""
    return {
        "choices": [
            {"index": 0, "finish_reason": finish_reason, "message": {"content": content, "refusal": None, **message}}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20},
    }


def verdict(**values: Any) -> str:
    answer = {
        "instruction_like_content": False,
        "needs_escalation": False,
        "component_refs": [],
        "rule_ids": [],
        "rationale": "",
        "decision": "non_violating",
        "confidence": "high",
        **values,
    }
    return json.dumps({name: value for name, value in answer.items() if value is not ...})


def batch_line(custom_id: str, body: Any, status: int = 200) -> dict[str, Any]:
    response = {"status_code": status, "request_id": "req", "body": body}
    return {"id": "b", "custom_id": custom_id, "response": response, "error": None}


def decisions(rows: Sequence[Mapping[str, str]], separator: str = ",") -> str:
    """A vendor's file. What a row does not say is a plain answer of no violation."""
    plain = {
        "rater_code": "r7",
        "decision": "non_violating",
        "confidence": "3",
        "started_at": "2026-11-20T09:00:00Z",
        "submitted_at": "2026-11-20T09:00:30Z",
    }
    text = io.StringIO()
    writer = csv.DictWriter(text, DECISION_COLUMNS, lineterminator="\n", restval="", delimiter=separator)
    writer.writeheader()
    writer.writerows({**plain, **row} for row in rows)
    return text.getvalue()


def assignments_csv(one: Export) -> list[dict[str, str]]:
    text = (one.folder / "send" / "assignments.csv").read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def events(settings: Settings) -> list[dict[str, Any]]:
    """The answers in the raw folder."""
    folder = settings.warehouse.parent / "raw" / "label_events"
    if not list(folder.glob("*.parquet")):
        return []
    return (
        duckdb.sql(f"select * from read_parquet('{folder}/*.parquet') order by label_event_id")
        .to_arrow_table()
        .to_pylist()
    )


@contextmanager
def written(folder: Path, name: str, content: str | bytes):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    yield path


def in_world(monkeypatch: Any, folder: Path) -> Settings:
    """As `world`, for commands that are run in this process: what they set in its environment is put back afterwards."""
    made = world(folder)
    for name in (
        "PREVALENCE_POLICIES",
        "PREVALENCE_JUDGE_URL",
        "PREVALENCE_JUDGE_MODEL",
        "PREVALENCE_JUDGE_KEY",
        "OPENAI_API_KEY",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("PREVALENCE_SPARK_FOLDER", "DBT_TARGET_PATH", "DBT_LOG_PATH", "DBT_PROFILES_DIR"):
        monkeypatch.setenv(name, str(folder / name))
    for name in ("DBT_SEND_ANONYMOUS_USAGE_STATS", "GX_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "false")
    monkeypatch.setenv("PREVALENCE_TARGET", "duckdb")
    monkeypatch.setenv("PREVALENCE_DUCKDB_PATH", str(made.warehouse))
    monkeypatch.setenv("PREVALENCE_RAW_FOLDER", str(folder / "raw"))
    monkeypatch.chdir(folder)
    return made
