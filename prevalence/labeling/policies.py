"""The policy registry: a folder for each policy, whose policy.yml people write and everything else is made from.

What is wrong with a file is told all at once, each with its file, its line and a remedy.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from prevalence.engines.settings import PROJECT, UserError, display

POLICIES = "PREVALENCE_POLICIES"
FILE = "policy.yml"
SCHEMA = Path(__file__).with_name("policy.schema.json")
# what a step of the decision tree ends in, besides a rule
ENDS = ("NON_VIOLATING", "CANNOT_DETERMINE")
# Material of children is handled by a process of its own: never by a general queue, never by a model.
NEVER = ("csae", "csam", "child_sexual")

# place of a value: the keys and numbers that lead to it
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Rule:
    rule_id: str
    severity: int
    title: str
    violates: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """One policy.yml that has passed every check."""

    folder: Path
    document: Mapping[str, Any]

    @property
    def policy_id(self) -> str:
        return self.document["policy_id"]

    @property
    def version(self) -> str:
        return self.document["version"]

    @property
    def title(self) -> str:
        return self.document["title"]

    @property
    def redacts(self) -> bool:
        """Whether personal data are hidden from who labels; a policy about exposure may need to show them."""
        return self.document.get("personal_data", "redacted") == "redacted"

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(
            Rule(rule["id"], rule["severity"], rule["title"], tuple(rule["violates"]))
            for rule in self.document["rules"]
        )

    @cached_property
    def policy_hash(self) -> str:
        """Of what the file says, whatever its layout and the order of its keys."""
        text = json.dumps(self.document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def policies_folder(given: Path | None = None) -> Path:
    """The folder that was named, or that the environment names, or this project's own."""
    named = given or (Path(os.environ[POLICIES]).expanduser().resolve() if os.environ.get(POLICIES) else None)
    return named or PROJECT / "policies"


def read_policies(folder: Path) -> dict[str, Policy]:
    """Every policy of the folder by its id; UserError with everything that is wrong with any of them."""
    if not folder.is_dir():
        raise UserError(
            f"The folder {display(folder)} of policies is not there. Remedy: --policies (or {POLICIES}) names a folder that "
            f"holds <policy_id>/{FILE}."
        )
    files = sorted(folder.glob(f"*/{FILE}"))
    if not files:
        raise UserError(f"{display(folder)} holds no <policy_id>/{FILE}. Remedy: write one, or name another folder.")
    found: dict[str, Policy] = {}
    problems: list[str] = []
    for file in files:
        policy, wrong = read_policy(file)
        problems += wrong
        if policy is not None:
            found[policy.policy_id] = policy
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise UserError(f"The policies in {display(folder)} cannot be used; nothing was written.\n{listed}")
    return found


def read_policy(file: Path) -> tuple[Policy | None, list[str]]:
    """The policy of one file, or what is wrong with it: `file:line: what. Remedy: ...`."""
    from ruamel.yaml import YAML, YAMLError

    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None, [f"{display(file)}:1: the text is not UTF-8. Remedy: save it as UTF-8"]
    reader = YAML(typ="rt")
    try:
        marked = reader.load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        return None, [
            f"{display(file)}:{line}: this is not YAML ({said}). Remedy: mend the line; quote texts with `: ` or `#`"
        ]
    except RecursionError:
        return None, [
            f"{display(file)}:1: it is nested too deeply. Remedy: write a policy in the shape of docs/labeling.md"
        ]
    if not isinstance(marked, Mapping):
        return None, [f"{display(file)}:1: this is no mapping. Remedy: begin with `schema: policy/v1`"]
    document = _plain(marked)
    problems = list(_problems_of_shape(document))
    if not problems:
        problems = list(_problems_of_meaning(document, file.parent.name))
    if problems:
        return None, [
            f"{display(file)}:{line}: {said}"
            for line, said in sorted((_line(marked, place), said) for place, said in problems)
        ]
    return Policy(file.parent, document), []


def _plain(value: Any) -> Any:
    """Plain values of YAML's: dates as they are written, texts in one normal form and on one line, if they were folded."""
    if isinstance(value, Mapping):
        return {str(key): _plain(below) for key, below in value.items()}
    if isinstance(value, str):
        lines = unicodedata.normalize("NFC", value).splitlines()
        return " ".join(" ".join(lines).split())
    if isinstance(value, Sequence):
        return [_plain(below) for below in value]
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, bool) or value is None:
        return value
    # numbers of YAML's reader remember how they were written
    return int(value) if isinstance(value, int) else float(value)


def _line(marked: Any, place: Place) -> int:
    """The line of the value, or of the nearest one around it that has one."""
    line, here = 1, marked
    for key in place:
        try:
            line = (here.lc.item(key) if isinstance(key, int) else here.lc.key(key))[0] + 1
            here = here[key]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


def _named(place: Place) -> str:
    text = ""
    for key in place:
        text += f"[{key + 1}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text or "the file"


