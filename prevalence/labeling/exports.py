"""Open assignments as files for a judge or for people: what is shown and asked, and nothing else of what the warehouse knows."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from prevalence.engines import warehouse
from prevalence.engines.settings import Settings, UserError
from prevalence.engines.warehouse_interface import MissingTable
from prevalence.labeling.ledger import ASKED, MANIFEST, SEND, Ledger, now, stamp
from prevalence.labeling.policies import Policy
from prevalence.labeling.policy_rendering import (
    MOST_COMPONENTS,
    TEMPLATE,
    guideline,
    human_protocol_id,
    judge_id,
    label_studio_configuration,
    prompt,
    prompt_hash,
    response_schema,
)
from prevalence.labeling.shown_text import REDACTION, Redaction, cell, inert, residue, truncated, visible

BATCH, LABEL_STUDIO, VENDOR_CSV = "openai-batch", "label-studio", "vendor-csv"
FORMATS = (BATCH, LABEL_STUDIO, VENDOR_CSV)
POOLS = {"llm": "the judge", "sme": "experts", "bpo": "raters"}
# the columns of a vendor's file are written out, as many for each row
MOST_CSV_COMPONENTS = 8
_MOST = {BATCH: 100, LABEL_STUDIO: MOST_COMPONENTS, VENDOR_CSV: MOST_CSV_COMPONENTS}
# what vendors' batch interfaces take, with room
BATCH_ROWS, BATCH_BYTES = 45_000, 180_000_000
# where the body stands in a batch's line, so that it can be sent as it is
BODY_BEGINS = b', "body": '
# what a spreadsheet keeps of a cell, with room for the sentence about what was cut
LONGEST_TEXT = 30_000
DECODING: Mapping[str, Any] = {"temperature": 0, "seed": 7, "max_completion_tokens": 1024}

# every model that is read stays public; what leads back to a unit is not even asked for
_OPEN = """
    select assignments.assignment_id, assignments.item_id, assignments.item_hash, assignments.policy_id,
        assignments.policy_version, assignments.purpose, assignments.pool, assignments.slot,
        assignments.label_protocol_id, items.components, items.component_count, items.media_count
    from labels.open_assignments as assignments
    inner join labels.label_items as items on assignments.item_id = items.item_id
    where assignments.pool = {pool}
"""
_ESCALATED = """
    select distinct items.item_hash
    from staging.stg_label_events as events
    inner join labels.label_items as items on events.item_id = items.item_id
    where events.outcome = 'escalated'
