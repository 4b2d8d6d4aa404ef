"""What comes back is taken in whatever state it is in: each question one outcome, each line one place, bytes kept, nothing guessed."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest
from label_files import (
    POLICY,
    asked,
    asked_rows,
    assignments_csv,
    batch_line,
    completion,
    decisions,
    events,
    exported,
    many_items,
    verdict,
    world,
    written,
)

from prevalence.engines.settings import UserError
from prevalence.labeling import imports
from prevalence.labeling.ledger import MOST_REPLICATES, Ledger

RULE = "HA3"
HIT = {"decision": "violating", "rule_ids": [RULE, "HA1", RULE], "component_refs": ["c1", "c0"]}

# what a line holds, and the outcome that it has
BODIES: dict[str, tuple[Any, str]] = {
    "plain": (completion(verdict()), "ok"),
    "violating": (completion(verdict(**HIT)), "ok"),
    "whole alone": (completion(verdict(decision="violating", rule_ids=[RULE])), "ok"),
    "fenced": (completion(f"```json\n{verdict()}\n```"), "ok"),
    "in parts": (completion([{"type": "text", "text": verdict()}]), "ok"),
    "spaces": (completion(f"\n\n  {verdict()}  \n"), "ok"),
    "twice fenced": (completion(f"```\n```json\n{verdict()}\n```\n```"), "malformed_json"),
    "cannot": (completion(verdict(decision="cannot_determine")), "cannot_determine"),
    "escalated": (completion(verdict(needs_escalation=True, **HIT)), "escalated"),
    "refusal": (completion(None, refusal="I cannot help"), "refusal"),
    "filtered": (completion(None, "content_filter"), "provider_filter"),
    "cut off": (completion(verdict()[:30], "length"), "truncated"),
    "cut off though whole": (completion(verdict(), "length"), "truncated"),
    "empty": (completion(""), "empty"),
    "blank": (completion(" \n\t"), "empty"),
    "null": (completion(None), "empty"),
    "no choices": ({"choices": []}, "empty"),
    "prose": (completion("I think it is fine."), "malformed_json"),
    "prose before": (completion("Here: " + verdict()), "malformed_json"),
    "half": (completion(verdict()[:-1]), "malformed_json"),
    "body is text": ("<html>502</html>", "malformed_json"),
    "body is a list": ([1], "malformed_json"),
    "list": (completion("[]"), "schema_invalid"),
    "number": (completion("1"), "schema_invalid"),
    "no decision": (completion(verdict(decision=...)), "schema_invalid"),
    "other decision": (completion(verdict(decision="maybe")), "schema_invalid"),
    "escalate is not the judge's": (completion(verdict(decision="escalate")), "schema_invalid"),
    "capital": (completion(verdict(decision="Violating")), "schema_invalid"),
    "list decision": (completion(verdict(decision=["violating"])), "schema_invalid"),
    "other rule": (completion(verdict(decision="violating", rule_ids=["SH1"])), "schema_invalid"),
    "rule number": (completion(verdict(decision="violating", rule_ids=[1])), "schema_invalid"),
    "rule text": (completion(verdict(decision="violating", rule_ids=RULE)), "schema_invalid"),
    "rule null": (completion(verdict(decision="violating", rule_ids=[None])), "schema_invalid"),
    "ref beyond": (completion(verdict(**{**HIT, "component_refs": ["c2"]})), "schema_invalid"),
    "ref spelt": (completion(verdict(**{**HIT, "component_refs": ["c01"]})), "schema_invalid"),
    "ref injection": (completion(verdict(**{**HIT, "component_refs": ["c0|c1"]})), "schema_invalid"),
    "flag as text": (completion(verdict(needs_escalation="no")), "schema_invalid"),
    "confidence": (completion(verdict(confidence=0.9)), "schema_invalid"),
    "more keys": (completion(verdict(score=1)), "schema_invalid"),
    "no rule": (completion(verdict(decision="violating")), "inconsistent"),
    "rule without violation": (completion(verdict(rule_ids=[RULE])), "inconsistent"),
    "component without violation": (completion(verdict(component_refs=["c0"])), "inconsistent"),
}
LINES: dict[str, tuple[dict[str, Any], str]] = {
    "400": ({"response": {"status_code": 400, "body": {"error": {"code": "invalid_request"}}}}, "request_error"),
    "400 filter": (
        {"response": {"status_code": 400, "body": {"error": {"code": "content_filter"}}}},
        "provider_filter",
    ),
    "429": ({"response": {"status_code": 429, "body": {}}}, "retryable_error"),
    "500": ({"response": {"status_code": 500, "body": None}}, "retryable_error"),
    "expired": ({"response": None, "error": {"code": "batch_expired"}}, "expired"),
    "timeout": ({"response": None, "error": {"code": "timeout"}}, "retryable_error"),
    "nested error": ({"response": None, "error": {"error": {"type": "batch_expired"}}}, "expired"),
    "no response": ({}, "request_error"),
    "status as text": ({"response": {"status_code": "200", "body": completion(verdict())}}, "ok"),
    "status of nothing": ({"response": {"status_code": "??", "body": completion(verdict())}}, "request_error"),
}


@pytest.fixture
def settings(tmp_path):
    return world(tmp_path)


def _import(settings, name: str, content: str | bytes, **options: Any) -> imports.Imported:
    with written(settings.warehouse.parent, name, content) as path:
        return imports.import_file(settings, settings.warehouse.parent / "raw", path, **options)


def _ids(one) -> list[str]:
    return [row["custom_id"] for row in asked_rows(one)]


def _text(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def test_each_line_of_a_batch_has_its_outcome(settings):
    asked(settings, many_items(len(BODIES) + len(LINES) + 1))
    one = exported(settings, "openai-batch")
    ids = iter(_ids(one))
    lines, expected = [], {}
    for name, (body, outcome) in BODIES.items():
        custom_id = next(ids)
        lines.append(batch_line(custom_id, body))
        expected[custom_id] = (name, outcome)
    for name, (line, outcome) in LINES.items():
        custom_id = next(ids)
        lines.append({"custom_id": custom_id, **line})
        expected[custom_id] = (name, outcome)
    done = _import(settings, "output.jsonl", _text(lines))
    found = {row["assignment_id"]: row for row in events(settings)}
    wrong = {}
    for custom_id, (name, outcome) in expected.items():
        row = found.get(custom_id.split(".")[1])
        if outcome in ("expired", "retryable_error"):
            assert row is None, name
        elif row is None or row["outcome"] != outcome:
            wrong[name] = (outcome, row and row["outcome"])
    assert wrong == {}
    assert done.requested == sum(done.outcomes.values()) == len(expected) + 1 and done.outcomes["missing"] == 1
    assert done.outcomes == Counter(outcome for _, outcome in expected.values()) + Counter(missing=1)
    hit = next(row for row in found.values() if row["component_refs"])
    assert (hit["rule_ids"], hit["component_refs"], hit["decision"]) == (f"{RULE}|HA1", "c0|c1", "violating")
    assert hit["source"] == "llm" and hit["judge_id"].startswith("jdg_") and hit["rater_id"] is None
    assert all(row["decision"] is None for row in found.values() if row["outcome"] not in ("ok", "cannot_determine"))
    assert {row["ingest_file_sha256"] for row in found.values()} == {done.file_sha256}


def test_lines_that_are_no_answers_are_counted_by_name(settings):
    asked(settings, many_items(5))
    one = exported(settings, "openai-batch")
    first, second, *_ = _ids(one)
    good = json.dumps(batch_line(first, completion(verdict()))).encode()
    content = b"\n".join(
        [
            b"\xef\xbb\xbf" + good,
            json.dumps(batch_line(first, completion(verdict(**HIT)))).encode(),
            json.dumps(batch_line("somebody.elses.0", completion(verdict()))).encode(),
            json.dumps(batch_line(second, completion(verdict()))).encode()[:-5],
            b"\xff\xfe broken",
            b"",
            b"[]",
            b'{"custom_id": 7}',
            b"null",
        ]
    )
    done = _import(settings, "output.jsonl", content)
    assert done.lines == 8
    assert done.dispositions == {"answer": 1, "duplicate": 1, "unknown_assignment": 2, "unreadable_line": 4}
    assert done.outcomes == {"missing": 4, "ok": 1} and done.requested == 5
    assert (Ledger(settings).received / done.file_sha256 / "raw.jsonl").read_bytes() == content
    assert [row["decision"] for row in events(settings)] == ["non_violating"]
    rejects = done.rejects.read_text("utf-8-sig").splitlines()
    assert len(rejects) == 8 and rejects[0] == "line,assignment_id,outcome,disposition"


def test_the_same_bytes_again_change_nothing_and_other_bytes_add(settings):
    asked(settings, many_items(3))
    a, b, c = _ids(exported(settings, "openai-batch"))
    first = _text([batch_line(a, completion(verdict())), batch_line(b, completion("x"))])
    assert _import(settings, "first.jsonl", first).is_new
    before = events(settings)
    again = _import(settings, "renamed.jsonl", first)
    assert not again.is_new and events(settings) == before
    second = _text([batch_line(custom_id, completion(verdict(**HIT))) for custom_id in (a, b, c)])
    done = _import(settings, "second.jsonl", second)
    # the first usable answer stays; one that could not be used has another beside it now
    assert done.dispositions == {"answer": 2, "duplicate": 1} and done.outcomes == {"ok": 3}
    assert [row for row in events(settings) if row["ingest_file_sha256"] != done.file_sha256] == before


def test_what_may_pass_is_asked_again_and_not_for_ever(settings):
    asked(settings, many_items(2))
    seen = []
    for replicate in range(MOST_REPLICATES):
        one = exported(settings, "openai-batch")
        ids = _ids(one)
        seen += ids
        assert [row["replicate"] for row in asked_rows(one)] == [replicate] * 2
        line = {"response": {"status_code": 503, "body": None}}
        done = _import(settings, f"{replicate}.jsonl", _text([{"custom_id": custom_id, **line} for custom_id in ids]))
        last = replicate == MOST_REPLICATES - 1
        assert done.dispositions == {"answer" if last else "ask_again": 2}
    assert len(set(seen)) == 2 * MOST_REPLICATES
    assert [row["outcome"] for row in events(settings)] == ["retryable_error"] * 2


@pytest.mark.parametrize("dies_at", ["events", "outcomes", "report"])
def test_an_import_that_was_killed_ends_as_an_undisturbed_one(settings, monkeypatch, dies_at):
    asked(settings, many_items(4))
    ids = _ids(exported(settings, "openai-batch"))
    content = _text([batch_line(custom_id, completion(verdict())) for custom_id in ids])
    real = imports.write_whole
    marks = {"events": "import_", "outcomes": "outcomes.parquet", "report": "report.json"}

    def dying(path, written_content):
        if path.name.startswith(marks[dies_at]):
            raise KeyboardInterrupt
        real(path, written_content)

    with monkeypatch.context() as killed:
        killed.setattr(imports, "write_whole", dying)
        with pytest.raises(KeyboardInterrupt):
            _import(settings, "output.jsonl", content)
    done = _import(settings, "output.jsonl", content)
    assert done.is_new and done.dispositions == {"answer": 4} and len(events(settings)) == 4


def test_closing_says_that_nobody_will_answer_any_more(settings):
    asked(settings, many_items(4))
    first, *_ = _ids(exported(settings, "openai-batch"))
    content = _text([batch_line(first, completion(verdict()))])
    assert _import(settings, "output.jsonl", content).outcomes == {"missing": 3, "ok": 1}
    assert len(events(settings)) == 1
    _import(settings, "output.jsonl", content, close=True)
    assert Counter(row["outcome"] for row in events(settings)) == {"ok": 1, "missing": 3}


def test_costs_of_rows_add_up_to_the_cost(settings):
    asked(settings, many_items(50))
    one = exported(settings, "openai-batch")
    (one.folder / "prices.json").write_text(json.dumps({"input": 30.0, "output": 60.0, "currency": "USD"}))
    lines = [batch_line(custom_id, completion(verdict())) for custom_id in _ids(one)]
    _import(settings, "output.jsonl", _text(lines))
    rows = events(settings)
    # 100 tokens at 0.003 cents and 20 at 0.006, of 50 questions: 21 cents, and less than one for each
    assert sum(row["cost_minor_units"] for row in rows) == 21
    assert {row["cost_minor_units"] for row in rows} == {0, 1} and {row["currency"] for row in rows} == {"USD"}


def test_ten_thousand_mutations_lose_nothing(settings):
    count = 500
    asked(settings, many_items(count))
    ids = _ids(exported(settings, "openai-batch"))
    generator = random.Random(20261128)
    plain = [json.dumps(batch_line(custom_id, completion(verdict(**HIT)))).encode() for custom_id in ids]
    pieces = [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b",",
        b":",
        b"null",
        b"\\u0000",
        b"\\ud800",
        b"\xff",
        b"1e999",
        b"\r",
        b" ",
        b"-",
    ]
    pieces += [b"true", b"[" * 2000, b"\x00", "\u202e".encode(), b'"choices":', b"0" * 400, b"c0|", b"ok"]

    def mutated(line: bytes) -> bytes:
        for _ in range(generator.choice((1, 1, 1, 2, 5))):
            place = generator.randrange(len(line) + 1)
            match generator.randrange(5):
                case 0:
                    line = line[:place]
                case 1:
                    line = line[:place] + generator.choice(pieces) + line[place:]
                case 2:
                    line = line[:place] + line[place + generator.randrange(1, 30) :]
                case 3:
                    line = line[:place] + bytes([generator.randrange(256)]) + line[place + 1 :]
                case 4:
                    other = generator.choice(plain)
                    line = line[:place] + other[generator.randrange(len(other)) :]
        return line.replace(b"\n", b" ")

    lines = [mutated(generator.choice(plain)) for _ in range(10_000)]
    done = _import(settings, "output.jsonl", b"\n".join(lines))
    assert done.lines == sum(done.dispositions.values()) == sum(bool(line.strip()) for line in lines)
    assert done.requested == count == sum(done.outcomes.values())
    assert done.dispositions["unreadable_line"] > 3000 and done.outcomes["ok"] > 100
    rows = events(settings)
    assert len({row["assignment_id"] for row in rows}) == len(rows) == done.dispositions["answer"]
    for row in rows:
        if row["outcome"] == "ok":
            assert row["decision"] in ("violating", "non_violating")
            assert set((row["rule_ids"] or "HA3").split("|")) <= {"HA1", "HA2", "HA3", "HA4"}
            assert set((row["component_refs"] or "c0").split("|")) <= {"c0", "c1"}


# --- people's files -----------------------------------------------------------------------------------------------------


def _annotation(*results: tuple[str, Any], **values: Any) -> dict[str, Any]:
    kinds = {"confidence": "rating", "note": "text"}
    return {
        "id": 1,
        "completed_by": 1,
        "updated_by": None,
        "was_cancelled": False,
        "lead_time": 12.5,
        "created_at": "2026-11-20T09:00:30.123456Z",
        "result": [
            {"from_name": name, "to_name": "turns", "type": "x", "value": {kinds.get(name, "choices"): value}}
            for name, value in results
        ],
        **values,
    }


_FINE = ("decision", ["non_violating"])
ANNOTATIONS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "fine": ([_annotation(_FINE, ("confidence", 3), ("note", ["-"]))], "ok"),
    "violating": (
        [_annotation(("decision", ["violating"]), ("rule_id", ["HA1", RULE]), ("component_refs", ["c1"]))],
        "ok",
    ),
    "cannot": ([_annotation(("decision", ["cannot_determine"]))], "cannot_determine"),
    "escalate": ([_annotation(("decision", ["escalate"]))], "escalated"),
    "cancelled": ([_annotation(was_cancelled=True)], "skipped"),
    "other control": ([_annotation(_FINE, ("sentiment", ["good"]))], "unknown_control"),
    "empty": ([_annotation()], "empty"),
    "only a note": ([_annotation(("note", ["hm"]))], "empty"),
    "two choices": ([_annotation(("decision", ["violating", "non_violating"]))], "bad_value"),
    "two decisions": ([_annotation(_FINE, _FINE)], "bad_value"),
    "other choice": ([_annotation(("decision", ["maybe"]))], "bad_value"),
    "other rule": ([_annotation(("decision", ["violating"]), ("rule_id", ["SH1"]))], "bad_value"),
    "other ref": (
        [_annotation(("decision", ["violating"]), ("rule_id", [RULE]), ("component_refs", ["c9"]))],
        "bad_value",
    ),
    "rating": ([_annotation(_FINE, ("confidence", 4))], "bad_value"),
    "no rule": ([_annotation(("decision", ["violating"]))], "inconsistent"),
    "rule without": ([_annotation(_FINE, ("rule_id", [RULE]))], "inconsistent"),
    "edited": ([_annotation(_FINE, updated_by=2)], "edited_by_other"),
    "edited by self": ([_annotation(_FINE, updated_by=1)], "ok"),
    "full users": ([_annotation(_FINE, completed_by={"id": 4, "email": "x@y.org"}, updated_by={"id": 4})], "ok"),
    "second": ([_annotation(_FINE), _annotation(("decision", ["escalate"]))], "ok"),
    "second is usable": ([_annotation(was_cancelled=True), _annotation(_FINE, id=2)], "ok"),
    "stale": ([_annotation(_FINE)], "stale_item"),
    "nobody": ([], "missing"),
}


def test_each_annotation_of_label_studio_has_its_outcome(settings):
    asked(settings, many_items(len(ANNOTATIONS)), "sme")
    one = exported(settings, "label-studio", rater="r4")
    tasks = json.loads((one.folder / "send" / "tasks.json").read_text())
    expected = {}
    for task, (name, (given, outcome)) in zip(tasks, ANNOTATIONS.items(), strict=True):
        task |= {"id": 1, "annotations": given, "predictions": [{"result": []}]}
        if name == "stale":
            task["data"]["item_hash"] = "sha256:other"
        expected[task["data"]["assignment_id"]] = (name, outcome)
    done = _import(settings, "export.json", json.dumps(tasks))
    found = {row["assignment_id"]: row for row in events(settings)}
    wrong = {
        name: (outcome, found[key]["outcome"] if key in found else "missing")
        for key, (name, outcome) in expected.items()
        if outcome != (found[key]["outcome"] if key in found else "missing")
    }
    assert wrong == {}
    assert done.requested == sum(done.outcomes.values()) == len(ANNOTATIONS)
    assert done.dispositions["duplicate"] == 2
    # whom the project was made for; what the tool says of users is a claim
    assert {row["rater_id"] for row in found.values()} == {"north:r4"}
    assert {row["source"] for row in found.values()} == {"human"} and b"x@y.org" not in repr(found).encode()


ROWS: dict[str, tuple[dict[str, str], str]] = {
    "fine": ({}, "ok"),
    "violating": ({"decision": "violating", "rule_ids": " HA1 | HA3 ", "component_refs": "c1|c0"}, "ok"),
    "capital": ({"decision": "Non_Violating "}, "ok"),
    "cannot": ({"decision": "cannot_determine", "confidence": ""}, "cannot_determine"),
    "escalate": ({"decision": "escalate"}, "escalated"),
    "skipped": ({"decision": "skipped"}, "skipped"),
    "no decision": ({"decision": ""}, "empty"),
    "other decision": ({"decision": "yes"}, "bad_value"),
    "no rater": ({"rater_code": ""}, "bad_value"),
    "other rule": ({"decision": "violating", "rule_ids": "SH1"}, "bad_value"),
    "comma": ({"decision": "violating", "rule_ids": "HA1,HA3"}, "bad_value"),
    "other ref": ({"decision": "violating", "rule_ids": "HA1", "component_refs": "c7"}, "bad_value"),
    "confidence": ({"confidence": "high"}, "bad_value"),
    "spreadsheet's day": ({"submitted_at": "20/11/2026 9:00"}, "bad_value"),
    "no time": ({"submitted_at": ""}, "bad_value"),
    "next year": ({"submitted_at": "2999-01-01T00:00:00Z", "started_at": ""}, "bad_value"),
    "infinite": ({"submitted_at": "infinity", "started_at": ""}, "bad_value"),
    "backwards": ({"started_at": "2026-11-20T10:00:00Z"}, "bad_value"),
    "no rule": ({"decision": "violating"}, "inconsistent"),
    "rule without": ({"rule_ids": "HA1"}, "inconsistent"),
    "stale": ({"item_hash": "sha256:other"}, "stale_item"),
    "untouched": (dict.fromkeys(("decision", "rater_code", "confidence", "started_at", "submitted_at"), ""), "missing"),
}


@pytest.mark.parametrize(
    ("separator", "encoding", "ends"),
    [(",", "utf-8", "\n"), (",", "utf-8-sig", "\r\n"), (";", "utf-8-sig", "\r\n"), ("\t", "utf-16", "\r\n")],
)
def test_each_row_of_a_vendor_has_its_outcome(settings, separator, encoding, ends):
    asked(settings, many_items(len(ROWS)), "sme")
    one = exported(settings, "vendor-csv")
    rows, expected = [], {}
    for sent, (name, (values, outcome)) in zip(assignments_csv(one), ROWS.items(), strict=True):
        rows.append(
            {"assignment_id": sent["assignment_id"], "item_hash": sent["item_hash"], "note": '"=1+1"\nx', **values}
        )
        expected[sent["assignment_id"]] = (name, outcome)
    content = decisions(rows, separator).replace("\n", ends).encode(encoding)
    done = _import(settings, "decisions.csv", content)
    found = {row["assignment_id"]: row for row in events(settings)}
    wrong = {
        name: (outcome, found[key]["outcome"] if key in found else "missing")
        for key, (name, outcome) in expected.items()
        if outcome != (found[key]["outcome"] if key in found else "missing")
    }
    assert wrong == {}
    assert done.requested == sum(done.outcomes.values()) == len(ROWS)
    fine = [row for row in found.values() if row["outcome"] == "ok"]
    assert {row["rater_id"] for row in fine} == {"north:r7"} and {row["lead_time_s"] for row in fine} == {30.0}
    assert {(row["rule_ids"], row["component_refs"]) for row in fine} == {(None, None), ("HA3|HA1", "c0|c1")}


def test_a_vendor_corrects_a_row_and_a_broken_one_is_named(settings):
    asked(settings, many_items(4), "sme")
    one = exported(settings, "vendor-csv")
    sent = [{"assignment_id": row["assignment_id"], "item_hash": row["item_hash"]} for row in assignments_csv(one)]
    first = decisions([{**sent[0], "decision": "yes"}, sent[1], sent[1]]) + f"{sent[2]['assignment_id']},too,few\n"
    done = _import(settings, "decisions.csv", first)
    assert done.dispositions == {"answer": 2, "duplicate": 1, "unreadable_line": 1}
    assert done.outcomes == {"bad_value": 1, "missing": 2, "ok": 1}
    second = _import(settings, "decisions.csv", decisions([sent[0], {"assignment_id": "asg_0", "item_hash": "x"}]))
    assert second.dispositions == {"answer": 1, "unknown_assignment": 1}
    assert second.outcomes == {"missing": 2, "ok": 2}


def test_late_answers_are_taken_and_marked(settings):
    asked(settings, many_items(1), "sme")
    one = exported(settings, "vendor-csv", due_days=-1)
    (row,) = assignments_csv(one)
    sent = {"assignment_id": row["assignment_id"], "item_hash": row["item_hash"]}
    done = _import(settings, "decisions.csv", decisions([sent]))
    assert done.late == 1 and done.outcomes == {"ok": 1} and "after they were due" in "\n".join(imports.said(done))


def test_an_address_in_the_place_of_a_pseudonym_is_not_kept(settings):
    asked(settings, many_items(1), "sme")
    (row,) = assignments_csv(exported(settings, "vendor-csv"))
    sent = {"assignment_id": row["assignment_id"], "item_hash": row["item_hash"], "rater_code": "Jane@vendor.example"}
    _import(settings, "decisions.csv", decisions([sent]))
    (event,) = events(settings)
    assert event["rater_id"].startswith("north:") and "@" not in event["rater_id"] and "ane" not in event["rater_id"]


def test_a_model_that_was_not_asked_is_named(settings):
    asked(settings, many_items(2))
    first, second = _ids(exported(settings, "openai-batch"))
    bodies = [{**completion(verdict()), "model": model} for model in ("judge-2026-01-01", "judge-latest")]
    done = _import(settings, "output.jsonl", _text([batch_line(first, bodies[0]), batch_line(second, bodies[1])]))
    assert done.other_models == {"judge-latest": 1} and "judge-latest" in "\n".join(imports.said(done))


def test_who_answered_is_never_guessed(settings):
    asked(settings, many_items(3), "bpo", slots=2)
    both = [exported(settings, "vendor-csv", pool="bpo", vendor=vendor) for vendor in ("north", "south")]
    rows = [
        {"assignment_id": row["assignment_id"], "item_hash": row["item_hash"]}
        for one in both
        for row in assignments_csv(one)
    ]
    with pytest.raises(UserError, match="several vendors"):
        _import(settings, "decisions.csv", decisions(rows))
    assert events(settings) == []
    done = _import(settings, "decisions.csv", decisions(rows), export_id=both[0].export_id)
    assert done.dispositions == {"answer": 3, "unknown_assignment": 3}
    assert {row["vendor"] for row in events(settings)} == {"north"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.xlsx", b"PK\x03\x04...", "workbook"),
        ("x.pdf", b"%PDF", "none of the forms"),
        ("x.csv", b"a,b\n1,2\n", "lacks assignment_id"),
        ("x.csv", "assignment_id,caf\u00e9".encode("latin-1"), "neither UTF-8"),
        ("x.csv", b"a\x00b", "NUL"),
        ("x.csv", b"", "lacks"),
        ("x.json", b'[{"data": ', "not JSON as a whole"),
        ("x.json", b'{"a": 1}', "no list of tasks"),
        ("x.json", b"[" * 100_000, "not JSON as a whole"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(settings, name, content, said):
    asked(settings, many_items(1), "sme")
    exported(settings, "vendor-csv")
    with pytest.raises(UserError, match=said) as raised:
        _import(settings, name, content)
    assert "Remedy" in str(raised.value) and events(settings) == []


def test_answers_in_one_file_and_a_folder_are_not_mixed(settings):
    raw = settings.warehouse.parent / "raw"
    (raw / "label_events.parquet").write_bytes(b"x")
    with pytest.raises(UserError, match=r"mkdir .*label_events"):
        _import(settings, "output.jsonl", b"")
    with pytest.raises(UserError, match="is not there"), written(raw, "output.jsonl", b"") as path:
        imports.import_file(settings, raw / "nowhere", path)


def test_nothing_comes_of_an_empty_file(settings):
    asked(settings, many_items(2))
    exported(settings, "openai-batch")
    done = _import(settings, "output.jsonl", b"\n\n")
    assert done.lines == 0 and done.requested == 0 and events(settings) == []
    assert POLICY == "harassment"