def _problems_of_shape(document: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    import jsonschema  # type: ignore[import-untyped]

    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for error in validator.iter_errors(document):
        place = tuple(error.absolute_path)
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        match error.validator:
            case "required":
                missing = [name for name in error.validator_value if name not in error.instance]
                # one message for each, though the library gives one error for each
                name = next(name for name in missing if f"'{name}'" in error.message)
                yield place, f"{_named(place)} has no {name}. Remedy: add it ({_shape_of(known.get(name, {}))})"
            case "additionalProperties":
                for name in sorted(set(error.instance) - set(known)):
                    near = difflib.get_close_matches(name, known, n=1)
                    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                    yield (*place, name), f"{_named(place)} has a key {name} that nothing reads. Remedy: {hint}"
            case _:
                shown = json.dumps(error.instance, ensure_ascii=False)
                shown = shown if len(shown) <= 60 else shown[:57] + "..."
                yield place, f"{_named(place)} is {shown}. Remedy: {_shape_of(error.schema)}"


def _shape_of(schema: Mapping[str, Any]) -> str:
    """In words, what the schema asks for."""
    if "$ref" in schema:
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"][schema["$ref"].rpartition("/")[2]]
    if "const" in schema:
        return f"write {schema['const']}"
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    words = {
        "string": "a text (in quotes, where it looks like a number, a day or true and false)",
        "array": "a list with at least one entry" if schema.get("minItems") else "a list",
        "object": "a mapping",
        "integer": "a whole number",
        "number": "a number",
    }
    said = words.get(str(schema.get("type")), "see policy.schema.json")
    if schema.get("pattern") not in (None, "\\S"):
        said = f"a text in quotes like {_LIKE.get(schema['pattern'], schema['pattern'])}"
    if "maxLength" in schema:
        said += f" of at most {schema['maxLength']} characters"
    if "minimum" in schema:
        said += f" from {schema['minimum']}" + (f" to {schema['maximum']}" if "maximum" in schema else "")
    return said + (", no entry twice" if schema.get("uniqueItems") else "")


_LIKE = {
    "^[A-Z][A-Z0-9_]{0,15}$": "SH1: a capital letter, then at most 15 capitals, digits or _",
    "^[a-z][a-z0-9_]{0,39}$": "self_harm: small letters, digits and _",
    "^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)$": "2.1.0 (major.minor.patch)",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "2026-11-01",
    "^\\S.*$": "Self-harm",
    "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$": "en or pt-BR",
}


def _problems_of_meaning(document: Mapping[str, Any], folder: str) -> Iterator[tuple[Place, str]]:
    policy_id = document["policy_id"]
    if policy_id != folder:
        yield ("policy_id",), f"policy_id is {policy_id} in the folder {folder}. Remedy: give both one name"
    if any(word in policy_id for word in NEVER):
        yield (
            ("policy_id",),
            f"{policy_id} is material that this project neither shows nor sends to anybody. Remedy: leave it to the "
            "child-safety process; only counts belong here",
        )
    try:
        date.fromisoformat(document["effective_from"])
    except ValueError:
        yield (
            ("effective_from",),
            f"effective_from is {document['effective_from']}, which is no day. Remedy: a day like 2026-11-01",
        )
    for section, key in (
        ("rules", "id"),
        ("exceptions", "id"),
        ("decision_tree", "id"),
        ("examples", "id"),
        ("definitions", "term"),
    ):
        times = Counter(entry[key] for entry in document.get(section, ()))
        for number, entry in enumerate(document.get(section, ())):
            if times[entry[key]] > 1:
                yield (
                    (section, number, key),
                    f"{section} has {entry[key]} {times[entry[key]]} times. Remedy: an id for each",
                )
    rules = [rule["id"] for rule in document["rules"]]
    yield from _problems_of_tree(document["decision_tree"], rules)
    yield from _problems_of_examples(document["examples"], rules)


def _problems_of_tree(tree: Sequence[Mapping[str, str]], rules: Sequence[str]) -> Iterator[tuple[Place, str]]:
    """Each step leads on to a later one or to an end: so every way ends, and in a decision."""
    steps = {step["id"]: number for number, step in enumerate(tree)}
    reached = {tree[0]["id"]}
    for number, step in enumerate(tree):
        if step["id"] in rules or step["id"] in ENDS:
            yield (
                ("decision_tree", number, "id"),
                f"the step {step['id']} has the name of an end. Remedy: name it Q{number + 1}",
            )
        if step["id"] not in reached:
            yield (
                ("decision_tree", number, "id"),
                f"no way leads to the step {step['id']}. Remedy: lead to it, or take it out",
            )
        for answer in ("yes", "no"):
            end = step[answer]
            reached.add(end)
            place = ("decision_tree", number, answer)
            if end in steps and steps[end] <= number:
                yield (
                    place,
                    f"{step['id']} leads back to {end}, so a way need not end. Remedy: lead to a later step or to an end",
                )
            elif end not in steps and end not in rules and end not in ENDS:
                known = ", ".join((*ENDS, *rules, *steps))
                yield place, f"{step['id']} leads to {end}, which is nothing. Remedy: one of {known}"
    for number, rule in enumerate(rules):
        if rule not in reached:
            yield ("rules", number, "id"), f"no way of the decision tree ends in {rule}. Remedy: add a step for it"


def _problems_of_examples(examples: Sequence[Mapping[str, Any]], rules: Sequence[str]) -> Iterator[tuple[Place, str]]:
    shown = Counter(rule for example in examples for rule in example["rules"])
    for number, example in enumerate(examples):
        for rule in example["rules"]:
            if rule not in rules:
                yield (
                    ("examples", number, "rules"),
                    f"{example['id']} names the rule {rule}, which is none. Remedy: one of {', '.join(rules)}",
                )
        if (example["label"] == "violating") != bool(example["rules"]):
            yield (
                ("examples", number, "rules"),
                f"{example['id']} is {example['label']} with {len(example['rules'])} rules. Remedy: a violating example names "
                "its rule, another one none",
            )
    for number, rule in enumerate(rules):
        if shown[rule] < 2:
            yield ("rules", number, "id"), f"{rule} has {shown[rule]} examples. Remedy: two or more"
    near_misses = sum(example["label"] == "non_violating" for example in examples)
    if near_misses < 2:
        yield ("examples",), f"there are {near_misses} examples that do not violate. Remedy: two near misses or more"