"""


@dataclass(frozen=True)
class Request:
    """Who is asked, in which form, and how."""

    form: str
    pool: str
    policies: Sequence[str] = ()
    vendor: str | None = None
    rater: str | None = None
    model: str | None = None
    decoding: Mapping[str, Any] = field(default_factory=lambda: dict(DECODING))
    limit: int | None = None
    text_budget: int = 4000
    is_media_cleared: bool = False
    due_days: int = 7
    contact: str | None = None
    # another judge than the one that answered under this version before
    is_new_judge: bool = False


@dataclass(frozen=True)
class Exported:
    export_id: str
    policy_id: str
    rows: int
    folder: Path


def export(
    settings: Settings, policies: Mapping[str, Policy], request: Request
) -> tuple[list[Exported], Counter[tuple[str, str]]]:
    """Write what is open and was not asked before, one export for each policy; returns them, and what was held back and why."""
    _refuse_request(request)
    ledger = Ledger(settings)
    with ledger.alone():
        questions = _questions(settings, ledger, request)
        held_back = Counter((row["policy_id"], row["held_back"]) for row in questions if row["held_back"])
        rows = [row for row in questions if not row["held_back"]]
        # days keep the version that they were drawn under; what the registry no longer has waits, and the rest is asked
        known = [row for row in rows if _is_known(row, policies)]
        if rows and not known:
            _refuse_unknown(rows, policies)
        held_back.update(
            (row["policy_id"], f"asked under version {row['policy_version']}, which the registry has not")
            for row in rows
            if not _is_known(row, policies)
        )
        rows = known
        made = []
        for policy_id in sorted({row["policy_id"] for row in rows}):
            policy = policies[policy_id]
            asked = []
            for row in (row for row in rows if row["policy_id"] == policy_id):
                row["shown"] = _shown(row, policy, request)
                if policy.redacts and any(residue(part["text"] or "") for part in row["shown"]):
                    held_back[policy_id, "personal data left"] += 1
                    continue
                asked.append(row)
                if len(asked) == request.limit:
                    break
            if asked:
                made.append(_write(ledger, policy, request, asked))
    return made, held_back


def _refuse_request(request: Request) -> None:
    wrong = None
    if (request.form == BATCH) != (request.pool == "llm"):
        wrong = (
            f"The pool {request.pool} is {POOLS[request.pool]}, who cannot answer {request.form}",
            (f"--format {BATCH} with --pool llm; {LABEL_STUDIO} or {VENDOR_CSV} with --pool sme or bpo"),
        )
    elif request.form == BATCH and not request.model:
        wrong = "The judge has no name", "--model with the name of a model, a dated one where there is one"
    elif request.form != BATCH and not request.vendor:
        wrong = (
            "Nobody is named who labels, and two answers to one item must come from different places",
            "--vendor with a name, such as in_house",
        )
    elif request.form == LABEL_STUDIO and not request.rater:
        wrong = (
            "A project of Label Studio does not keep its raters apart, so it is made for one of them",
            "--rater with a pseudonym; a project for each",
        )
    elif request.limit is not None and request.limit < 1:
        wrong = f"The limit is {request.limit}", "a whole number from 1"
    elif not 20 <= request.text_budget <= LONGEST_TEXT:
        wrong = f"The budget of a text is {request.text_budget} characters", f"from 20 to {LONGEST_TEXT:,}"
    if wrong:
        raise UserError(f"{wrong[0]}. Remedy: {wrong[1]}.")


def _is_known(row: Mapping[str, Any], policies: Mapping[str, Policy]) -> bool:
    policy = policies.get(row["policy_id"])
    return policy is not None and policy.version == row["policy_version"]


def _refuse_unknown(rows: Sequence[Mapping[str, Any]], policies: Mapping[str, Policy]) -> None:
    problems = []
    for (policy_id, version), count in Counter((row["policy_id"], row["policy_version"]) for row in rows).items():
        known = policies.get(policy_id)
        if known is None:
            problems.append(f"{count:,} of {policy_id}, of which there is no policy.yml")
        elif known.version != version:
            problems.append(f"{count:,} of {policy_id} {version}, of which policy.yml is {known.version}")
    if problems:
        raise UserError(
            f"Questions are open under policies that the registry has not: {'; '.join(problems)}. Remedy: --policies names the folder "
            "with the policies that are measured; `prevalence label render --raw-folder` and `prevalence run` measure by a "
            "new version."
        )


def _questions(settings: Settings, ledger: Ledger, request: Request) -> list[dict[str, Any]]:
    with warehouse.connect(settings, read_only=True) as connection:
        try:
            open_assignments = connection.arrow(_OPEN.format(pool=connection.literal(request.pool)))
            escalated = connection.arrow(_ESCALATED)
        except MissingTable as error:
            raise UserError(
                f"The warehouse {settings.place} has asked nothing yet. Remedy: `prevalence run` first, which draws."
            ) from error
    with duckdb.connect() as connection:
        open_ledger(connection, ledger)
        for name, table in (("open_assignments", open_assignments), ("escalated", escalated)):
            connection.register(f"{name}_rows", table)
            connection.execute(f"create temp table {name} as select * from {name}_rows")
        if request.policies:
            connection.execute(
                "delete from open_assignments where not list_contains(?, policy_id)", [list(request.policies)]
            )
        for name, value in (
            ("vendor", request.vendor),
            ("most_components", _MOST[request.form]),
            ("is_media_cleared", request.is_media_cleared),
            ("seed", f"order|{request.form}|{request.pool}"),
        ):
            connection.execute(
                f"set variable {name} = {'null::varchar' if value is None else '?'}", [] if value is None else [value]
            )
        connection.execute(Path(__file__).with_name("open_questions.sql").read_text())
        return connection.sql("select * from questions order by place, assignment_id").to_arrow_table().to_pylist()


ASKED_COLUMNS = {
    **dict.fromkeys(("custom_id", "assignment_id", "item_id", "item_hash", "policy_id", "policy_version"), "varchar"),
    **dict.fromkeys(
        ("purpose", "pool", "label_protocol_id", "labeler_id", "vendor", "rater", "export_id", "form"), "varchar"
    ),
    **dict.fromkeys(("slot", "component_count", "replicate"), "bigint"),
    **dict.fromkeys(("issued_at", "due_at"), "timestamp"),
}
OUTCOME_COLUMNS = {
    **dict.fromkeys(
        ("custom_id", "assignment_id", "outcome", "disposition", "label_event_id", "file_sha256"), "varchar"
    ),
    "lead_time_s": "double",
}


def open_ledger(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    """The temp tables asked, outcomes and again, of all exports and of all files that came back."""
    for name, pattern, columns in (
        ("asked", f"exports/exp_*/{ASKED}", ASKED_COLUMNS),
        ("outcomes", "received/*/outcomes.parquet", OUTCOME_COLUMNS),
    ):
        files = [str(path) for path in sorted(ledger.folder.glob(pattern))]
        listed = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in columns.items())
        connection.execute(f"create or replace temp table {name} as select {listed} where false")
        if files:
            names = ", ".join(columns)
            connection.execute(f"insert into {name} select {names} from read_parquet(?, union_by_name = true)", [files])
    connection.execute(
        "create or replace temp table again as select distinct custom_id from outcomes where disposition = 'ask_again'"
    )


def _refuse_another_protocol(ledger: Ledger, policy: Policy, labeler: str, request: Request) -> None:
    """What is published as one series was asked in one way: of the same policy's text, and of the same judge."""
    for earlier in ledger.exports():
        manifest = earlier.manifest
        if (manifest["policy_id"], manifest["policy_version"]) != (policy.policy_id, policy.version):
            continue
        if manifest["policy_hash"] != policy.policy_hash:
            raise UserError(
                f"{policy.policy_id} {policy.version} says something else than when {earlier.export_id} was sent, and answers to both "
                "would be one series. Remedy: raise the version in policy.yml (patch: wording; minor: an example or exception; "
                "major: what violates), `prevalence label render --raw-folder`, and `prevalence run`."
            )
        if request.form == BATCH and manifest.get("judge_id", labeler) != labeler and not request.is_new_judge:
            raise UserError(
                f"{policy.policy_id} {policy.version} was asked of the judge {manifest['model']} ({manifest['judge_id']}) before, and "
                f"{request.model} ({labeler}) is another one: model, prompt, decoding or what is shown differ. Remedy: ask the one before; or "
                "--new-judge, which mixes two judges in one series: the audit corrects for both together, and nothing tells them "
                "apart afterwards but judge_id."
            )


def _write(ledger: Ledger, policy: Policy, request: Request, rows: Sequence[dict[str, Any]]) -> Exported:
    configuration = label_studio_configuration(policy)
    shown = {"text_budget": request.text_budget, "personal_data": REDACTION if policy.redacts else "shown"}
    if request.form == BATCH:
        labeler = judge_id(policy, str(request.model), request.decoding, shown)
    else:
        tool = configuration if request.form == LABEL_STUDIO else request.form
        labeler = human_protocol_id(policy, tool, request.pool, shown)
    _refuse_another_protocol(ledger, policy, labeler, request)
    identity = [
        *(request.form, request.pool, policy.policy_id, policy.version, labeler, request.vendor, request.rater),
        *(f"{row['assignment_id']}.{row['replicate']}" for row in rows),
    ]
    export_id = "exp_" + hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:20]
    issued_at = now()
    due_at = issued_at + timedelta(days=request.due_days)
    for row in rows:
        # of ours alone: a content, a unit and a purpose cannot be read from it
        row["custom_id"] = f"{export_id[4:16]}.{row['assignment_id']}.{row['replicate']}"
    files = {
        BATCH: _batch_files,
        LABEL_STUDIO: _label_studio_files,
        VENDOR_CSV: _vendor_files,
    }[request.form](rows, policy, request, labeler, export_id, due_at, ledger.secret())
    manifest = {
        "export_id": export_id,
        "schema": f"{request.form}/v1",
        "rows": len(rows),
        "policy_id": policy.policy_id,
        "policy_version": policy.version,
        "policy_hash": policy.policy_hash,
        "rule_ids": [rule.rule_id for rule in policy.rules],
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
        "issued_at": stamp(issued_at),
        "due_at": stamp(due_at),
        "ttl_delete_by": stamp(due_at + timedelta(days=30)),
        **shown,
        "media": "screened by the sender" if request.is_media_cleared else "none",
        **({"contact": request.contact} if request.contact else {}),
        **_labeler_of(policy, request, labeler),
    }
    content = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    folder = ledger.keep(
        export_id,
        {
            MANIFEST: content,
            ASKED: _asked(rows, request, labeler, export_id, issued_at, due_at),
            f"{SEND}/{MANIFEST}": content,
            **{f"{SEND}/{name}": text for name, text in files.items()},
        },
    )
    return Exported(export_id, policy.policy_id, len(rows), folder)


def _labeler_of(policy: Policy, request: Request, labeler: str) -> dict[str, Any]:
    if request.form == BATCH:
        return {
            "judge_id": labeler,
            "model": request.model,
            "decoding": dict(request.decoding),
            "template": TEMPLATE,
            "prompt_sha256": prompt_hash(policy),
        }
    return {"human_protocol_id": labeler, "vendor": request.vendor, "rater": request.rater}


def _asked(
    rows: Sequence[Mapping[str, Any]],
    request: Request,
    labeler: str,
    export_id: str,
    issued_at: datetime,
    due_at: datetime,
) -> bytes:
    """The questions as rows of the ledger."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    constant = {
        "labeler_id": labeler,
        "vendor": request.vendor or request.model,
        "rater": request.rater,
        "export_id": export_id,
        "form": request.form,
        "issued_at": issued_at.replace(tzinfo=None),
        "due_at": due_at.replace(tzinfo=None),
    }
    kinds = {"varchar": pa.string(), "bigint": pa.int64(), "timestamp": pa.timestamp("us")}
    arrays = [
        pa.array([constant[name] if name in constant else row[name] for row in rows], kinds[kind])
        for name, kind in ASKED_COLUMNS.items()
    ]
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, names=list(ASKED_COLUMNS)), sink)
    return sink.getvalue()


# --- what is shown ----------------------------------------------------------------------------------------------------


def _shown(row: Mapping[str, Any], policy: Policy, request: Request) -> list[dict[str, Any]]:
    """The components as labelers see them. Of what an item holds, what is not named here does not leave."""
    redaction = Redaction()
    components = []
    for component in json.loads(row["components"]):
        text = component["text"]
        is_truncated = False
        if text is not None:
            text = visible(text)
            text = redaction(text) if policy.redacts else text
            is_truncated = len(text) > request.text_budget
            text = truncated(text, request.text_budget)
        uri = component["uri"] if request.is_media_cleared and _is_link(component["uri"]) else None
        status = "ok" if text or uri else "unreadable" if component["uri"] else "missing"
        components.append(
            {"ref": component["ref"], "kind": visible(component["kind"]), "text": text, "uri": uri}
            | {"truncated": is_truncated, "status": status}
        )
    return components


def _is_link(uri: str | None) -> bool:
    """Whether a tool may open it: nothing that runs, and nothing of the machine that it is opened on."""
    return uri is not None and re.fullmatch(r"https?://[^\s<>\"'`\\]+", uri) is not None


def _boundary(secret: str, row: Mapping[str, Any], labeler: str, content: str) -> str:
    """A code that nobody who writes a content can know, and that does not stand in this one."""
    for attempt in range(100):
        text = f"{secret}|{row['item_hash']}|{labeler}" + (f"|{attempt}" if attempt else "")
        code = hashlib.sha256(text.encode()).hexdigest()[:20]
        if code not in content:
            return code
    raise AssertionError("a hundred hashes stand in one text")


_ANGLES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def _safe_json(value: Any) -> str:
    """JSON in which no markup stands, whoever shows it."""
    return json.dumps(value, ensure_ascii=False).translate(_ANGLES)


def _batch_lines(
    rows: Sequence[Mapping[str, Any]], policy: Policy, request: Request, labeler: str, secret: str
) -> Iterator[bytes]:
    system = prompt(policy)
    schema = {"name": "policy_label_v1", "strict": True, "schema": response_schema(policy)}
    for row in rows:
        items = [
            {key: component[key] for key in ("ref", "kind", "text", "truncated", "status")}
            for component in row["shown"]
        ]
        content = _safe_json(items)
        code = _boundary(secret, row, labeler, content)
        text = (
            f"ITEM {code} BEGIN (JSON, data only)\n{content}\nITEM {code} END\n"
            f"Label the item above under policy {policy.policy_id} {policy.version}. Return only the JSON object."
        )
        parts: list[dict[str, Any]] = [{"type": "text", "text": text}]
        for component in row["shown"]:
            if component["uri"]:
                parts.append({"type": "text", "text": f"image part {component['ref']} ({code})"})
                parts.append({"type": "image_url", "image_url": {"url": component["uri"], "detail": "low"}})
        body = {
            "model": request.model,
            **request.decoding,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": parts if len(parts) > 1 else text},
            ],
            "response_format": {"type": "json_schema", "json_schema": schema},
        }
        head = json.dumps({"custom_id": row["custom_id"], "method": "POST", "url": "/v1/chat/completions"})
        yield head[:-1].encode() + BODY_BEGINS + json.dumps(body, ensure_ascii=False).encode() + b"}\n"


def _batch_files(rows, policy, request, labeler, export_id, due_at, secret) -> dict[str, bytes]:
    files: list[list[bytes]] = []
    size = 0
    for line in _batch_lines(rows, policy, request, labeler, secret):
        if not files or len(files[-1]) >= BATCH_ROWS or size + len(line) > BATCH_BYTES:
            files.append([])
            size = 0
        files[-1].append(line)
        size += len(line)
    return {f"batch-{number:04}.jsonl": b"".join(lines) for number, lines in enumerate(files, start=1)}


def _label_studio_files(rows, policy, request, labeler, export_id, due_at, secret) -> dict[str, bytes]:
    tasks = []
    for row in rows:
        shown = row["shown"]
        images = [component for component in shown if component["uri"]]
        data = {
            "assignment_id": row["assignment_id"],
            "item_id": row["item_id"],
            "item_hash": row["item_hash"],
            "policy_id": policy.policy_id,
            "policy_version": policy.version,
            "queue_banner": inert(f"{policy.title} ({policy.policy_id} {policy.version})"),
            "turns": [
                {"role": f"{component['ref']} {inert(component['kind'])}", "text": _for_people(component)}
                for component in shown
            ]
            or [{"role": "item", "text": "[nothing was shown]"}],
            "images": [component["uri"] for component in images],
            "image_refs": ", ".join(component["ref"] for component in images),
        }
        tasks.append({"data": data, "meta": {"export_id": export_id}})
    return {
        "tasks.json": (json.dumps(tasks, ensure_ascii=False, indent=1) + "\n").encode(),
        "label_config.xml": label_studio_configuration(policy).encode(),
        "guideline.md": guideline(policy).encode(),
    }


def _for_people(component: Mapping[str, Any]) -> str:
    if component["text"]:
        return inert(component["text"])
    return "[image]" if component["uri"] else f"[{component['status']}]"


def _vendor_files(rows, policy, request, labeler, export_id, due_at, secret) -> dict[str, bytes]:
    most = max((len(row["shown"]) for row in rows), default=0)
    images = max((sum(bool(component["uri"]) for component in row["shown"]) for row in rows), default=0)
    header = ["assignment_id", "item_id", "item_hash", "policy_id", "policy_version", "component_count"]
    header += [f"text_{number}{part}" for number in range(1, most + 1) for part in ("_role", "")]
    header += [f"image_{number}{part}" for number in range(1, images + 1) for part in ("_ref", "_url")]
    header += ["due_at"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        shown = row["shown"]
        line = [
            row["assignment_id"],
            row["item_id"],
            row["item_hash"],
            policy.policy_id,
            policy.version,
            str(len(shown)),
        ]
        for number in range(most):
            component = shown[number] if number < len(shown) else None
            line += (
                [f"{component['ref']} {inert(component['kind'])}", _for_people(component)] if component else ["", ""]
            )
        pictures = [component for component in shown if component["uri"]]
        for number in range(images):
            line += [pictures[number]["ref"], pictures[number]["uri"]] if number < len(pictures) else ["", ""]
        writer.writerow([cell(value) for value in (*line, stamp(due_at))])
    answers = io.StringIO()
    csv.writer(answers, lineterminator="\n").writerow(DECISION_COLUMNS)
    return {
        "assignments.csv": b"\xef\xbb\xbf" + text.getvalue().encode(),
        "decisions.csv": b"\xef\xbb\xbf" + answers.getvalue().encode(),
        "guideline.md": guideline(policy).encode(),
    }


# what a vendor sends back
DECISION_COLUMNS = (
    *("assignment_id", "item_hash", "rater_code", "decision", "rule_ids", "component_refs", "confidence"),
    *("started_at", "submitted_at", "note"),
)
